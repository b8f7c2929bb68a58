"""Pokes over HTTP: server-sent events, heartbeats, and how the stream ends."""

from threading import Event, Thread

import pytest

from sync.protocol import errors
from sync.protocol.session import Poke
from sync.transport import http
from sync.transport.http import HttpEndpoint
from tests.sync.transport.conftest import token_session
from tests.sync.transport.server import Reply, reply


def _stream(text: str, *, close: bool = True, hold: Event | None = None) -> Reply:
    head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    return Reply((head + text).encode(), close=close, hold=hold)


def test_pokes_and_heartbeats_come_as_they_are_sent(central, endpoint):
    """First None when the stream is open; pokes as such; comments and other events as None."""
    central.handler = lambda _: _stream(
        ": hi\n\n"
        'event: poke\ndata: {"scope": "store:012", "rev": 8}\n\n'
        "event: ping\ndata: {}\n\n"
        'data: {"scope": "catalogue",\ndata: "rev": 9}\n\n'
        'event: poke\ndata: {"scope": "half an event'
    )
    assert list(endpoint.pokes()) == [
        None, None, Poke(scope="store:012", rev=8), None, Poke(scope="catalogue", rev=9),
    ]  # fmt: skip
    assert central.seen[0].target == "/v1/sync/events"
    assert central.seen[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("text", ["data: [1]\n\n", "data: x\n" * 200 + "\n"])
def test_an_event_that_cannot_be_read_ends_the_stream(central, endpoint, text):
    """Junk is not passed over in silence: the caller connects anew."""
    central.handler = lambda _: _stream(text)
    with pytest.raises(errors.Unreachable):
        list(endpoint.pokes())


def test_a_stream_without_heartbeats_is_given_up(central, monkeypatch):
    """A line that has died in silence is noticed by the missing heartbeat."""
    monkeypatch.setattr(http, "EVENTS_READ_TIMEOUT_S", 0.05)
    hold = Event()
    central.handler = lambda _: _stream(": hi\n\n", hold=hold)
    endpoint = HttpEndpoint(central.url, session=token_session())
    with pytest.raises(errors.Unreachable, match="silent"):
        list(endpoint.pokes())
    hold.set()
    endpoint.close()


def test_another_thread_can_hang_up(central):
    """A daemon that stops does not wait for the next heartbeat."""
    hold = Event()
    central.handler = lambda _: _stream(": hi\n\n", hold=hold)
    endpoint = HttpEndpoint(central.url, session=token_session())
    endpoint.hang_up()
    listening = Event()
    heard: list[object] = []

    def listen() -> None:
        try:
            for poke in endpoint.pokes():
                heard.append(poke)
                if len(heard) == 2:
                    listening.set()
        except errors.Unreachable:
            heard.append("broke off")

    thread = Thread(target=listen)
    thread.start()
    assert listening.wait(timeout=10)
    endpoint.hang_up()
    thread.join(timeout=10)
    assert not thread.is_alive()
    assert heard[:2] == [None, None]
    hold.set()
    endpoint.close()


def test_leaving_the_stream_closes_its_connection(central, endpoint):
    """Who stops listening holds nothing; other calls go on."""
    hold = Event()
    central.handler = lambda _: _stream(": hi\n\n", hold=hold)
    stream = endpoint.pokes()
    assert next(stream) is None
    stream.close()
    hold.set()
    central.handler = lambda _: reply(b'{"nonce": "n"}')
    assert endpoint.challenge() == "n"
