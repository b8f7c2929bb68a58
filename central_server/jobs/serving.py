"""Runs the ASGI application until it is told to stop, and then stops in good order."""

import datetime as dt
import gc
import json
import logging
import resource
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn

from central_server.config import CentralSettings
from sync.domain.card_numbers import without_card_numbers

DRAIN_SECONDS = 6
"""How long requests that are being served may take after SIGTERM."""
BACKLOG = 2048
SILENCE_MS_MAX = 60_000
"""An answer of which so long nothing has arrived goes nowhere: the connection is dead."""
YOUNG_VALUES = 50_000


LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


class WithoutCardNumbers(logging.Formatter):
    """Takes whatever looks like a card's number out of a line, its traceback included."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return without_card_numbers(super().format(record))


class AsJson(WithoutCardNumbers):
    """Makes a JSON object of a line, with the names that a store's daemon gives."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object."""
        at = dt.datetime.fromtimestamp(record.created, dt.UTC)
        values = {
            "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": without_card_numbers(record.getMessage()),
        }
        if record.exc_info:
            values["exception"] = without_card_numbers(self.formatException(record.exc_info))
        return json.dumps(values)


class CannotListen(Exception):
    """The address cannot be had: another process has it, or it is not this machine's."""


class _Server(uvicorn.Server):
    """Ends the streams of the stores before it waits for requests to finish."""

    before_exit: Callable[[], None]
    say: Callable[[str], None]

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop: without this, an open stream would use up the whole grace period."""
        self.before_exit()
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """Say where central listens, once it does."""
        await super().startup(sockets)  # type: ignore[arg-type]
        for server in self.servers:
            for listener in server.sockets:
                notice_silence(listener)
                host, port = listener.getsockname()[:2]
                self.say(f"central listens on http://{host}:{port}")


def formatter_of(settings: CentralSettings) -> logging.Formatter:
    """Return how central logs: `log_format`."""
    return AsJson() if settings.log_format == "json" else WithoutCardNumbers(LOG_FORMAT)


def serve_until_stopped(
    app: Callable[..., Any],
    settings: CentralSettings,
    *,
    before_exit: Callable[[], None],
    say: Callable[[str], None],
) -> None:
    """Serve until SIGTERM or SIGINT. One process: the pokes to stores are in its memory."""
    logging.basicConfig(level=settings.log_level.upper())
    for output in logging.getLogger().handlers:
        output.setFormatter(formatter_of(settings))
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=95,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    _allow_many_connections()
    server = _Server(config)
    server.before_exit = before_exit
    server.say = say
    # uvicorn sends itself the signal again when it is done; the caller still has files to close.
    _collect_garbage_rarely()
    previous = {sig: signal.signal(sig, _ignore) for sig in (signal.SIGTERM, signal.SIGINT)}
    try:
        server.run()
    except SystemExit as problem:
        address = f"{settings.host}:{settings.port}"
        raise CannotListen(
            f"cannot listen on {address}: in use, or not this machine's"
        ) from problem
    finally:
        for sig, handler in previous.items():
            signal.signal(sig, handler)


def notice_silence(listener: socket.socket) -> None:
    """Let the system notice dead connections: those that it accepts have what the listener has.

    A client whose link goes dead says nothing: what is sent to it would be kept, with its
    place, for as long as the system tries.
    """
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE_MS_MAX)


def _allow_many_connections() -> None:
    """Take as many files as the system grants: each store keeps two connections open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _collect_garbage_rarely() -> None:
    """Keep the collector off the code that is loaded, and let a push's many small values live.

    A push makes some ten thousand short-lived values without cycles; by default
    the collector would look at them a dozen times while they are still needed.
    """
    gc.freeze()
    gc.set_threshold(YOUNG_VALUES, 20, 50)


def _ignore(sig: int, frame: FrameType | None) -> None:
    """Let a signal pass that has been obeyed."""
