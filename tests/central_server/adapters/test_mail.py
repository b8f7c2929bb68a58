"""Every notifier: a message is handed on, once per key, or the failure is said."""

import json
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from io import BytesIO

import pytest
from PIL import Image
from pydantic import ValidationError

from central_server.adapters.mail import LogNotifier, SmtpNotifier, notifier_of
from central_server.config import CentralSettings
from central_server.ports import DeliveryFailed, Message
from sync.domain.ids import pickup_qr, read_pickup_qr
from tests.support.paper import read_codes

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


@contextmanager
def relay_of_one() -> Iterator[_Server]:
    """Give a relay that takes one connection; at the end that is over."""
    with _Server(("127.0.0.1", 0), _Relay) as relay:
        relay.received = []
        thread = threading.Thread(target=relay.handle_request)
        thread.start()
        yield relay
        thread.join(10)


def sent(message: Message) -> EmailMessage:
    """Return what a relay gets."""
    with relay_of_one() as relay:
        port = relay.server_address[1]
        SmtpNotifier("127.0.0.1", port, "store@example.com", starttls=False).send(message)
    return message_from_bytes(b"".join(relay.received), policy=default)


def test_smtp_notifier_names_the_message_by_its_key():
    """The key is the Message-ID, so a relay can tell a repetition."""
    told = sent(MESSAGE)
    assert told["Message-ID"] == "<key-1@example.com>"
    assert told["To"] == "jo@example.com"


def test_the_pickup_code_goes_along_as_a_picture_that_scanners_read():
    """The QR code of the terminal: order number and code; without one there is no attachment."""
    told = sent(replace(MESSAGE, qr=pickup_qr("K7Q2-0042", "CODE0000")))
    (picture,) = told.iter_attachments()
    assert (picture.get_content_type(), picture.get_filename()) == ("image/png", "pickup-code.png")
    codes = read_codes(Image.open(BytesIO(picture.get_content())))
    assert [read_pickup_qr(text) for _, text in codes] == [("K7Q2-0042", "CODE0000")]
    body = told.get_body()
    assert body is not None
    assert "come." in body.get_content()
    assert list(sent(MESSAGE).iter_attachments()) == []


def test_smtp_notifier_says_that_a_relay_is_away():
    """No relay: the outbox hears of it and tries again."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(DeliveryFailed):
            SmtpNotifier("127.0.0.1", port, "store@example.com", starttls=False).send(MESSAGE)


def test_without_a_relay_mail_is_written_down(tmp_path):
    """In the data folder; nothing else is asked for."""
    settings = CentralSettings(demo=True, data_dir=tmp_path)
    notifier_of(settings).send(MESSAGE)
    assert "Order K: ready" in (tmp_path / "mail.jsonl").read_text()


def test_a_relay_that_is_set_up_gets_the_mail(tmp_path):
    """From the address of the settings, at the relay's own port."""
    with relay_of_one() as relay:
        settings = CentralSettings(
            demo=True, data_dir=tmp_path, mail_relay=f"127.0.0.1:{relay.server_address[1]}",
            mail_from="orders@example.com", mail_starttls=False,
        )  # fmt: skip
        notifier_of(settings).send(MESSAGE)
    told = message_from_bytes(b"".join(relay.received), policy=default)
    assert (told["From"], told["To"]) == ("orders@example.com", "jo@example.com")
    assert not (tmp_path / "mail.jsonl").exists()


def test_a_relay_that_speaks_no_tls_gets_nothing_unless_it_may(tmp_path):
    """The mail has a pickup code in it: it waits, and the outbox says why."""
    with relay_of_one() as relay:
        settings = CentralSettings(
            demo=True, data_dir=tmp_path, mail_relay=f"127.0.0.1:{relay.server_address[1]}",
            mail_from="orders@example.com",
        )  # fmt: skip
        with pytest.raises(DeliveryFailed, match="STARTTLS"):
            notifier_of(settings).send(MESSAGE)
    assert relay.received == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"mail_relay": "mail.example.com"}, "MAIL_FROM"),
        ({"mail_relay": "smtp://mail.example.com"}, "mail_relay"),
        ({"mail_relay": "m", "mail_from": "Shop <a@b.c>"}, "mail_from"),
        ({"mail_relay": "m", "mail_from": "a@b.c", "mail_user": "u", "mail_starttls": False},
         "in the clear"),
    ],
)  # fmt: skip
def test_settings_of_mail_that_make_no_sense_are_refused_in_words(tmp_path, given, says):
    """At the start, not with the first mail."""
    with pytest.raises(ValidationError, match=says):
        CentralSettings(demo=True, data_dir=tmp_path, **given)
