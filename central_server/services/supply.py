"""What promising knows beside the stock: kits, release dates, and what is on its way."""

from collections.abc import Mapping
from random import Random
from typing import TYPE_CHECKING

from central_server.services.backorders import Backorders
from central_server.services.errors import (
    BundleInvalid,
    NotFound,
    ReceiptAwaited,
    ReceiptClosed,
    UnknownLocation,
    UnknownSkus,
)
from central_server.services.exceptions import exception_record
from central_server.services.floors import leave_to_orders, lock_floor
from central_server.services.late_receipts import over
from central_server.services.order_views import Document
from central_server.services.pre_orders import set_releases
from central_server.services.times import rfc3339, rfc3339_or_none
from central_server.sourcing.bundles import UNITS_MAX
from central_server.sourcing.receipts import Receipt
from sync.clock import Clock
from sync.domain.exceptions import ExceptionKind

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import Unit


class SupplyBook:
    """Takes bundles, release dates and receipts."""

    def __init__(
        self, database: "Database", clock: Clock, backorders: Backorders, random: Random
    ) -> None:
        self._backorders = backorders
        self._random = random
        self._database = database
        self._clock = clock

    def set_bundle(self, sku: str, components: Mapping[str, int]) -> Document:
        """Set what a kit is made of; nothing makes it a SKU like others.

        Raises `UnknownSkus` and `BundleInvalid`.
        """

        def work(unit: "Unit") -> None:
            _require_products(unit, {sku, *components})
            if sum(components.values()) > UNITS_MAX:
                raise BundleInvalid(f"a kit has at most {UNITS_MAX} units: sell it as several")
            # Who sets another kit of any of these waits, and sees this one.
            unit.stock.lock_network({sku, *components})
            nested = sorted({*unit.supply.bundles(components), *({sku} & components.keys())})
            if nested:
                raise BundleInvalid(f"{', '.join(nested)} is a kit itself: name its components")
            if components and unit.supply.are_components([sku]):
                raise BundleInvalid(f"{sku} is part of another kit, so it cannot be one")
            if components and any(row[1] for row in unit.demand.sums([sku])):
                raise BundleInvalid(f"there is stock of {sku}: count it as its components first")
            unit.supply.set_bundle(sku, components)
            unit.promise_rules.bump()

        self._database.write(work)
        return {"sku": sku, "components": dict(components)}

    def bundle(self, sku: str) -> Document:
        """Return what a kit is made of. Raises `NotFound`."""
        with self._database.read() as view:
            found = view.supply.bundles([sku]).get(sku)
        if found is None:
            raise NotFound("bundle", sku)
        return {"sku": sku, "components": dict(found.components)}

    def set_release(self, sku: str, release_ms: int | None) -> Document:
        """Say from when on a product may be sold; None: at once. Raises `UnknownSkus`.

        Orders that wait for it follow the date; work that locations have already stays there.
        """
        now = self._clock.now_ms()

        def work(unit: "Unit") -> None:
            _require_products(unit, {sku})
            if unit.catalogue.releases([sku]).get(sku) != release_ms:
                set_releases(unit, {sku: release_ms}, now)

        self._database.write(work)
        return {"sku": sku, "release_at": rfc3339_or_none(release_ms)}

    def release(self, sku: str) -> Document:
        """Return from when on a product may be sold, if that was said. Raises `NotFound`."""
        with self._database.read() as view:
            if sku not in view.catalogue.categories([sku]):
                raise NotFound("product", sku)
            release_ms = view.catalogue.releases([sku]).get(sku)
        return {"sku": sku, "release_at": rfc3339_or_none(release_ms)}

    def expect(self, receipt: Receipt) -> Document:
        """Note goods that are on their way, or what has changed about them.

        Whoever waits for them hears soon where they come later, and a person where they are too
        few (`late_receipts`). Raises `UnknownSkus`, `UnknownLocation`, `ReceiptAwaited` where
        orders wait for what it was, and `ReceiptClosed` for one that came already: told of once
        more, its units would be counted beside the stock they became.
        """

        def work(unit: "Unit") -> Receipt:
            _require_products(unit, {receipt.sku})
            if unit.locations.get(receipt.location_id) is None:
                raise UnknownLocation(receipt.location_id)
            if unit.supply.is_closed(receipt.id):
                raise ReceiptClosed(receipt.id)
            before = unit.supply.receipt(receipt.id)
            is_other = before and (before.sku, before.location_id) != (
                receipt.sku, receipt.location_id,
            )  # fmt: skip
            if before and before.claimed and is_other:
                raise ReceiptAwaited(receipt.id, before.sku, before.location_id)
            unit.supply.save_receipts([receipt])
            kept = unit.supply.receipt(receipt.id)
            assert kept is not None
            return kept

        return receipt_document(self._database.write(work))

    def close(self, receipt_id: str, received: int | None = None) -> Document:
        """Note that goods came (their units are counted as stock), or will not come.

        What waited for them is sourced now, or a person hears of it. `received` says how many
        units came: fewer or more than were sent are somebody's to find out about, and so is a
        receipt that is closed once more with another figure. Otherwise repeating it changes
        nothing. Raises `NotFound`.
        """
        now = self._clock.now_ms()

        def work(unit: "Unit") -> Receipt:
            lock_floor(unit, receipt_id)
            found, before = unit.supply.receipt(receipt_id), None
            if found is not None:
                unit.supply.close_receipt(receipt_id, now, received)
                leave_to_orders(unit, found, found.units if received is None else received)
                over(unit, [receipt_id], now)
            elif (closed := unit.supply.closed_receipt(receipt_id)) is not None:
                found, before = closed
                if received is not None:
                    unit.supply.count_receipt(receipt_id, received)
            else:
                raise NotFound("receipt", receipt_id)
            if received is not None and received != (found.units if before is None else before):
                self._differs(unit, found, received, before, now)
            return found

        closed = receipt_document(self._database.write(work))
        self._backorders.run()
        return closed

    def _differs(
        self, unit: "Unit", receipt: Receipt, received: int, before: int | None, now_ms: int
    ) -> None:
        """Let somebody find out; `before` units were said to have come, if anything was said."""
        kind = ExceptionKind.RECEIPT_DISCREPANCY
        what = f"{received} of {receipt.units} came"
        if before is not None:
            what = f"{received} came by what is said now; it was closed with {before} units"
        of = f" ({receipt.reference})" if receipt.reference else ""
        text = f"Receipt {receipt.id}, {receipt.sku} at {receipt.location_id}{of}: {what}."
        record = exception_record(
            kind, text, cause=f"{kind}:{receipt.id}:{received}", now_ms=now_ms,
            random=self._random, location_id=receipt.location_id, source=receipt.id,
        )  # fmt: skip
        unit.exceptions.open([record])

    def coming(self, sku: str) -> list[Document]:
        """Return what is on its way of a SKU, the earliest first."""
        with self._database.read() as view:
            return [receipt_document(one) for one in view.supply.coming([sku])]


def receipt_document(one: Receipt) -> Document:
    """Return a receipt as the API shows it."""
    return {
        "id": one.id,
        "location_id": one.location_id,
        "sku": one.sku,
        "units": one.units,
        "due_at": rfc3339(one.due_ms),
        "reference": one.reference,
        "claimed": one.claimed,
    }


def _require_products(unit: "Unit", skus: set[str]) -> None:
    known = unit.catalogue.categories(skus)
    if unknown := tuple(sorted(skus - known.keys())):
        raise UnknownSkus(unknown)
