"""Sales at the till: what a basket would break, who may break it, and keeping it once.

A sale that has happened is a fact and is kept, whatever it breaks. One that can
still be called off is judged first: where the store is strict, a unit that
somebody was promised, or may have been, needs a lead or manager.
"""

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from store_client.ports import ProductHit, Store
from store_client.replica.models import Sale
from store_client.services.desk import Actor, Desk, Refusal
from store_client.services.scanner import clean, read_code
from store_client.services.sign_in import Attempt, sign_in
from store_client.services.words import day_time
from sync.domain.errors import OperationRefused
from sync.domain.escrow import EscrowPolicy, GivesWay, Share, giving_way
from sync.domain.people import Action, Approval
from sync.domain.stock_operations import SKUS_PER_OPERATION_MAX, FloorSold, SkuUnits
from sync.protocol.rows import StoreRow

POS = "pos"
"""Who sells what no associate of ours sells, and on which device."""
CODE_CHARACTERS_MAX = 64
UNITS_MAX = 1_000_000
TYPED_UNITS_MAX = 999
ORDERS_NAMED_MAX = 2


class OtherSale(OperationRefused):
    """The number of this sale belongs to another one that is kept already."""

    code = "transaction_conflict"

    def __init__(self, transaction: str) -> None:
        self.transaction = transaction
        super().__init__(
            f"sale {transaction} is kept already with other items: give this one another number"
        )


class OverrideNeeded(Refusal):
    """The store is strict and the basket has units that are promised, or may be."""

    code = "override_needed"

    def __init__(self, basket: "Basket", why: str) -> None:
        self.basket = basket
        super().__init__(why, "A lead or manager can override with number and PIN.")


# --- what a code means ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Item:
    """The SKU that a code of the point of sale stands for."""

    sku: str
    note: str = ""
    """What is odd about it, for people."""


def find_item(store: Store, text: str) -> Item:
    """Return the SKU of a SKU or barcode. An unknown code is kept as a SKU of that name."""
    skus = _meanings(store, text)
    if text in skus:
        return Item(text)
    if len(skus) > 1:
        likely = max(skus, key=lambda sku: (_on_hand(store, sku), sku))
        return Item(likely, f"Barcode {text} belongs to several items: sold as {likely}.")
    if skus:
        return Item(skus[0])
    if store.share(text) is not None:
        return Item(text)
    return Item(text, f"{text} was sold and is not in the catalogue: kept as an item of that name.")


def what_is_sold(
    store: Store, transaction: str, coded: Iterable[tuple[str, int]]
) -> tuple[SkuUnits, ...]:
    """Return the units of a sale by SKU, of its codes with units; leave a note of what is odd.

    One that is told again stands for what it stood for: stock, by which a barcode of several
    items is judged, has moved by it, and the catalogue may know more by now.
    """
    known = store.sale(transaction)
    kept = set() if known is None else {line.sku for line in known.lines}
    sold = []
    for code, units in coded:
        again = sorted(kept.intersection({code, *_meanings(store, code)})) if kept else []
        item = Item(again[0]) if again else find_item(store, code)
        if item.note:
            store.alert(item.note)
        sold.append(SkuUnits(item.sku, units))
    return together(sold)


def _meanings(store: Store, text: str) -> Sequence[str]:
    """Return the SKUs that a SKU or barcode may stand for."""
    skus = store.skus_of(text)
    if not skus:
        gtin = read_code(text).gtin
        skus = store.skus_of(gtin) if gtin else ()
    return skus


def _on_hand(store: Store, sku: str) -> int:
    share = store.share(sku)
    return 0 if share is None else share.on_hand


def together(lines: Iterable[SkuUnits]) -> tuple[SkuUnits, ...]:
    """Return the lines with each SKU once; what was sold and given back is left out."""
    units: dict[str, int] = {}
    for line in lines:
        units[line.sku] = units.get(line.sku, 0) + line.units
    if len(units) > SKUS_PER_OPERATION_MAX:
        raise OperationRefused(f"a sale has at most {SKUS_PER_OPERATION_MAX} different items")
    return tuple(SkuUnits(sku, count) for sku, count in units.items() if count)


