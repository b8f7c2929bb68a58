"""The receipt of a sale: 42 columns of plain text, for any printer."""

from collections.abc import Sequence

from store_client.services.calendar import local
from store_client.services.desk import Desk
from store_client.services.words import money
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.operations import LineQuantity
from sync.domain.paying import price_of, reservation_of
from sync.domain.tenders import Tender, TenderKind, TenderState

WIDTH = 42
RULE = "-" * WIDTH
WORDS = {
    TenderKind.CASH: "Cash",
    TenderKind.CARD: "Card",
    TenderKind.GIFT_CARD: "Gift card",
    TenderKind.STORE_CREDIT: "Store credit",
}


def receipt_text(desk: Desk, order: FulfillmentOrder, lines: Sequence[LineQuantity]) -> str:
    """Return the receipt for units that have just left."""
    row = desk.store.store_row()
    by_line = {line.line: line for line in order.lines}
    when = ""
    if row is not None:
        moment = local(row, desk.clock.now_ms())
        when = f"{moment:%Y-%m-%d %H:%M}"
    text = [
        (row.name if row else desk.store.location_id).center(WIDTH).rstrip(),
        pair(f"Receipt {order.order_number}", when),
        pair(f"Served by {desk.actor.name}", desk.device),
        RULE,
    ]
    for one in lines:
        line = by_line[one.line]
        price = money(line.unit_price_minor * one.quantity, order.currency)
        text += [line.name[:WIDTH], pair(f"  {one.quantity} × {line.sku}", price)]
    text += [RULE, pair("TOTAL", money(price_of(order, lines), order.currency))]
    tenders = [one for one in reservation_of(order).tenders if one.state is TenderState.TAKEN]
    text += [pair(_words(one), money(one.amount_minor, order.currency)) for one in tenders]
    rounding = sum(one.rounding_minor for one in tenders)
    if rounding:
        text.append(pair("Rounding", money(rounding, order.currency)))
    rest = order.total("open")
    if rest:
        text += [RULE, f"{rest} more of this reservation still held."]
    return "\n".join([*text, RULE, "Thank you.".center(WIDTH).rstrip(), ""])


def _words(tender: Tender) -> str:
    name = WORDS[tender.means]
    return f"{name} {tender.reference}" if tender.reference else name


def pair(left: str, right: str) -> str:
    """Return two texts at the two ends of a line."""
    return f"{left[: WIDTH - len(right) - 1]:<{WIDTH - len(right)}}{right}"
