"""What is told at the counter when goods leave: proof, person, quantities, and who approves."""

import re
from dataclasses import dataclass

from store_client.ports import Store
from store_client.services.desk import Desk, Refusal
from store_client.services.sign_in import Attempt
from store_client.services.words import reaches_central
from sync.domain.flows import flow_named, status_of
from sync.domain.fulfillment import FulfillmentOrder

DOCUMENTS = (
    "passport",
    "driving licence",
    "national ID card",
    "residence permit",
    "other photo ID",
)
"""Kinds of documents. A number is never typed, shown or kept."""
SIGNED = "signature on the slip"
"""In place of a document: the customer, or who they named, signs the printed slip."""
JUST_ENDED = "This order has just ended: do not hand anything over. Esc shows what to do."
"""What whoever stands before the customer has to see at once."""
ID_DIGITS_MIN = 4
MIXED_DIGITS_MIN, MIXED_LENGTH_MIN = 2, 6


def looks_like_id_number(text: str) -> bool:
    """Return whether a text has what may be the number of a document in it.

    Four digits in all, or a word of six characters and more in which letters and at
    least two digits are mixed: names have neither.
    """
    if sum(character.isdigit() for character in text) >= ID_DIGITS_MIN:
        return True
    words = re.split(r"[\s,;]+", text)
    return any(
        len(word) >= MIXED_LENGTH_MIN
        and sum(character.isdigit() for character in word) >= MIXED_DIGITS_MIN
        and any(character.isalpha() for character in word)
        for word in words
    )


@dataclass(frozen=True, slots=True)
class HandOver:
    """A code or a document, who takes the goods, and how many of each line."""

    quantities: tuple[tuple[int, int], ...]
    """(line, units)."""
    recipient: str = ""
    is_proxy: bool = False
    """Whether the recipient is somebody whom the customer sent."""
    code: str = ""
    document: str = ""
    """The kind of document that was seen, or `SIGNED`; empty where a code is given."""
    approver: Attempt | None = None
    """A lead or manager who answers for it in place of the signed-in associate."""
    despite_doubt: bool = False
    """Whether that person has read that the order may be another store's by now."""


def may_refuse(order: FulfillmentOrder) -> bool:
    """Return whether the customer may refuse at the counter what is in hand: the flow's table."""
    row = flow_named(order.flow).index.get(("line_refused", status_of(order)))
    return row is not None and row.late is None and order.total("deliverable") > 0


class DoubtfulPromise(Refusal):
    """Central has not said that this order stays here, and may have moved it elsewhere."""

    code = "doubtful_promise"


def is_doubtful(store: Store, order: FulfillmentOrder, now_ms: int) -> bool:
    """Return whether an order may be another store's by now, and the customer told so.

    Central moves a promise that no store has confirmed in time. As long as its
    answer to our confirmation is not here, only a line that is up and a time
    that has not come yet say that it has not.
    """
    if order.confirm_by_ms is None or not store.is_unacknowledged(order.id):
        return False
    state = store.sync_state()
    too_late = now_ms + state.clock_offset_ms > order.confirm_by_ms
    return too_late or not reaches_central(state, now_ms)


def refuse_doubtful(desk: Desk, order: FulfillmentOrder, told: HandOver) -> None:
    """Raise for a doubtful order, unless a lead or manager has read so and answers for it."""
    if not is_doubtful(desk.store, order, desk.clock.now_ms()):
        return
    why = "Not confirmed by central: another store may have this order by now."
    if not desk.is_led:
        raise DoubtfulPromise(why, "Wait for the network, or let a lead or manager approve.")
    if not told.despite_doubt:
        raise DoubtfulPromise(why, "Call there if you can. Enter hands over anyway.")
