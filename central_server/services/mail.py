"""Messages on their way: rows of the outbox, written with what they are about."""

from random import Random

from central_server.records import OutboxItem
from sync.domain.ids import new_id

KIND = "mail"


def mail_item(
    *, key: str, to: str, subject: str, text: str, now_ms: int, random: Random
) -> OutboxItem:
    """Return the outbox row of one message. `key` makes a second one of the same a no-op."""
    payload = {"to": to, "subject": subject, "text": text}
    return OutboxItem(new_id(now_ms, random), KIND, key, payload, now_ms)
