"""Messages that follow from a store's work: composed when it is known how its push ended."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from central_server.records import OutboxItem
from central_server.services.mail import mail_item
from central_server.services.notice import TELLS_CODE, Notice
from sync.domain.fulfillment import FulfillmentOrder


@dataclass(frozen=True, slots=True)
class PendingMail:
    """A message that may be sent, depending on how the push ends: composed only then."""

    compose: Callable[[], Notice]
    to: str
    source: str
    order: FulfillmentOrder
    only_while: str
    now_ms: int
    corrects: frozenset[str] = frozenset()
    """Kinds of messages of which one must have left before this one is due."""

    @property
    def fulfillment_id(self) -> str:
        """The fulfillment order that it is about."""
        return self.order.id

    def item(self, random: Random) -> OutboxItem:
        """Return the outbox row. What tells a pickup code is told once, whatever led to it."""
        notice = self.compose()
        key = f"{notice.kind}:{self.fulfillment_id}"
        return mail_item(
            key=key if notice.kind in TELLS_CODE else f"{key}:{self.source}", to=self.to,
            notice=notice, now_ms=self.now_ms, random=random,
        )  # fmt: skip
