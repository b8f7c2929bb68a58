"""A TCP proxy that spoils a real network: cut, silent, slow, broken off, captive.

    python -m sync.transport.chaos_proxy --listen 0 --to 127.0.0.1:8000 --control FILE

prints `{"port": 40001}` and runs until SIGTERM or until the process that started
it is gone (`--parent PID` leaves no moment in which its end goes unseen). FILE
is a switch (`sync.transport.switch`); it may be missing. The proxy listens on
loopback only.
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import struct
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

from sync.transport.switch import LinkMode, Switch, read_switch

WATCH_S = 0.05
CHUNK_BYTES = 64 * 1024
HEAD_BYTES_MAX = 64 * 1024
LOOPBACK = "127.0.0.1"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_STREAM = b"text/event-stream"
_PAGE = b"<!doctype html><title>Guest network</title><p>Please accept the terms of use.</p>\n"
_CAPTIVE_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_PAGE), _PAGE)
)


class _LimitReached(Exception):
    """A connection has carried what the switch allows it."""


class ChaosProxy:
    """Forwards connections from a port on loopback to `host`:`port`, as the switch allows."""

    def __init__(self, host: str, port: int, switch: Switch | None = None) -> None:
        self.switch = switch or Switch()
        self.port = 0
        """Where it listens, once started."""
        self.connections = 0
        """How many have been accepted."""
        self.bytes_up = 0
        self.bytes_down = 0
        self._target = (host, port)
        self._holder: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    async def start(self, port: int = 0) -> int:
        """Listen on `port` (0: any free one) and return it."""
        # This socket never listens. It keeps the port ours while a cut link refuses.
        self._holder = _bound(port)
        self.port = self._holder.getsockname()[1]
        await self.apply(self.switch)
        return self.port

    async def apply(self, switch: Switch) -> None:
        """Set the switch. Cut and captive also reset the connections that exist."""
        self.switch = switch
        if switch.mode in (LinkMode.CUT, LinkMode.CAPTIVE):
            self._reset_all()
        if switch.mode is LinkMode.CUT:
            self._stop_listening()
        elif self._server is None:
            self._server = await asyncio.start_server(self._accept, sock=_bound(self.port))
        self._changed.set()
        self._changed = asyncio.Event()

    async def aclose(self) -> None:
        """Reset everything and give the port back."""
        self._stop_listening()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._reset_all()
        if self._holder is not None:
            self._holder.close()

    def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _reset_all(self) -> None:
        for writer in list(self._open):
            _reset(writer)
        self._open.clear()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        try:
            if self.switch.mode is LinkMode.CUT:
                _reset(writer)
                return
            if self.switch.mode is LinkMode.CAPTIVE:
                await _answer_captive(reader, writer)
                return
            await self._flowing()
            await self._forward(reader, writer)
        except _LimitReached:
            # Closed, not reset: what was let through must arrive before the end does.
            return
        except OSError:
            _reset(writer)
        finally:
            self._open.discard(writer)
            writer.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        self._open.add(far_writer)
        up = asyncio.ensure_future(self._pump(reader, far_writer, down=False))
        down = asyncio.ensure_future(self._pump(far_reader, writer, down=True))
        try:
            await asyncio.gather(up, down)
        finally:
            up.cancel()
            down.cancel()
            await asyncio.gather(up, down, return_exceptions=True)
            self._open.discard(far_writer)
            far_writer.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, down: bool
    ) -> None:
        """Carry one direction until its end.

        What is on its way while nothing flows waits, and arrives late: as on a
        real line, also when the client has given up meanwhile.
        """
        carried = 0
        held = b""
        while data := await reader.read(self._piece_bytes()):
            await self._flowing()
            switch = self.switch
            if down and switch.holds_streams and (held or _STREAM in data):
                held += data
                continue
            data, held = held + data, b""
            if switch.latency_ms:
                await asyncio.sleep(switch.latency_ms / 1000)
            allowed = len(data)
            if down and switch.drop_after_bytes is not None:
                allowed = max(0, min(allowed, switch.drop_after_bytes - carried))
            writer.write(data[:allowed])
            await writer.drain()
            carried += allowed
            self._count(allowed, down=down)
            if allowed < len(data):
                raise _LimitReached
            if switch.bytes_per_second is not None:
                await asyncio.sleep(len(data) / switch.bytes_per_second)
        writer.write(held)
        writer.write_eof()

    def _piece_bytes(self) -> int:
        """Return how much to carry at once: a tenth of a second's worth on a slow link."""
        rate = self.switch.bytes_per_second
        return CHUNK_BYTES if rate is None else max(1, min(CHUNK_BYTES, rate // 10))

    def _count(self, size: int, *, down: bool) -> None:
        if down:
            self.bytes_down += size
        else:
            self.bytes_up += size

    async def _flowing(self) -> None:
        while self.switch.mode is LinkMode.HALF_OPEN:
            await self._changed.wait()


class ProxyHandle:
    """A proxy in a thread of its own, for code that is not asynchronous."""

    def __init__(self, proxy: ChaosProxy, loop: asyncio.AbstractEventLoop) -> None:
        self.proxy = proxy
        self._loop = loop

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.proxy.port

    def apply(self, switch: Switch) -> None:
        """Set the switch; it is in force on return."""
        asyncio.run_coroutine_threadsafe(self.proxy.apply(switch), self._loop).result(timeout=10)


@contextmanager
def in_thread(host: str, port: int, switch: Switch | None = None) -> Iterator[ProxyHandle]:
    """Run a proxy to `host`:`port` beside the calling thread."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, name="chaos-proxy", daemon=True)
    thread.start()
    proxy = ChaosProxy(host, port, switch)
    try:
        asyncio.run_coroutine_threadsafe(proxy.start(), loop).result(timeout=10)
        yield ProxyHandle(proxy, loop)
    finally:
        asyncio.run_coroutine_threadsafe(proxy.aclose(), loop).result(timeout=10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=10)
        loop.close()


async def run(listen: int, host: str, port: int, control: Path | None, parent: int) -> None:
    """Serve until SIGTERM, SIGINT or the end of process `parent`; follow the control file."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    proxy = ChaosProxy(host, port)
    await _follow(proxy, control)
    await proxy.start(listen)
    try:
        sys.stdout.write(json.dumps({"port": proxy.port}) + "\n")
        sys.stdout.flush()
        while os.getppid() == parent:
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), WATCH_S)
                return
            await _follow(proxy, control)
    finally:
        await proxy.aclose()


