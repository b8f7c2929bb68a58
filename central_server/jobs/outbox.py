"""Sends what the outbox holds, at least once, each message under its key."""

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING

from central_server.ports import DeliveryFailed, Message, Notifier
from central_server.records import OutboxItem
from central_server.services.exceptions import ITSELF, exception_record
from central_server.services.mail import KIND
from sync.clock import Clock
from sync.domain.exceptions import ExceptionKind

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import Unit

LEASE_MS = 60_000
SENDING_MS = LEASE_MS // 2
"""No message is begun later: what has left is noted before another process may claim it."""
BATCH = 50
RETRY_BASE_MS = 5_000
RETRY_MAX_MS = 3_600_000
TRIES_BEFORE_PEOPLE = 8
"""After so many tries, about twenty minutes on average, nobody relies on the next one."""
TEXT_MAX = 500


def send_due(database: "Database", notifier: Notifier, clock: Clock, random: Random) -> int:
    """Send what is due and return how many left. What fails is tried again, later each time."""
    now, began_ms = clock.now_ms(), clock.monotonic_ms()
    items = database.write(
        lambda unit: unit.outbox.claim(now, lease_ms=LEASE_MS, limit=BATCH, kinds=(KIND,))
    )
    sent: list[OutboxItem] = []
    left: Sequence[OutboxItem] = ()
    for index, item in enumerate(items):
        if clock.monotonic_ms() - began_ms >= SENDING_MS:
            left = items[index:]
            break
        try:
            notifier.send(_message(item))
        except DeliveryFailed as problem:
            _fail(database, item, str(problem), clock.now_ms(), random)
        except Exception as problem:  # noqa: BLE001 - the others go on; it is tried again
            said = f"{type(problem).__name__}: {problem}"
            _fail(database, item, said, clock.now_ms(), random)
        else:
            sent.append(item)
    if sent:
        _done(database, sent, clock.now_ms())
    if left:
        ids = [item.id for item in left]
        database.write(lambda unit: unit.outbox.give_back(ids, now + LEASE_MS))
    return len(sent)


def _message(item: OutboxItem) -> Message:
    if item.kind != KIND:
        raise DeliveryFailed(f"nothing sends {item.kind!r}")
    payload = item.payload
    to, subject, text = (str(payload[name]) for name in ("to", "subject", "text"))
    return Message(item.key, to, subject, text, str(payload.get("qr", "")))


def retry_ms(attempts: int, random: Random) -> int:
    """Return the delay before the next try: doubling, with full jitter."""
    longest = min(RETRY_MAX_MS, RETRY_BASE_MS * 2 ** min(attempts, 20))
    return RETRY_BASE_MS + int(random.random() * longest)


def _fail(database: "Database", item: OutboxItem, error: str, now_ms: int, random: Random) -> None:
    """Note when to try again; after some tries, a person is to tell the customer."""
    retry_at_ms = now_ms + retry_ms(item.attempts, random)

    def work(unit: "Unit") -> None:
        unit.outbox.failed(item.id, error, retry_at_ms)
        is_told = unit.exceptions.newest_of(_cause(item)) is not None
        if item.attempts >= TRIES_BEFORE_PEOPLE and not is_told:
            text = f"“{item.payload.get('subject', '')}” to {item.payload.get('to', '')}: {error}"
            record = exception_record(
                ExceptionKind.MAIL_FAILED, text[:TEXT_MAX], cause=_cause(item), now_ms=now_ms,
                random=random, source=item.key,
            )  # fmt: skip
            unit.exceptions.open([record])

    database.write(work)


def _done(database: "Database", items: Sequence[OutboxItem], now_ms: int) -> None:
    """Note that they have left; what they had people do instead is not due any more.

    One commit for all: a crash before it sends them again, each under its key.
    """

    def work(unit: "Unit") -> None:
        unit.outbox.done_many([item.id for item in items], now_ms)
        causes = [_cause(item) for item in items if item.attempts > TRIES_BEFORE_PEOPLE]
        if causes:
            unit.exceptions.close_causes(causes, now_ms, by=ITSELF, note="It went out.")

    database.write(work)


def _cause(item: OutboxItem) -> str:
    return f"{ExceptionKind.MAIL_FAILED}:{item.key}"
