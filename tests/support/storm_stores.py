"""Thousands of stores in one process that reconnect in the same moment, each over HTTP of its own.

    python -m tests.support.storm_stores DEVICES_FILE RESULT_FILE CENTRAL_PORT SECONDS_MAX

Each store does what the daemon does in a round: challenge, hello, push, pull of
its own scope; told to wait it waits as the daemon would. What came of it is written at the end.
"""

import argparse
import asyncio
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import TypeVar

from sync.edge.backoff import busy_delay_s, retry_delay_s
from sync.protocol.session import (
    PREV_HASH_DIGITS,
    Challenge,
    HelloAnswer,
    HelloRequest,
    Message,
    PullHeader,
    PushAnswer,
    PushHeader,
)
from sync.protocol.version import LOWEST_SERVED, PROTOCOL_VERSION
from sync.transport import frames
from tests.support.storm import Journaled, read_devices

HOST = "127.0.0.1"
OK, BUSY = 200, 429
M = TypeVar("M", bound=Message)


@dataclass
class Told:
    """What came of it."""

    drained_s: list[float] = field(default_factory=list)
    """When each store was through, from the beginning."""
    busy: int = 0
    broken: int = 0
    """Connections that were refused or broke off."""
    errors: Counter[str] = field(default_factory=Counter)
    """Any answer but 200 and 429."""
    calls: int = 0


class Busy(Exception):
    """Central asks to wait."""

    def __init__(self, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(f"wait {retry_after_s} s")


class Wrong(Exception):
    """An answer that no store should get."""


class Wire:
    """One store's connection: HTTP/1.1, kept alive, opened when it is needed."""

    def __init__(self, port: int, told: Told) -> None:
        self._port = port
        self._told = told
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(self, method: str, path: str, token: str = "", body: bytes = b"") -> bytes:
        """Return the body of a good answer."""
        head = f"{method} {path} HTTP/1.1\r\nhost: {HOST}:{self._port}\r\n"
        if token:
            head += f"authorization: Bearer {token}\r\n"
        if body:
            head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        if self._streams is None:
            self._streams = await asyncio.open_connection(HOST, self._port)
        reader, writer = self._streams
        writer.write(head.encode() + b"\r\n" + body)
        self._told.calls += 1
        status, headers = _head(await reader.readuntil(b"\r\n\r\n"))
        content = await reader.readexactly(int(headers["content-length"]))
        if status == BUSY:
            raise Busy(float(headers["retry-after"]))
        if status != OK:
            raise Wrong(f"{status} {content[:120]!r}")
        return content

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def _head(raw: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = raw.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines if line)
    return int(first.split(" ", 2)[1]), headers


class Store:
    """One store that comes back."""

    def __init__(self, device: Journaled, wire: Wire) -> None:
        self._device = device
        self._wire = wire
        self._token = ""
        self._acked = 0

    async def round(self) -> None:
        """Say hello if need be, send everything, fetch everything."""
        if not self._token:
            await self._hello()
        await self._push()
        scope = f"store:{self._device.location_id}"
        page = await self._wire.call("GET", f"/v1/sync/pull?scope={scope}", self._token)
        header, rows = frames.read(PullHeader, page)
        if header.more or header.count != len(rows) or not rows:
            raise Wrong(f"a page of {header}")

    async def _hello(self) -> None:
        device = self._device
        answer = await self._wire.call("GET", "/v1/sync/challenge")
        request = HelloRequest(
            protocol_min=LOWEST_SERVED, protocol_max=PROTOCOL_VERSION, app_version="storm",
            replica_id=device.replica_id, epoch=1, install_nonce=device.install_nonce,
            last_seq=len(device.lines), last_hash=device.hashes[-1].hex(), acked_seq=self._acked,
            backlog=len(device.lines) - self._acked, sent_at_ms=0, boot_id="boot",
            nonce=_read(Challenge, answer).nonce, signature="",
        )  # fmt: skip
        signature = device.key.sign(request.signed_text()).hex()
        body = request.model_copy(update={"signature": signature}).model_dump_json().encode()
        hello = _read(HelloAnswer, await self._wire.call("POST", "/v1/sync/hello", body=body))
        self._token, self._acked = hello.session_token, hello.last_seq

    async def _push(self) -> None:
        lines = [line.encode() for line in self._device.lines[self._acked :]]
        header = PushHeader(
            first_seq=self._acked + 1, count=len(lines),
            prev_hash=self._device.hashes[self._acked].hex()[:PREV_HASH_DIGITS],
        )  # fmt: skip
        body = frames.join(header, lines)
        answer = await self._wire.call("POST", "/v1/sync/push", self._token, body)
        self._acked = _read(PushAnswer, answer).acked_seq
        if self._acked != len(self._device.lines):
            raise Wrong(f"acknowledged up to {self._acked}")


def _read(kind: type[M], body: bytes) -> M:
    return kind.model_validate_json(body)


async def drain(device: Journaled, port: int, told: Told, began: float) -> None:
    """Do rounds until one is through."""
    random = Random(device.replica_id)
    wire = Wire(port, told)
    store = Store(device, wire)
    failures = 0
    while True:
        try:
            await store.round()
        except Busy as busy:
            told.busy += 1
            failures += 1
            wait_s = busy_delay_s(busy.retry_after_s, failures, random)
        except (OSError, EOFError) as problem:
            told.broken += 1
            failures += 1
            del problem
            wire.close()
            wait_s = retry_delay_s(failures, random)
        except Wrong as problem:
            told.errors[str(problem)[:160]] += 1
            failures += 1
            wait_s = retry_delay_s(failures, random)
        else:
            told.drained_s.append(time.monotonic() - began)
            wire.close()
            return
        await asyncio.sleep(wait_s)


async def storm(devices: Sequence[Journaled], port: int, seconds_max: float) -> Told:
    """Let all stores come at once; return what they were told, at the latest after the time."""
    told = Told()
    began = time.monotonic()
    tasks = [asyncio.create_task(drain(one, port, told, began)) for one in devices]
    _, late = await asyncio.wait(tasks, timeout=seconds_max)
    for task in late:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return told


def command(folder: Path, port: int, seconds_max: float) -> list[str]:
    """Return the command line that plays the stores of `folder`."""
    files = (folder / "devices.jsonl", folder / "told.json")
    return [
        sys.executable, "-m", "tests.support.storm_stores", *map(str, files), str(port),
        str(seconds_max),
    ]  # fmt: skip


def told_in(folder: Path) -> Told:
    """Return what that process wrote."""
    known = json.loads((folder / "told.json").read_text(encoding="utf-8"))
    return Told(**{**known, "errors": Counter(known["errors"])})


def main() -> None:
    """Play the stores."""
    parser = argparse.ArgumentParser()
    parser.add_argument("devices", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("seconds_max", type=float)
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    devices = read_devices(options.devices)
    told = asyncio.run(storm(devices, options.port, options.seconds_max))
    options.result.write_text(json.dumps(asdict(told)), encoding="utf-8")


if __name__ == "__main__":
    main()
