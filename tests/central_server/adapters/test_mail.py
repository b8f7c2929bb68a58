"""Every notifier: a message is handed on, once per key, or the failure is said."""

import json
import socket
import socketserver
import threading

import pytest

from central_server.adapters.mail import LogNotifier, SmtpNotifier
from central_server.ports import DeliveryFailed, Message

MESSAGE = Message("key-1", "jo@example.com", "Order K: ready", "Hello Jo,\n\ncome.\n")


def test_log_notifier_writes_a_key_once(tmp_path):
    """A repeated message is one line, also for a notifier that was just started."""
    path = tmp_path / "mail.jsonl"
    LogNotifier(path).send(MESSAGE)
    again = LogNotifier(path)
    again.send(MESSAGE)
    again.send(Message("key-2", "jo@example.com", "s", "t"))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["key"] for line in lines] == ["key-1", "key-2"]
    assert lines[0]["text"] == MESSAGE.text


class _Server(socketserver.TCPServer):
    """Keeps what it is told."""

    received: list[bytes]


class _Relay(socketserver.StreamRequestHandler):
    """As much SMTP as one message needs."""

    def handle(self):
        self.wfile.write(b"220 relay\r\n")
        assert isinstance(self.server, _Server)
        received = self.server.received
        is_data = False
        for line in self.rfile:
            if is_data:
                received.append(line)
                is_data = line != b".\r\n"
                if not is_data:
                    self.wfile.write(b"250 taken\r\n")
                continue
            verb = line.split()[0].upper()
            is_data = verb == b"DATA"
            self.wfile.write(
                {b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}.get(verb, b"250 ok\r\n")
            )
            if verb == b"QUIT":
                return


def test_smtp_notifier_names_the_message_by_its_key():
    """The key is the Message-ID, so a relay can tell a repetition."""
    with _Server(("127.0.0.1", 0), _Relay) as relay:
        relay.received = []
        thread = threading.Thread(target=relay.handle_request)
        thread.start()
        port = relay.server_address[1]
        SmtpNotifier("127.0.0.1", port, "store@example.com", starttls=False).send(MESSAGE)
        thread.join(10)
    text = b"".join(relay.received)
    assert b"Message-ID: <key-1@example.com>" in text
    assert b"To: jo@example.com" in text


def test_smtp_notifier_says_that_a_relay_is_away():
    """No relay: the outbox hears of it and tries again."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(DeliveryFailed):
            SmtpNotifier("127.0.0.1", port, "store@example.com", starttls=False).send(MESSAGE)
