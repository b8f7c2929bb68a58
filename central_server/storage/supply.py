"""What promising knows beside the stock: bundles, and goods that are on their way."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import (
    BigInteger,
    Connection,
    bindparam,
    case,
    cast,
    delete,
    exists,
    func,
    or_,
    select,
    text,
    update,
)

from central_server.sourcing.bundles import Bundle
from central_server.sourcing.receipts import Kept, Receipt
from central_server.storage.bulk import among, insert_many, upsert_many
from central_server.storage.prepared import Prepared
from central_server.storage.promise_tables import BACKORDERS, BUNDLES, RECEIPTS
from central_server.storage.raw import Together, Values
from central_server.storage.routing_tables import ORDER_HOLDS
from central_server.storage.tables import ORDER_LINES, ORDERS

_BUNDLE = ("sku", "component", "units")
_RECEIPT = ("id", "location_id", "sku", "units", "due_ms", "reference", "closed_ms")
_CLAIM = ("order_id", "line", "receipt_id", "units", "promised_by_ms")
_OF_SKUS = Prepared(
    lambda engine: (
        select(*(BUNDLES.c[name] for name in _BUNDLE))
        .where(engine.among(BUNDLES.c.sku, "skus"))
        .order_by(BUNDLES.c.sku, BUNDLES.c.component)
    )
)
_WITH = Prepared(
    lambda engine: select(BUNDLES.c.sku).where(engine.among(BUNDLES.c.component, "skus")).distinct()
)
_CLAIMED = (
    select(cast(func.coalesce(func.sum(BACKORDERS.c.units), 0), BigInteger))
    .where(BACKORDERS.c.receipt_id == RECEIPTS.c.id, BACKORDERS.c.closed_ms.is_(None))
    .scalar_subquery()
)
_COMING = Prepared(
    lambda engine: (
        select(*(RECEIPTS.c[name] for name in _RECEIPT[:-1]), _CLAIMED)
        .where(engine.among(RECEIPTS.c.sku, "skus"), text("receipts.closed_ms IS NULL"))
        .order_by(RECEIPTS.c.due_ms, RECEIPTS.c.id)
    )
)
_LOCK_COMING = Prepared(
    lambda engine: (
        select(RECEIPTS.c.id)
        .where(engine.among(RECEIPTS.c.sku, "skus"), text("receipts.closed_ms IS NULL"))
        .order_by(RECEIPTS.c.id)
        .with_for_update()
    )
)
_WAITING = Prepared(
    lambda engine: (
        select(RECEIPTS.c.sku, func.sum(BACKORDERS.c.units))
        .join(RECEIPTS, RECEIPTS.c.id == BACKORDERS.c.receipt_id)
        .where(
            engine.among(RECEIPTS.c.sku, "skus"),
            BACKORDERS.c.closed_ms.is_(None),
            RECEIPTS.c.closed_ms.is_(None),
        )
        .group_by(RECEIPTS.c.sku)
    )
)
_CLAIMED_OF_LINE = (
    select(func.coalesce(func.sum(BACKORDERS.c.units), 0))
    .join(RECEIPTS, RECEIPTS.c.id == BACKORDERS.c.receipt_id)
    .where(
        BACKORDERS.c.order_id == ORDER_LINES.c.order_id,
        BACKORDERS.c.line == ORDER_LINES.c.line,
        BACKORDERS.c.closed_ms.is_(None),
        RECEIPTS.c.closed_ms.is_(None),
    )
    .scalar_subquery()
)
_CLAIMS = exists().where(
    BACKORDERS.c.order_id == ORDER_LINES.c.order_id, BACKORDERS.c.closed_ms.is_(None)
)
_HELD = exists().where(
    ORDER_HOLDS.c.order_id == ORDER_LINES.c.order_id, ORDER_HOLDS.c.closed_ms.is_(None)
)
_HELD_STILL = exists().where(
    ORDER_HOLDS.c.order_id == ORDER_LINES.c.order_id, ORDER_HOLDS.c.closed_ms.is_(None),
    or_(ORDER_HOLDS.c.until_ms.is_(None), ORDER_HOLDS.c.until_ms > bindparam("now_ms")),
)  # fmt: skip
_AWAITS = exists().where(
    BACKORDERS.c.order_id == ORDER_LINES.c.order_id, BACKORDERS.c.closed_ms.is_(None),
    BACKORDERS.c.receipt_id == RECEIPTS.c.id, RECEIPTS.c.closed_ms.is_(None),
)  # fmt: skip
_KEPT = Prepared(
    lambda engine: (
        select(
            ORDER_LINES.c.sku, ORDERS.c.pickup_location_id,
            ORDER_LINES.c.unsourced - _CLAIMED_OF_LINE,
            case((or_(_AWAITS, _HELD_STILL), 1), else_=0),
        )
        .join(ORDERS, ORDERS.c.id == ORDER_LINES.c.order_id)
        .where(
            engine.among(ORDER_LINES.c.sku, "skus"),
            text("order_lines.unsourced > 0"),
            ORDERS.c.pickup_location_id != "",
            or_(_CLAIMS, _HELD),
        )
    )
)  # fmt: skip
_OF_RECEIPT = Prepared(
    lambda _: (
        select(*(BACKORDERS.c[name] for name in _CLAIM))
        .where(BACKORDERS.c.receipt_id == bindparam("receipt_id"), BACKORDERS.c.closed_ms.is_(None))
        .order_by(BACKORDERS.c.order_id, BACKORDERS.c.line)
    )
)


def _bundles(rows: Iterable[Values]) -> dict[str, Bundle]:
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for sku, component, units in rows:
        found[sku][component] = units
    return {sku: Bundle(sku, components) for sku, components in found.items()}


class Supply:
    """The tables `bundles`, `receipts` and `backorders`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def bundles(self, skus: Collection[str]) -> dict[str, Bundle]:
        """Return those of the given SKUs that are bundles, by SKU."""
        return _bundles(_OF_SKUS.rows(self._connection, skus=skus))

    def ask(
        self, together: Together, skus: Collection[str], then: Callable[[dict[str, Bundle]], None]
    ) -> None:
        """Ask for `bundles` among others."""
        _OF_SKUS.ask(together, lambda rows: then(_bundles(rows)), skus=skus)

    def set_bundle(self, sku: str, components: Mapping[str, int]) -> None:
        """Set what a bundle is made of; nothing: it is a SKU like others."""
        self._connection.execute(delete(BUNDLES).where(BUNDLES.c.sku == sku))
        rows = [(sku, component, units) for component, units in sorted(components.items())]
        insert_many(self._connection, BUNDLES, _BUNDLE, rows)

    def bundles_with(self, skus: Collection[str]) -> list[str]:
        """Return the bundles that have one of the given SKUs as a component."""
        rows = _WITH.rows(self._connection, skus=skus)
        return [sku for (sku,) in rows]

    def are_components(self, skus: Collection[str]) -> set[str]:
        """Return those of the given SKUs that are components of bundles."""
        wanted = select(BUNDLES.c.component).where(BUNDLES.c.component.in_(skus)).distinct()
        return set(self._connection.execute(wanted).scalars())

    def coming(self, skus: Collection[str]) -> list[Receipt]:
        """Return what is on its way of the given SKUs, the earliest first."""
        return [Receipt(*row) for row in _COMING.rows(self._connection, skus=skus)]

    def receipt(self, receipt_id: str) -> Receipt | None:
        """Return a receipt that is on its way, and lock it."""
        columns = (RECEIPTS.c[name] for name in _RECEIPT[:-1])
        row = self._connection.execute(
            select(*columns)
            .where(RECEIPTS.c.id == receipt_id, RECEIPTS.c.closed_ms.is_(None))
            .with_for_update()
        ).one_or_none()
        if row is None:
            return None
        claimed = sum(claim[3] for claim in self.waiting_for(receipt_id))
        return replace(Receipt(*row), claimed=claimed)

    def goods_of(self, receipt_id: str) -> tuple[str, str] | None:
        """Return (location, SKU) of a receipt, closed or not; None: there is none."""
        row = self._connection.execute(
            select(RECEIPTS.c.location_id, RECEIPTS.c.sku).where(RECEIPTS.c.id == receipt_id)
        ).one_or_none()
        return None if row is None else (row[0], row[1])

    def is_closed(self, receipt_id: str) -> bool:
        """Return whether a receipt came, or will not come; until the commit nobody closes it."""
        closed_ms = self._connection.execute(
            select(RECEIPTS.c.closed_ms).where(RECEIPTS.c.id == receipt_id).with_for_update()
        ).scalar_one_or_none()
        return closed_ms is not None

    def save_receipts(self, receipts: Sequence[Receipt]) -> None:
        """Add receipts, or replace those that are on their way."""
        rows = [
            (one.id, one.location_id, one.sku, one.units, one.due_ms, one.reference, None)
            for one in receipts
        ]
        upsert_many(self._connection, RECEIPTS, _RECEIPT, rows)

    def count_receipt(self, receipt_id: str, received: int) -> None:
        """Note how many units of a receipt came that is closed already."""
        self._connection.execute(
            update(RECEIPTS).where(RECEIPTS.c.id == receipt_id).values(received=received)
        )

    def close_receipt(self, receipt_id: str, now_ms: int, received: int | None = None) -> None:
        """Note that it came (so many units, where somebody counted them), or will not."""
        table = RECEIPTS.c
        self._connection.execute(
            update(RECEIPTS)
            .where(table.id == receipt_id)
            .values(closed_ms=now_ms, received=received)
        )

    def closed_receipt(self, receipt_id: str) -> tuple[Receipt, int | None] | None:
        """Return a receipt that was closed, and how many units came, if somebody said so."""
        columns = (RECEIPTS.c[name] for name in _RECEIPT[:-1])
        row = self._connection.execute(
            select(*columns, RECEIPTS.c.received)
            .where(RECEIPTS.c.id == receipt_id, RECEIPTS.c.closed_ms.is_not(None))
            .with_for_update()
        ).one_or_none()
        return None if row is None else (Receipt(*row[:-1]), row[-1])

    def waiting(self, skus: Collection[str]) -> dict[str, int]:
        """Return the units by SKU that orders have been promised of receipts."""
        return {sku: int(units) for sku, units in _WAITING.rows(self._connection, skus=skus)}

    def kept(self, skus: Collection[str], now_ms: int) -> dict[str, dict[str, Kept]]:
        """Return what stores keep for orders that are fetched there and wait for other goods.

        Or for their release date, until which they are held. By SKU and store. Units that such
        an order waits for itself are not in it: they are not there yet.
        """
        found: defaultdict[str, dict[str, Kept]] = defaultdict(dict)
        for sku, place, units, awaits in _KEPT.rows(self._connection, skus=skus, now_ms=now_ms):
            before = found[sku].get(place, Kept())
            more = max(0, int(units))
            found[sku][place] = Kept(before.units + more, before.awaiting + more * awaits)
        return dict(found)

    def waiting_for(self, receipt_id: str) -> list[tuple[str, int, str, int, int]]:
        """Return (order, line, receipt, units, promised by) of what waits for a receipt."""
        rows = _OF_RECEIPT.rows(self._connection, receipt_id=receipt_id)
        return [(order, line, receipt, units, by) for order, line, receipt, units, by in rows]

    def claim(self, rows: Sequence[tuple[str, int, str, int, int]], now_ms: int) -> None:
        """Let units of orders wait for receipts: (order, line, receipt, units, promised by).

        They count on the date for which it is due, or on now where it is overdue.
        """
        insert_many(self._connection, BACKORDERS, _CLAIM, rows)
        table = BACKORDERS.c
        due = select(RECEIPTS.c.due_ms).where(RECEIPTS.c.id == table.receipt_id).scalar_subquery()
        self._connection.execute(
            update(BACKORDERS)
            .where(table.order_id.in_({row[0] for row in rows}), table.due_ms.is_(None))
            .values(due_ms=case((due < now_ms, now_ms), else_=due))
        )

    def to_put_off(self, slack_ms: int) -> list[str]:
        """Return orders that count on a date that is over by `slack_ms` where one waits now."""
        table = BACKORDERS.c
        wanted = (
            select(table.order_id)
            .join(RECEIPTS, RECEIPTS.c.id == table.receipt_id)
            .where(
                table.closed_ms.is_(None),
                RECEIPTS.c.closed_ms.is_(None),
                RECEIPTS.c.due_ms >= table.due_ms + slack_ms,
            )
            .distinct()
            .order_by(table.order_id)
        )
        return list(self._connection.execute(wanted).scalars())

    def counted_on(self, order_id: str) -> list[tuple[int, int]]:
        """Return (moment counted on, when it is due now) of what an order waits for.

        0 for what is there. Nothing where all of it is.
        """
        table = BACKORDERS.c
        rows = self._connection.execute(
            select(
                func.coalesce(table.due_ms, RECEIPTS.c.due_ms),
                case((RECEIPTS.c.closed_ms.is_(None), RECEIPTS.c.due_ms), else_=0),
            )
            .join(RECEIPTS, RECEIPTS.c.id == table.receipt_id)
            .where(table.order_id == order_id, table.closed_ms.is_(None))
        )
        found = [(int(on_ms), int(due_ms)) for on_ms, due_ms in rows]
        return found if any(due_ms for _, due_ms in found) else []

    def count_on(self, order_id: str, on_ms: int) -> None:
        """Let an order that waits count on a moment, for all that it waits for."""
        table = BACKORDERS.c
        self._connection.execute(
            update(BACKORDERS)
            .where(table.order_id == order_id, table.closed_ms.is_(None), table.due_ms < on_ms)
            .values(due_ms=on_ms)
        )

    def put_off(self, order_id: str, by_ms: int) -> None:
        """Promise an order that waits for receipts for later."""
        table = BACKORDERS.c
        self._connection.execute(
            update(BACKORDERS)
            .where(table.order_id == order_id, table.closed_ms.is_(None))
            .values(promised_by_ms=by_ms)
        )

    def late(self, due_before_ms: int) -> list[Receipt]:
        """Return receipts on their way that orders wait for: overdue, or with too few units."""
        table, claim = RECEIPTS.c, BACKORDERS.c
        claimed = cast(func.sum(claim.units), BigInteger)
        rows = self._connection.execute(
            select(*(table[name] for name in _RECEIPT[:-1]), claimed)
            .join(BACKORDERS, claim.receipt_id == table.id)
            .where(claim.closed_ms.is_(None), table.closed_ms.is_(None))
            .group_by(table.id)
            .having(or_(table.due_ms < due_before_ms, claimed > table.units))
            .order_by(table.due_ms, table.id)
        )  # fmt: skip
        return [replace(Receipt(*row[:-1]), claimed=row[-1]) for row in rows]

    def claimed_by(self, order_id: str) -> list[Receipt]:
        """Return the receipts on their way that an order waits for; units are those it claims."""
        table, claim = RECEIPTS.c, BACKORDERS.c
        rows = self._connection.execute(
            select(
                table.id, table.location_id, table.sku,
                cast(func.sum(claim.units), BigInteger), table.due_ms, table.reference,
            )
            .join(BACKORDERS, claim.receipt_id == table.id)
            .where(claim.order_id == order_id, claim.closed_ms.is_(None), table.closed_ms.is_(None))
            .group_by(table.id)
            .order_by(table.due_ms, table.id)
        )  # fmt: skip
        return [Receipt(*row) for row in rows]

    def came(self, order_id: str) -> tuple[int, list[str]]:
        """Return when the last of the receipts was closed that an order waits for, and where.

        0: none was. Where: all locations of its receipts.
        """
        rows = self._connection.execute(
            select(RECEIPTS.c.location_id, RECEIPTS.c.closed_ms)
            .join(BACKORDERS, BACKORDERS.c.receipt_id == RECEIPTS.c.id)
            .where(BACKORDERS.c.order_id == order_id, BACKORDERS.c.closed_ms.is_(None))
        ).all()
        closed = [int(closed_ms or 0) for _, closed_ms in rows]
        return max(closed, default=0), sorted({place for place, _ in rows})

    def promised_by(self, order_id: str) -> int | None:
        """Return by when an order is promised that waits for a receipt (ms); None: it does not."""
        table = BACKORDERS.c
        wanted = select(func.max(table.promised_by_ms)).where(
            table.order_id == order_id, table.closed_ms.is_(None)
        )
        return self._connection.execute(wanted).scalar()

    def are_coming(self, order_ids: Collection[str]) -> set[str]:
        """Return the orders that wait for goods of which some are still on their way."""
        table = BACKORDERS.c
        wanted = (
            select(table.order_id)
            .join(RECEIPTS, RECEIPTS.c.id == table.receipt_id)
            .where(
                among(self._connection, table.order_id, order_ids),
                table.closed_ms.is_(None),
                RECEIPTS.c.closed_ms.is_(None),
            )
            .distinct()
        )
        return set(self._connection.execute(wanted).scalars())

    def came_for_orders(
        self, location_ids: Collection[str], *, but: str = ""
    ) -> dict[tuple[str, str], int]:
        """Return the units by (location, SKU) that came and are claimed by orders that still wait.

        `but`: of all receipts but this one.
        """
        table, claim = RECEIPTS.c, BACKORDERS.c
        rows = self._connection.execute(
            select(
                table.location_id, table.sku,
                func.coalesce(table.received, table.units),
                cast(func.sum(claim.units), BigInteger),
            )
            .join(BACKORDERS, claim.receipt_id == table.id)
            .where(
                claim.closed_ms.is_(None), table.closed_ms.is_not(None), table.id != but,
                among(self._connection, table.location_id, location_ids),
            )
            .group_by(table.id)
        )  # fmt: skip
        found: defaultdict[tuple[str, str], int] = defaultdict(int)
        for place, sku, came, claimed in rows:
            found[place, sku] += min(came, claimed)
        return dict(found)

    def end_claims_of(self, order_id: str, now_ms: int) -> None:
        """Let an order wait for nothing any more."""
        table = BACKORDERS.c
        self._connection.execute(
            update(BACKORDERS)
            .where(table.order_id == order_id, table.closed_ms.is_(None))
            .values(closed_ms=now_ms)
        )

    def released_orders(self) -> list[str]:
        """Return orders that wait for closed receipts only, in the order they were placed.

        Those that are held, too, go when their hold ends.
        """
        table = BACKORDERS.c
        held = select(ORDER_HOLDS.c.order_id).where(ORDER_HOLDS.c.closed_ms.is_(None))
        coming = select(RECEIPTS.c.id).where(RECEIPTS.c.closed_ms.is_(None))
        waiting = select(table.order_id).where(
            table.closed_ms.is_(None), table.receipt_id.in_(coming)
        )
        wanted = (
            select(table.order_id)
            .where(
                table.closed_ms.is_(None),
                table.order_id.not_in(waiting),
                table.order_id.not_in(held),
            )
            .distinct()
            .order_by(table.order_id)
        )
        return list(self._connection.execute(wanted).scalars())

    def lock_receipts(self, skus: Collection[str]) -> None:
        """Let nobody else claim what is on its way of these SKUs until the commit."""
        _LOCK_COMING.rows(self._connection, skus=skus)
