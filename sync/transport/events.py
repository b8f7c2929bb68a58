"""Pokes as server-sent events.

A comment (the heartbeat) is passed on as None, so that the caller knows the
line is alive. httpx-sse drops comments, so events are cut apart here and each
one is read by it.
"""

from collections.abc import Iterator

import httpx
from httpx_sse import EventSource, ServerSentEvent

from sync.protocol.errors import Unreachable
from sync.protocol.session import Poke

CONTENT_TYPE = "text/event-stream"
EVENT_LINES_MAX = 100
_POKE_EVENTS = ("poke", "message", "")


def pokes_in(response: httpx.Response) -> Iterator[Poke | None]:
    """Yield what an event stream says, until it closes."""
    block: list[str] = []
    for line in response.iter_lines():
        if line.startswith(":"):
            yield None
        elif line:
            block.append(line)
            if len(block) > EVENT_LINES_MAX:
                raise Unreachable(f"an event of more than {EVENT_LINES_MAX} lines")
        elif block:
            yield from map(_poke, _events(block))
            block = []


def _events(block: list[str]) -> Iterator[ServerSentEvent]:
    text = "\n".join(block) + "\n\n"
    alone = httpx.Response(200, headers={"content-type": CONTENT_TYPE}, content=text.encode())
    return EventSource(alone).iter_sse()


def _poke(event: ServerSentEvent) -> Poke | None:
    """Return the poke; an event of another kind is a sign of life."""
    if event.event not in _POKE_EVENTS or not event.data:
        return None
    try:
        return Poke.model_validate_json(event.data)
    except ValueError as problem:
        raise Unreachable(f"an event is no poke: {event.data[:80]!r}") from problem
