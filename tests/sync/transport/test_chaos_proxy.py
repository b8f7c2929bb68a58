"""The chaos proxy, with real sockets: each mode does to a connection what it says."""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.protocol.errors import Unreachable
from sync.transport import chaos_proxy
from sync.transport.client import open_client
from sync.transport.http import HttpEndpoint, Session
from sync.transport.switch import (
    LinkMode,
    Switch,
    read_mode,
    read_switch,
    write_mode,
    write_switch,
)
from tests.support.waiting import until
from tests.sync.transport.server import Reply, reply, serving

WAIT_S = 10
NONCE = reply(b'{"nonce": "n"}')


@pytest.fixture
def central():
    with serving(lambda _: NONCE) as server:
        yield server


@pytest.fixture
def proxy(central):
    with chaos_proxy.in_thread("127.0.0.1", central.port) as handle:
        yield handle


@pytest.fixture
def endpoint(proxy):
    made = _endpoint(proxy.port)
    yield made
    made.close()


def _endpoint(port: int) -> HttpEndpoint:
    session = Session()
    session.token = "t"
    return HttpEndpoint(f"http://127.0.0.1:{port}", session=session)


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=WAIT_S)


def _echo(connection: socket.socket, data: bytes) -> bytes:
    connection.sendall(data)
    return _receive(connection, len(data))