# --- what a basket would break --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BasketLine:
    """One SKU of a basket: what is free, and what selling it would break (units)."""

    sku: str
    name: str
    units: int
    share: Share | None
    """None for an item that this store never had: nobody can have been promised it."""
    broken: tuple[GivesWay, ...]
    """Promises on the shelf that would have nothing behind them any more."""
    strict: bool

    @property
    def free(self) -> int:
        """Units that are the store's to sell."""
        return 0 if self.share is None else max(0, self.share.floor)

    @property
    def over(self) -> int:
        """Units beyond these."""
        return max(0, self.units) if self.share is None else self.share.over(self.units)

    @property
    def unheard(self) -> int:
        """Of the units over, those that central may have promised without our knowing yet."""
        if self.share is None:
            return 0
        return max(0, min(self.over - sum(one.units for one in self.broken), self.share.online))

    @property
    def needs_override(self) -> bool:
        """Whether selling it takes a lead or manager."""
        return self.strict and bool(self.broken or self.unheard)


@dataclass(frozen=True, slots=True)
class Basket:
    """What somebody is about to sell."""

    lines: tuple[BasketLine, ...]

    @property
    def needs_override(self) -> bool:
        """Whether any line takes a lead or manager."""
        return any(line.needs_override for line in self.lines)

    @property
    def is_over(self) -> bool:
        """Whether it touches what is promised, or may be."""
        return any(line.broken or line.unheard for line in self.lines)

    @property
    def broken(self) -> tuple[GivesWay, ...]:
        """All promises that it would break, the first to give way first."""
        return tuple(chain.from_iterable(line.broken for line in self.lines))


def examine(store: Store, lines: Sequence[SkuUnits], named: str = "") -> Basket:
    """Return what selling `lines` now would break, the order `named` first."""
    row = store.store_row()
    policy = EscrowPolicy() if row is None else row.escrow
    return Basket(tuple(_line(store, policy, line, named) for line in lines))


def _line(store: Store, policy: EscrowPolicy, line: SkuUnits, named: str) -> BasketLine:
    share, product = store.share(line.sku), _product(store, line.sku)
    broken: tuple[GivesWay, ...] = ()
    if share is not None and line.units > 0:
        before = max(0, share.allocated - share.on_hand)
        after = max(0, share.allocated - share.on_hand + line.units)
        if after:
            promises = store.promises_of(line.sku)
            skipped = 0 if named else before
            broken = tuple(
                _beyond(giving_way(promises, line.sku, after - before + skipped, named), skipped)
            )
    name = line.sku if product is None else product.name
    category = "" if product is None else product.category
    return BasketLine(line.sku, name, line.units, share, broken, policy.is_strict(category))


def _beyond(giving: Iterable[GivesWay], units: int) -> Iterable[GivesWay]:
    """Leave out what gave way for earlier sales that central has not heard of."""
    for one in giving:
        left = one.units - units
        units = max(0, -left)
        if left > 0:
            yield GivesWay(one.order, one.line, left)


def _product(store: Store, sku: str) -> ProductHit | None:
    return next((hit for hit in store.product_by_code(sku) if hit.sku == sku), None)


def first_name(name: str) -> str:
    """Return as much of a customer's name as a till needs."""
    return name.split(maxsplit=1)[0] if name.split() else "somebody"


def says(line: BasketLine, row: StoreRow | None, now_ms: int) -> str:
    """Return in words what selling a line would mean."""
    if not line.over:
        return "Free to sell."
    parts = []
    if line.broken:
        names = [_promise(one, row, now_ms) for one in line.broken[:ORDERS_NAMED_MAX]]
        hidden = len(line.broken) - ORDERS_NAMED_MAX
        names += [f"{hidden} more"] if hidden > 0 else []
        count = sum(one.units for one in line.broken)
        parts.append(f"{count} of {line.units} promised: {', '.join(names)}.")
    if line.unheard:
        parts.append(f"{line.unheard} of {line.units} may just have been promised online.")
    if not parts:
        parts.append(f"The book says {line.free} free: check the count.")
    return " ".join(parts)


def _promise(one: GivesWay, row: StoreRow | None, now_ms: int) -> str:
    order = one.order
    when = day_time(row, order.promised_by_ms, now_ms)
    return f"{one.units} to {order.order_number} ({first_name(order.customer_name)}, by {when})"


# --- selling --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Override:
    """Who answers for breaking a promise, and which one."""

    attempt: Attempt | None = None
    """Number and PIN; None where somebody who may override is signed in already."""
    actor: Actor | None = None
    breaks: str = ""
    """Number or id of the order that gives way; empty: the one that central would move."""


@dataclass(frozen=True, slots=True)
class Seller:
    """Where a sale comes from."""

    by: str = POS
    dev: str = POS


@dataclass(frozen=True, slots=True)
class Sold:
    """A sale as it is kept."""

    operation: FloorSold
    first: bool
    """False where it was kept before."""


def keep(store: Store, sale: Sale, seller: Seller = Seller()) -> Sold:
    """Keep a sale that has happened. Raises `OtherSale`, and nothing else that is a refusal."""
    return _keep(store, sale, seller, "", lambda _: None)


