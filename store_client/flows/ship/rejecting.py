"""What a rejection will lead to, said before anybody confirms it. Pure."""

from collections.abc import Mapping, Sequence

from store_client.services.words import SHORT_REASONS, day_time, units
from sync.domain.flows.ship import shipment_of
from sync.domain.fulfillment import FulfillmentOrder, ShortReason
from sync.domain.rejections import REJECT_EFFECTS, PauseScope
from sync.protocol.rows import StoreRow


def everything_open(order: FulfillmentOrder) -> dict[int, int]:
    """Return the units by line that rejecting the whole order gives up."""
    return {line.line: line.open for line in order.lines if line.open}


def preview(
    order: FulfillmentOrder,
    given_up: Mapping[int, int],
    reason: ShortReason,
    store: StoreRow | None,
    now_ms: int,
    *,
    reaches_central: bool,
) -> Sequence[str]:
    """Return the consequences of giving up units (by line), a sentence each."""
    effect = REJECT_EFFECTS[reason]
    lines = [line for line in order.lines if given_up.get(line.line)]
    count = sum(given_up.values())
    shelf = sum(min(line.to_pick, given_up[line.line]) for line in lines)
    said = [f"{SHORT_REASONS[reason]}: {units(count)} of order {order.order_number} given up."]
    if effect.leaves_book and shelf:
        said.append(f"The book stock falls by {shelf}.")
    else:
        said.append("The book stock stays as it is.")
    when = "now" if reaches_central else "when it hears of it"
    said.append(f"Central looks for another place {when}.")
    until = day_time(store, now_ms + effect.pause_ms, now_ms)
    what = "these goods" if effect.pause is PauseScope.THESE_GOODS else "this order"
    after = "" if reaches_central else " or later: it counts from when central hears"
    said.append(f"This store is not asked for {what} again before {until}{after}.")
    if effect.count_due:
        said.append("The inbox gets a task: count these goods.")
    in_hand = count - shelf
    if in_hand:
        said.append(f"{units(in_hand)} in hand have to go back on the shelf.")
    labels = [box.tracking for box in shipment_of(order).boxes if box.is_here and box.tracking]
    if labels and in_hand:
        said.append(f"Void with it: {units(len(labels), 'label')}.")
    return said
