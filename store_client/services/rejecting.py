"""What giving something up will lead to, said before anybody confirms it. Pure.

For every flow that takes goods from the shelf; what central does then is the flow's.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from store_client.services.desk import Refusal
from store_client.services.words import SHORT_REASONS, day_time, units
from sync.domain.flows import ship
from sync.domain.flows.ship import shipment_of
from sync.domain.fulfillment import FulfillmentOrder, ShortReason
from sync.domain.paying import FLOW as RESERVE
from sync.domain.paying import balance_of
from sync.domain.rejections import REJECT_EFFECTS, PauseScope
from sync.protocol.rows import StoreRow


class AtCentral(NamedTuple):
    """What central does with what a store of this flow cannot give."""

    does: str
    """As in "central looks for another store"."""
    tells: bool = False
    """Whether it tells the customer what it found."""
    pauses: bool = False
    """Whether it leaves this store alone for a while, and has goods counted that were not there."""


FETCHED = AtCentral("looks for another store", tells=True)
"""What becomes of goods that customers fetch, and of those of a flow without a line below."""
_OTHERWISE = {
    RESERVE: AtCentral("asks the customer"),
    ship.NAME: AtCentral("looks for another place", pauses=True),
}


def at_central(flow: str) -> AtCentral:
    """Return what central does with what a store gives up in a flow."""
    return _OTHERWISE.get(flow, FETCHED)


class Here(NamedTuple):
    """How the store stands while it is said."""

    store: StoreRow | None
    now_ms: int
    reaches_central: bool


class OtherThanShown(Refusal):
    """What was previewed is not what would follow now."""

    def __init__(self) -> None:
        super().__init__("The order has changed meanwhile.", "Look at it, then decide again.")


def everything_open(order: FulfillmentOrder) -> dict[int, int]:
    """Return the units by line that rejecting the whole order gives up."""
    return {line.line: line.open for line in order.lines if line.open}


def preview(
    order: FulfillmentOrder,
    given_up: Mapping[int, int],
    reason: ShortReason,
    here: Here,
) -> Sequence[str]:
    """Return the consequences of giving up units (by line), a sentence each."""
    count, shelf = sum(given_up.values()), _on_shelf(order, given_up)
    head = f"{SHORT_REASONS[reason]}: {units(count)} of order {order.order_number} given up."
    said = [head, *_stock(reason, shelf)]
    said += _central(order.flow, reason, here)
    in_hand = count - shelf
    if in_hand:
        have = "has" if in_hand == 1 else "have"
        said.append(f"{units(in_hand)} in hand {have} to go back on the shelf.")
    labels = [box.tracking for box in shipment_of(order).boxes if box.is_here and box.tracking]
    if labels and in_hand:
        said.append(f"Void with it: {units(len(labels), 'label')}.")
    is_all = count == order.total("open")
    if is_all and order.reserve is not None and balance_of(order) > 0:
        said.append("What was paid for it has to be given back: F6.")
    return said


def preview_row(
    flow: str, count: int, orders: int, reason: ShortReason, here: Here
) -> Sequence[str]:
    """Return the consequences of giving up `count` units on the shelf, wanted by several orders."""
    head = f"{SHORT_REASONS[reason]}: {units(count)} in {units(orders, 'order')} given up."
    return [head, *_stock(reason, count), *_central(flow, reason, here)]


def _on_shelf(order: FulfillmentOrder, given_up: Mapping[int, int]) -> int:
    return sum(
        min(line.to_pick, given_up[line.line]) for line in order.lines if given_up.get(line.line)
    )


def _stock(reason: ShortReason, shelf: int) -> list[str]:
    if REJECT_EFFECTS[reason].leaves_book and shelf:
        return [f"The book stock falls by {shelf}."]
    return ["The book stock stays as it is."]


def _central(flow: str, reason: ShortReason, here: Here) -> list[str]:
    effect, central = REJECT_EFFECTS[reason], at_central(flow)
    when = "now" if here.reaches_central else "when it hears of it"
    told = ", and tells the customer" if central.tells else ""
    said = [f"Central {central.does} {when}{told}."]
    if central.pauses:
        until = day_time(here.store, here.now_ms + effect.pause_ms, here.now_ms)
        what = "these goods" if effect.pause is PauseScope.THESE_GOODS else "this order"
        after = "" if here.reaches_central else " or later: it counts from when central hears"
        said.append(f"This store is not asked for {what} again before {until}{after}.")
        if effect.count_due:
            said.append("The inbox gets a task: count these goods.")
    return said
