"""The receipt of a sale: 42 columns of plain text, for any printer.

total = what was paid since the last receipt + what was paid before and is left
        - what stays here for goods that are still held
"""

from collections.abc import Sequence

from store_client.services.calendar import local
from store_client.services.desk import Desk
from store_client.services.words import money
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.operations import LineQuantity
from sync.domain.paying import balance_of, price_of, reservation_of
from sync.domain.reserve_operations import (
    CardAsked,
    ReservationConverted,
    TenderTaken,
    ValueAsked,
)
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
    total = price_of(order, lines)
    text += [RULE, pair("TOTAL", money(total, order.currency))]
    known = _on_earlier_receipts(desk, order.id)
    tenders = [
        one
        for one in reservation_of(order).tenders
        if one.state is TenderState.TAKEN and one.number not in known
    ]
    text += [pair(_words(one), money(one.amount_minor, order.currency)) for one in tenders]
    stays = balance_of(order)
    earlier = total + stays - sum(one.amount_minor for one in tenders)
    for words, amount in (("Paid earlier", earlier), ("Paid, still held", -stays)):
        if amount:
            text.append(pair(words, money(amount, order.currency)))
    rounding = sum(one.rounding_minor for one in tenders)
    if rounding:
        text.append(pair("Rounding", money(rounding, order.currency)))
    rest = order.total("open")
    if rest:
        text += [RULE, f"{rest} more of this reservation still held."]
    return "\n".join([*text, RULE, "Thank you.".center(WIDTH).rstrip(), ""])


def _on_earlier_receipts(desk: Desk, key: str) -> set[int]:
    """Return the tenders of an order that were there when the sale before this one was made.

    This one is written down already: receipts come after the record.
    """
    seen: set[int] = set()
    at_sales: list[set[int]] = [set()]
    for move in desk.store.money_moves():
        done = move.operation
        if getattr(done, "fulfillment_id", "") != key:
            continue
        if isinstance(done, ReservationConverted):
            at_sales.append(set(seen))
        elif isinstance(done, TenderTaken | CardAsked | ValueAsked):
            seen.add(done.tender)
    return at_sales[-2] if len(at_sales) > 1 else set()


def _words(tender: Tender) -> str:
    name = WORDS[tender.means]
    return f"{name} {tender.reference}" if tender.reference else name


def pair(left: str, right: str) -> str:
    """Return two texts at the two ends of a line."""
    return f"{left[: WIDTH - len(right) - 1]:<{WIDTH - len(right)}}{right}"