async def _follow(proxy: ChaosProxy, control: Path | None) -> None:
    """Do as the file says; while it cannot be read, stay as it is."""
    if control is None:
        return
    try:
        switch = read_switch(control)
    except (OSError, ValueError):
        return
    if switch == proxy.switch:
        return
    if proxy.port:
        await proxy.apply(switch)
    else:
        proxy.switch = switch


async def _answer_captive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = b""
    while b"\r\n\r\n" not in head and len(head) < HEAD_BYTES_MAX:
        data = await reader.read(CHUNK_BYTES)
        if not data:
            return
        head += data
    writer.write(_CAPTIVE_ANSWER)
    await writer.drain()


def _bound(port: int) -> socket.socket:
    """Return a socket on the port; two of them may hold it, so that it is never lost."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind((LOOPBACK, port))
    return bound


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close without a farewell: the other side gets a reset."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the proxy as a program."""
    parser = argparse.ArgumentParser(prog="chaos_proxy", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--listen", type=int, default=0, help="port on loopback; 0 for a free one")
    parser.add_argument("--to", required=True, help="HOST:PORT to forward to")
    parser.add_argument("--control", type=Path, help="the switch, a file")
    parser.add_argument(
        "--parent", type=int, default=os.getppid(), help="process that started it, by default asked"
    )
    options = parser.parse_args(arguments)
    host, _, port = options.to.rpartition(":")
    if not host or not port.isdigit():
        parser.error(f"--to is not HOST:PORT: {options.to}")
    asyncio.run(run(options.listen, host, int(port), options.control, options.parent))
    return 0


if __name__ == "__main__":
    sys.exit(main())