def sell(
    store: Store, sale: Sale, seller: Seller, now_ms: int, override: Override | None = None
) -> Sold:
    """Keep a sale that can still be called off; raise `OverrideNeeded` where it has to be."""
    known = store.sale(sale.transaction)
    if known is not None:
        return _known(sale, known)
    if override is None:

        def judge(_: FloorSold) -> None:
            refuse(examine(store, sale.lines), store.store_row(), now_ms)

        return _keep(store, sale, seller, "", judge)
    actor = _who_overrides(store, override, now_ms)
    breaks = _which_breaks(store, sale.lines, override.breaks)
    approval = None
    if seller.by in {POS, actor.id}:
        seller = Seller(actor.id, seller.dev)  # the till has no associate of ours: they answer
    else:
        why = f"breaks {breaks}" if breaks else "beyond what is free"
        approval = Approval(actor.id, why, Action.BREAK_PROMISE)
    return _keep(store, sale, seller, breaks, lambda _: None, approval)


def refuse(basket: Basket, row: StoreRow | None, now_ms: int) -> None:
    """Raise `OverrideNeeded` where a basket takes a lead or manager."""
    hard = [line for line in basket.lines if line.needs_override]
    if hard:
        why = " ".join(f"{line.name}: {says(line, row, now_ms)}" for line in hard[:2])
        raise OverrideNeeded(basket, why)


def _keep(
    store: Store,
    sale: Sale,
    seller: Seller,
    breaks: str,
    judge: Callable[[FloorSold], object],
    approval: Approval | None = None,
) -> Sold:
    kept = store.sell(
        sale, by=seller.by, dev=seller.dev, breaks=breaks, judge=judge, approval=approval
    )
    if kept is not None:
        return Sold(kept, first=True)
    known = store.sale(sale.transaction)
    if known is None:
        raise OtherSale(sale.transaction)
    return _known(sale, known)


def _known(sale: Sale, known: FloorSold) -> Sold:
    if sorted(_pairs(known.lines)) != sorted(_pairs(sale.lines)):
        raise OtherSale(sale.transaction)
    return Sold(known, first=False)


def _pairs(lines: Sequence[SkuUnits]) -> list[tuple[str, int]]:
    return [(line.sku, line.units) for line in lines]


def _who_overrides(store: Store, override: Override, now_ms: int) -> Actor:
    actor = override.actor
    if override.attempt is not None:
        actor = sign_in(store, override.attempt, now_ms)
    if actor is None or not actor.may(Action.BREAK_PROMISE):
        who = "Nobody" if actor is None else f"{actor.name} ({actor.role.value})"
        raise Refusal(f"{who} may not break a promise.", "Ask a lead or manager.")
    return actor


def _which_breaks(store: Store, lines: Sequence[SkuUnits], named: str) -> str:
    """Return the id of the order that gives way; empty where none is known to."""
    if not named:
        return next((one.order.id for one in examine(store, lines).broken), "")
    for line in lines:
        for order in store.promises_of(line.sku):
            if named in {order.id, order.order_number}:
                return order.id
    raise Refusal(
        f"No order {named[:CODE_CHARACTERS_MAX]} waits for these items here.",
        "Choose an order that the check names.",
    )


# --- at the terminal ------------------------------------------------------------------------


def new_transaction(device: str, now_ms: int) -> str:
    """Return a number for a sale that no point of sale has numbered."""
    return f"{device[:24]}/{now_ms}/{secrets.token_hex(4)}"


def read_units(text: str) -> int:
    """Return a typed number of units."""
    digits = clean(text)
    if not (digits.isascii() and digits.isdigit() and 1 <= int(digits[:12]) <= TYPED_UNITS_MAX):
        raise Refusal(
            f"“{digits[:8]}” does not fit.", f"Type a number from 1 to {TYPED_UNITS_MAX}."
        )
    return int(digits)


def begin_sale(desk: Desk, sale: Sale) -> Sold | Basket:
    """Sell at once what is free; return the basket where it touches what is promised."""
    desk.require(Action.SELL)
    basket = examine(desk.store, sale.lines)
    if basket.is_over:
        return basket
    return finish_sale(desk, sale)


def finish_sale(desk: Desk, sale: Sale, override: Override | None = None) -> Sold:
    """Sell at the counter. A lead or manager who is signed in answers for it themselves."""
    desk.require(Action.SELL)
    seller = Seller(desk.actor.id, desk.device)
    return sell(desk.store, sale, seller, desk.clock.now_ms(), override)
