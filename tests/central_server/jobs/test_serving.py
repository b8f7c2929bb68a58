"""What central asks of the system for the connections that it accepts."""

import socket

from central_server.jobs.serving import SILENCE_MS_MAX, notice_silence


def test_connections_that_go_dead_are_noticed():
    """A download to a store whose link is dead keeps its place no longer than a minute."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        notice_silence(listener)
        with socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            patience_ms = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            assert patience_ms == SILENCE_MS_MAX == 60_000
