"""Which messages are due after a push, and which are called off.

One that takes back an earlier message is due only where that may have reached the customer.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING

from central_server.records import OutboxItem
from central_server.services.notice import PARTLY_CANCELLED, TELLS_END, TELLS_OVER, expiry_source
from central_server.services.pending_mail import PendingMail
from sync.domain.flows import status_of
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.transitions import Consequence, ConsequenceKind

if TYPE_CHECKING:
    from central_server.services.follow_ups import PushFollowUps
    from central_server.storage.unit import Unit

PARTS_MAX = 10
"""So many messages of one order, each about units that were cancelled, are looked for."""


def due_mails(
    unit: "Unit",
    mails: Iterable[PendingMail],
    rows: Mapping[str, FulfillmentOrder],
    random: Random,
    failed: Callable[[PendingMail, Exception], None],
) -> list[OutboxItem]:
    """Return what is to be sent; `failed` hears of what could not be composed."""
    due = []
    for mail in mails:
        order = rows.get(mail.fulfillment_id)
        if mail.only_while and (order is None or status_of(order).value != mail.only_while):
            continue
        try:
            item = mail.item(random)
            if not mail.corrects or has_left(unit, mail, item):
                due.append(item)
        except Exception as problem:  # noqa: BLE001 - a message must not stop a store's work
            failed(mail, problem)
    return due


def has_left(unit: "Unit", mail: PendingMail, item: OutboxItem) -> bool:
    """Call off the message that `mail` (as `item`) corrects; return whether it was too late for it.

    The key of a message names the operation that it follows, so those of one order
    are found by its operations. Newest first: what was corrected before is not again.
    """
    own = item.key.partition(":")[0]
    sources = unit.journal.identities_of(mail.fulfillment_id)
    keys = [
        f"{kind}:{mail.fulfillment_id}:{source}"
        for kind in (own, *sorted(mail.corrects))
        for source in sources
    ]
    newest = unit.outbox.newest(keys)
    if newest is None or newest.key.partition(":")[0] == own:
        return False
    return not unit.outbox.call_off(newest.id)


def is_undone(consequences: Iterable[Consequence]) -> bool:
    """Return whether these say that a cancellation came too late."""
    return any(one.kind is ConsequenceKind.CANCELLATION_UNDONE for one in consequences)


def keep_cancellations_back(
    unit: "Unit", ups: "PushFollowUps", parts: Mapping[str, Sequence[FulfillmentOrder]]
) -> None:
    """Call off messages that say an order is cancelled, or held no longer, that its customer has.

    Where a part of it stays cancelled, the message stays too; one that has left is for the
    person who clears the cancellation up (`refund_to_void`).
    """
    progress = ups.progress(parts)
    for order_id in dict.fromkeys(ups.undone):
        if progress[order_id].cancelled:
            continue
        keys = [f"{kind}:{order_id}" for kind in TELLS_END]
        keys += [f"{PARTLY_CANCELLED}:{order_id}:{count}" for count in range(1, PARTS_MAX + 1)]
        keys += [
            f"{kind}:{part.id}:{expiry_source(part.id)}"
            for part in parts[order_id] for kind in TELLS_OVER
        ]  # fmt: skip
        while (told := unit.outbox.newest(keys)) is not None:
            if not unit.outbox.call_off(told.id):
                break