def _receive(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size and (piece := connection.recv(size - len(received))):
        received += piece
    return received


@pytest.fixture
def echo():
    """A server that sends back what it gets; its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    with ExitStack() as stack:

        def talk(connection: socket.socket) -> None:
            try:
                while data := connection.recv(65536):
                    connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                return

        def accept() -> None:
            try:
                while True:
                    connection, _ = listener.accept()
                    stack.enter_context(connection)
                    Thread(target=talk, args=(connection,), daemon=True).start()
            except OSError:
                return

        thread = Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=WAIT_S)


# --- modes ----------------------------------------------------------------------------------


def test_pass_forwards_both_ways(endpoint, proxy):
    """Central is reached as if there were no proxy, over one connection."""
    assert [endpoint.challenge() for _ in range(3)] == ["n"] * 3
    assert proxy.proxy.connections == 1
    # The reply may be here before the proxy's thread has counted it.
    until(lambda: proxy.proxy.bytes_down == 3 * len(NONCE.raw), "every byte is counted")
    assert proxy.proxy.bytes_up > 0


def test_pass_carries_much_and_every_byte(echo):
    """Neither size nor pieces change what arrives, and the end of one direction is passed on."""
    sent = os.urandom(3_000_000)
    with chaos_proxy.in_thread("127.0.0.1", echo) as handle, _connect(handle.port) as connection:

        def send() -> None:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)

        sending = Thread(target=send)
        sending.start()
        received = _receive(connection, len(sent) + 1)
        sending.join(timeout=WAIT_S)
    assert received == sent


def test_cut_resets_what_exists_and_refuses_what_is_new(echo):
    """An open connection breaks at once, and nobody picks up; restored, the same port works."""
    with chaos_proxy.in_thread("127.0.0.1", echo) as handle:
        with _connect(handle.port) as before:
            assert _echo(before, b"hello") == b"hello"
            handle.apply(Switch(LinkMode.CUT))
            with pytest.raises(ConnectionResetError):
                before.recv(1)
        with pytest.raises(ConnectionRefusedError):
            _connect(handle.port)
        handle.apply(Switch())
        with _connect(handle.port) as after:
            assert _echo(after, b"again") == b"again"


def test_a_cut_store_hears_unreachable_and_recovers(endpoint, proxy):
    """The endpoint needs nothing but another call once the line is back."""
    assert endpoint.challenge() == "n"
    for _ in range(3):
        proxy.apply(Switch(LinkMode.CUT))
        with pytest.raises(Unreachable):
            endpoint.challenge()
        proxy.apply(Switch())
        assert endpoint.challenge() == "n"


def test_a_cut_ends_a_stream_of_pokes(central, endpoint, proxy):
    """A store that listens notices the cut without waiting for the heartbeat."""
    hold = Event()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n: hi\n\n"
    central.handler = lambda _: Reply(head, close=True, hold=hold)
    stream = endpoint.pokes()
    assert [next(stream), next(stream)] == [None, None]
    proxy.apply(Switch(LinkMode.CUT))
    with pytest.raises(Unreachable):
        next(stream)
    hold.set()


def test_half_open_picks_up_and_never_answers(central, proxy):
    """The call times out; central has not heard of it."""
    proxy.apply(Switch(LinkMode.HALF_OPEN))

    def impatient(url):
        client = open_client(url)
        client.timeout = 0.05
        return client

    endpoint = HttpEndpoint(f"http://127.0.0.1:{proxy.port}", client_factory=impatient)
    with pytest.raises(Unreachable, match="silent"):
        endpoint.challenge()
    assert central.seen == []
    endpoint.close()


def test_half_open_holds_an_existing_connection_until_it_flows_again(echo):
    """What was sent meanwhile arrives late, as on a line that was down for a moment."""
    with chaos_proxy.in_thread("127.0.0.1", echo) as handle, _connect(handle.port) as connection:
        assert _echo(connection, b"one") == b"one"
        handle.apply(Switch(LinkMode.HALF_OPEN))
        connection.sendall(b"two")
        connection.settimeout(0.05)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        handle.apply(Switch())
        connection.settimeout(WAIT_S)
        assert _receive(connection, 3) == b"two"


def test_a_half_open_connection_can_be_cut(echo):
    """A held connection does not survive the cut."""
    held = Switch(LinkMode.HALF_OPEN)
    with (
        chaos_proxy.in_thread("127.0.0.1", echo, held) as handle,
        _connect(handle.port) as connection,
    ):
        connection.sendall(b"one")
        connection.settimeout(0.05)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(WAIT_S)
        handle.apply(Switch(LinkMode.CUT))
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_a_captive_network_answers_everything_with_a_page(central, endpoint, proxy):
    """Existing connections are reset, new ones get HTML with status 200; central sees nothing."""
    assert endpoint.challenge() == "n"
    proxy.apply(Switch(LinkMode.CAPTIVE))
    with pytest.raises(Unreachable):
        endpoint.challenge()
    with pytest.raises(Unreachable, match="text/html"):
        endpoint.challenge()
    assert len(central.seen) == 1
    proxy.apply(Switch())
    assert endpoint.challenge() == "n"


def test_an_answer_breaks_off_after_so_many_bytes(endpoint, proxy):
    """What the limit allows arrives, and then the connection ends in the middle."""
    proxy.apply(Switch(drop_after_bytes=len(NONCE.raw) - 3))
    with pytest.raises(Unreachable, match="broke off"):
        endpoint.challenge()
    assert proxy.proxy.bytes_down == len(NONCE.raw) - 3
    proxy.apply(Switch(drop_after_bytes=len(NONCE.raw)))
    assert endpoint.challenge() == "n"


def test_a_proxy_that_collects_answers_holds_streams_and_nothing_else(central, endpoint, proxy):
    """Pokes come only when the stream ends; ordinary answers come at once."""
    events = b'event: poke\ndata: {"scope":"store:1","rev":2}\n\n'
    stream = reply(events, content_type="text/event-stream")
    central.handler = lambda seen: stream if "events" in seen.target else NONCE
    proxy.apply(Switch(holds_streams=True))
    heard = []

    def listen() -> None:
        with suppress(Unreachable):
            heard.extend(endpoint.pokes())

    listener = Thread(target=listen, daemon=True)
    listener.start()
    assert endpoint.challenge() == "n"
    assert heard == []
    proxy.apply(Switch(LinkMode.CUT))
    listener.join(10)


def test_latency_and_rate_change_no_byte(echo):
    """A slow line is slow and nothing else."""
    slow = Switch(latency_ms=1, bytes_per_second=2_000_000)
    sent = os.urandom(100_000)
    with (
        chaos_proxy.in_thread("127.0.0.1", echo, slow) as handle,
        _connect(handle.port) as connection,
    ):
        assert _echo(connection, sent) == sent


def test_a_slow_line_carries_small_pieces():
    """At 1,200 bytes a second a piece is 120 bytes: slowness is even, not in bursts."""
    slow = chaos_proxy.ChaosProxy("127.0.0.1", 1, Switch(bytes_per_second=1200))
    assert slow._piece_bytes() == 120
    assert chaos_proxy.ChaosProxy("127.0.0.1", 1)._piece_bytes() == chaos_proxy.CHUNK_BYTES


def test_a_central_that_is_down_resets_the_store(echo):
    """The proxy stands for central: where nobody listens behind it, the connection breaks."""
    with serving(lambda _: NONCE) as gone:
        pass
    # The reset may come while still connecting: either way the connection breaks.
    with (
        chaos_proxy.in_thread("127.0.0.1", gone.port) as handle,
        pytest.raises(ConnectionResetError),
        _connect(handle.port) as connection,
    ):
        connection.recv(1)


# --- the switch as a file -------------------------------------------------------------------

SWITCHES = st.builds(
    Switch,
    mode=st.sampled_from(LinkMode),
    latency_ms=st.integers(min_value=0, max_value=10**6),
    bytes_per_second=st.none() | st.integers(min_value=1, max_value=10**12),
    drop_after_bytes=st.none() | st.integers(min_value=0, max_value=10**12),
    holds_streams=st.booleans(),
)


@given(switch=SWITCHES)
def test_a_switch_is_read_as_it_was_written(tmp_path_factory, switch):
    """Every setting survives the file."""
    path = tmp_path_factory.getbasetemp() / "switch"
    write_switch(path, switch)
    assert read_switch(path) == switch


@pytest.mark.parametrize("mode", LinkMode)
def test_one_word_is_enough(tmp_path, mode):
    """A person can write the file with echo."""
    path = tmp_path / "switch"
    path.write_text(f"{mode.value}\n", encoding="utf-8")
    assert read_mode(path) is mode
    write_mode(path, mode.value)
    assert read_mode(path) is mode


def test_without_a_file_everything_passes(tmp_path):
    """A missing switch spoils nothing."""
    assert read_switch(tmp_path / "none") == Switch()


@pytest.mark.parametrize(
    "text",
    [
        "", "off", "{", '{"mode": "off"}', '{"latency_ms": "1"}', '{"latency_ms": -1}',
        '{"bytes_per_second": 0}', '{"bytes_per_second": true}', '{"drop_after_bytes": -1}',
        '{"latency_ms": 1.5}',
    ],
)  # fmt: skip
def test_a_file_that_says_nothing_clear_is_a_value_error(tmp_path, text):
    """Whoever reads it decides what to do; nothing is guessed."""
    path = tmp_path / "switch"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError):
        read_switch(path)


def test_the_switch_loads_no_network():
    """A terminal that must paint fast imports it."""
    code = "import sys, sync.transport.switch; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"asyncio", "httpx", "ssl", "socket", "pydantic"}.isdisjoint(run.stdout.split())


# --- as a program ---------------------------------------------------------------------------


def _command(port: int, control: Path) -> list[str]:
    return [
        sys.executable, "-m", "sync.transport.chaos_proxy",
        "--listen", "0", "--to", f"127.0.0.1:{port}", "--control", str(control),
    ]  # fmt: skip


def _until(condition) -> None:
    """Call until true; each call itself waits on a socket."""
    assert any(condition() for _ in range(2000))


@pytest.mark.process
def test_the_program_follows_its_file_and_ends_on_sigterm(central, tmp_path):
    """Another process cuts and restores by writing a word; SIGTERM ends the program with 0."""
    control = tmp_path / "switch"
    write_mode(control, LinkMode.CUT)
    with subprocess.Popen(_command(central.port, control), stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        endpoint = _endpoint(json.loads(program.stdout.readline())["port"])

        def reached() -> bool:
            try:
                return endpoint.challenge() == "n"
            except Unreachable:
                program_tick.wait(0.01)
                return False

        program_tick = Event()
        assert not reached()
        write_mode(control, "pass")
        _until(reached)
        control.write_text("no such word", encoding="utf-8")
        assert reached()
        control.write_text("cut\n", encoding="utf-8")
        _until(lambda: not reached())
        control.unlink()
        _until(reached)
        program.send_signal(signal.SIGTERM)
        assert program.wait(timeout=WAIT_S) == 0
        endpoint.close()


@pytest.mark.process
def test_the_program_ends_with_its_parent(central, tmp_path):
    """A demo that was killed leaves no proxy behind."""
    code = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen({_command(central.port, tmp_path / 'switch')!r})\n"
        "sys.stdin.readline()\n"
    )
    # The proxy inherits this pipe: it closes when the last of the two processes is gone.
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        port = json.loads(parent.stdout.readline())["port"]
        _connect(port).close()
        parent.kill()
        assert parent.stdout.read() == b""
    with pytest.raises(ConnectionRefusedError):
        _connect(port)


@pytest.mark.parametrize("to", ["nowhere", ":80", "host:http"])
def test_the_program_says_what_it_cannot_forward_to(to, capsys):
    """A wrong target is a usage error."""
    with pytest.raises(SystemExit) as stopped:
        chaos_proxy.main(["--to", to])
    assert stopped.value.code == 2
    assert "HOST:PORT" in capsys.readouterr().err
