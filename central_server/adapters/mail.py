"""Notifiers: a file of JSON lines for demos and tests, SMTP for customers."""

import json
import smtplib
import ssl
import threading
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from central_server.config import CentralSettings
from central_server.ports import DeliveryFailed, Message

MAIL_FILE = "mail.jsonl"
TIMEOUT_SECONDS = 10
SUBMISSION_PORT = 587
"""Where a relay takes mail from programs (RFC 6409)."""


def qr_png(text: str) -> bytes:
    """Return a QR code as PNG; nothing where `holdshelf[print]` is not installed: words will do."""
    try:
        import qrcode
    except ImportError:
        return b""
    made = qrcode.QRCode(box_size=8, border=4)
    made.add_data(text)
    made.make(fit=True)
    picture = BytesIO()
    made.make_image().get_image().save(picture, "PNG")
    return picture.getvalue()


class LogNotifier:
    """Appends messages to a file, one JSON document a line; a key that is there is not repeated."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._keys: set[str] | None = None

    def send(self, message: Message) -> None:
        """Append `message` unless its key was written before."""
        with self._lock:
            keys = self._known()
            if message.key in keys:
                return
            document = {
                "key": message.key,
                "to": message.to,
                "subject": message.subject,
                "text": message.text,
            }
            if message.qr:
                document["qr"] = message.qr
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(document, ensure_ascii=False) + "\n")
            keys.add(message.key)

    def _known(self) -> set[str]:
        if self._keys is None:
            self._keys = set()
            if self._path.exists():
                lines = self._path.read_text(encoding="utf-8").splitlines()
                self._keys = {json.loads(line)["key"] for line in lines if line.endswith("}")}
        return self._keys


class Login(NamedTuple):
    """How to sign in at a relay."""

    user: str
    password: str


class SmtpNotifier:
    """Sends mail through one relay. The key becomes the Message-ID, so a relay can tell repeats."""

    def __init__(
        self, host: str, port: int, sender: str, *, starttls: bool, login: Login | None = None
    ) -> None:
        self._host = host
        self._port = port
        self._sender = sender
        self._starttls = starttls
        self._login = login

    def send(self, message: Message) -> None:
        """Hand `message` to the relay, or raise `DeliveryFailed`."""
        mail = EmailMessage()
        mail["From"] = self._sender
        mail["To"] = message.to
        mail["Subject"] = message.subject
        mail["Message-ID"] = f"<{message.key}@{self._sender.rpartition('@')[2]}>"
        mail.set_content(message.text)
        picture = qr_png(message.qr) if message.qr else b""
        if picture:
            mail.add_attachment(
                picture, maintype="image", subtype="png", filename="pickup-code.png"
            )
        try:
            with smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_SECONDS) as relay:
                if self._starttls:
                    relay.starttls(context=ssl.create_default_context())
                if self._login is not None:
                    relay.login(*self._login)
                relay.send_message(mail)
        except (OSError, smtplib.SMTPException) as problem:
            raise DeliveryFailed(str(problem)) from problem


def notifier_of(settings: CentralSettings) -> LogNotifier | SmtpNotifier:
    """Return what tells customers: the relay that is set up, else a file in the data folder."""
    if not settings.mail_relay:
        return LogNotifier(settings.data_dir / MAIL_FILE)
    host, _, port = settings.mail_relay.partition(":")
    password = settings.mail_password
    login = None
    if settings.mail_user:
        login = Login(settings.mail_user, "" if password is None else password.get_secret_value())
    return SmtpNotifier(
        host, int(port or SUBMISSION_PORT), settings.mail_from,
        starttls=settings.mail_starttls, login=login,
    )  # fmt: skip
