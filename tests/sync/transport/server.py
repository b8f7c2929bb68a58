"""A server on loopback that answers as told, byte for byte, and keeps what it saw."""

import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Thread

from sync.protocol.session import Message


@dataclass(frozen=True)
class Seen:
    """One request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    raw_bytes: int


@dataclass(frozen=True)
class Reply:
    """Bytes to send, then whether to close, after `hold` if given."""

    raw: bytes
    close: bool = False
    hold: Event | None = None


Handler = Callable[[Seen], Reply]


def reply(
    body: bytes = b"",
    *,
    status: str = "200 OK",
    content_type: str = "application/json",
    **headers: str,
) -> Reply:
    """Return a whole answer; `_` in the name of a header stands for `-`."""
    named = {"content-type": content_type, "content-length": str(len(body))}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return Reply(f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body)


def reply_message(message: Message) -> Reply:
    """Return a message as JSON."""
    return reply(message.model_dump_json().encode())


def reply_problem(status_line: str, **members: object) -> Reply:
    """Return a problem document."""
    return reply(
        json.dumps(members).encode(), status=status_line, content_type="application/problem+json"
    )


@dataclass
class Server:
    """What the test sees of the server."""

    handler: Handler
    port: int = 0
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    bytes_sent: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Serve on a free port until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(handler, listener.getsockname()[1])
    open_sockets: list[socket.socket] = []
    threads: list[Thread] = []

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                server.connections += 1
                open_sockets.append(connection)
                thread = Thread(target=_talk, args=(server, connection, tls), daemon=True)
                threads.append(thread)
                thread.start()

    accepting = Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join(timeout=10)
        for connection in open_sockets:
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in threads:
            thread.join(timeout=10)
        for connection in open_sockets:
            connection.close()


def _talk(server: Server, connection: socket.socket, tls: ssl.SSLContext | None) -> None:
    with suppress(OSError):
        stream = connection
        if tls is not None:
            stream = tls.wrap_socket(connection, server_side=True)
        with stream, stream.makefile("rb") as reader:
            while (seen := _request(reader)) is not None:
                server.seen.append(seen)
                answer = server.handler(seen)
                server.bytes_sent += len(answer.raw)
                stream.sendall(answer.raw)
                if answer.hold is not None:
                    answer.hold.wait(timeout=10)
                if answer.close:
                    stream.shutdown(socket.SHUT_RDWR)
                    return


def _request(reader) -> Seen | None:
    first = reader.readline()
    if not first:
        return None
    raw_bytes = len(first)
    method, target, _ = first.decode().split(" ", 2)
    headers: dict[str, str] = {}
    while (line := reader.readline()) not in (b"\r\n", b""):
        raw_bytes += len(line)
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    body = reader.read(int(headers.get("content-length", "0")))
    return Seen(method, target, headers, body, raw_bytes + 2 + len(body))
