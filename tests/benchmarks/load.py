"""Orders over HTTP from a few clients that each wait for their answer: bare sockets, no library.

The requests are made beforehand, so that what the load costs is little beside the server.
"""

import json
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random

from tests.support.network import location_of, sku_of
from tests.support.real_central import RealCentral

CLIENTS = 8
_NUMBERS = count(1)


@dataclass(frozen=True, slots=True)
class Mix:
    """What is ordered: `lines` SKUs of so many at one of so many stores."""

    stores: int
    skus: int
    lines: int = 3

    def order(self, dice: Random) -> dict[str, object]:
        """Return an order's body."""
        number = dice.getrandbits(30)
        chosen = dice.sample(range(1, self.skus + 1), self.lines)
        return {
            "location_id": location_of(dice.randint(1, self.stores)),
            "customer": {"name": f"Customer {number}", "email": f"c{number}@example.com"},
            "lines": [{"sku": sku_of(one), "quantity": 1} for one in chosen],
        }


@dataclass
class Load:
    """What clients saw: milliseconds of each request, and what was not placed."""

    took_ms: list[float] = field(default_factory=list)
    placed: int = 0
    refused: int = 0
    seconds: float = 0.0

    @property
    def per_s(self) -> float:
        """Orders placed a second."""
        return self.placed / self.seconds


def single_requests(central: RealCentral, mix: Mix, how_many: int) -> list[bytes]:
    """Return requests of one order each."""
    dice = Random(next(_NUMBERS))
    return [
        _request(central, "/v1/orders", mix.order(dice), f"bench-{next(_NUMBERS)}")
        for _ in range(how_many)
    ]


def bulk_requests(central: RealCentral, mix: Mix, how_many: int, each: int = 100) -> list[bytes]:
    """Return requests of `each` orders."""
    dice = Random(next(_NUMBERS))
    return [
        _request(
            central, "/v1/bulk/orders",
            {"orders": [{"key": f"bench-{next(_NUMBERS)}", "order": mix.order(dice)}
                        for _ in range(each)]},
        )
        for _ in range(how_many)
    ]  # fmt: skip


def _request(central: RealCentral, path: str, body: object, key: str = "") -> bytes:
    content = json.dumps(body).encode()
    keyed = f"Idempotency-Key: {key}\r\n" if key else ""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {central.key}\r\n{keyed}"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def run(central: RealCentral, requests: Sequence[bytes], clients: int = CLIENTS) -> Load:
    """Send all requests, each client its share, and return what came back."""
    load = Load()
    shares = [requests[start::clients] for start in range(clients)]
    began = time.perf_counter()
    threads = [threading.Thread(target=_client, args=(central.port, one, load)) for one in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    load.seconds = time.perf_counter() - began
    return load


def _client(port: int, requests: Sequence[bytes], load: Load) -> None:
    took: list[float] = []
    placed = refused = 0
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for request in requests:
            began = time.perf_counter()
            connection.sendall(request)
            status, body = _answer(connection.recv)
            took.append((time.perf_counter() - began) * 1000)
            orders = body.count(b'"status":201') if status == b"200" else status == b"201"
            placed += orders
            refused += not orders
    load.took_ms += took
    load.placed += placed
    load.refused += refused


def _answer(receive: Callable[[int], bytes]) -> tuple[bytes, bytes]:
    """Return an answer's status and body."""
    data = receive(65536)
    while (end := data.find(b"\r\n\r\n")) < 0:
        data += receive(65536)
    head, body = data[:end].lower(), bytearray(data[end + 4 :])
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += receive(65536)
    return data[9:12], bytes(body)
