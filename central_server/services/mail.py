"""Messages on their way: rows of the outbox, written with what they are about."""

from random import Random

from central_server.records import OutboxItem
from central_server.services.notice import Notice
from sync.domain.ids import new_id

KIND = "mail"


def mail_item(*, key: str, to: str, notice: Notice, now_ms: int, random: Random) -> OutboxItem:
    """Return the outbox row of one message. `key` makes a second one of the same a no-op."""
    payload = {"to": to, "subject": notice.subject, "text": notice.text}
    if notice.qr:
        payload["qr"] = notice.qr
    return OutboxItem(new_id(now_ms, random), KIND, key, payload, now_ms)
