"""Carriers, their rates and label numbers, and which locations are not asked for a while."""

from collections.abc import Collection, Sequence
from dataclasses import fields

from pydantic import TypeAdapter
from sqlalchemy import Connection, and_, bindparam, delete, or_, select, update

from central_server.records import ShippingRate
from central_server.shipping_records import RoutingPause, ShippingCarrier
from central_server.storage.bulk import upsert_many
from central_server.storage.prepared import Prepared
from central_server.storage.tables import ROUTING_PAUSES, SHIPPING_CARRIERS, SHIPPING_RATES
from sync.domain.delivery import ANY_CARRIER, CarrierDays

_CARRIER = tuple(field.name for field in fields(ShippingCarrier))
_DAYS: TypeAdapter[CarrierDays] = TypeAdapter(CarrierDays)
_RATE = tuple(field.name for field in fields(ShippingRate))
_PAUSE = tuple(field.name for field in fields(RoutingPause))
_PAUSED = Prepared(
    lambda engine: select(*(ROUTING_PAUSES.c[name] for name in _PAUSE)).where(
        ROUTING_PAUSES.c.until_ms > bindparam("now_ms"),
        or_(
            and_(
                ROUTING_PAUSES.c.order_id == bindparam("order_id"), ROUTING_PAUSES.c.order_id != ""
            ),
            engine.among(ROUTING_PAUSES.c.sku, "skus"),
        ),
    )
)
SERIAL_DIGITS = 9
NUMBERS_SKIPPED = 10_000_000
"""With each restore: more than any central gives out between a backup and its use."""


class Shipping:
    """The tables `shipping_carriers`, `shipping_rates` and `routing_pauses`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def save(self, carriers: Sequence[ShippingCarrier], rates: Sequence[ShippingRate]) -> None:
        """Add carriers or replace them, and set all rates: those that are not told are gone.

        A carrier that is not told stays, as its labels do, and no range of numbers starts again.
        """
        rows = [_carrier_values(one) for one in carriers]
        upsert_many(
            self._connection, SHIPPING_CARRIERS, _CARRIER, rows, keep=("next_number",)
        )  # fmt: skip
        self._connection.execute(delete(SHIPPING_RATES))
        rows = [tuple(getattr(one, name) for name in _RATE) for one in rates]
        upsert_many(self._connection, SHIPPING_RATES, _RATE, rows)

    def days(self) -> dict[str, CarrierDays]:
        """Return when each carrier travels of which that is known."""
        table = SHIPPING_CARRIERS.c
        rows = self._connection.execute(select(table.id, table.days).where(table.days != ""))
        return {key: _DAYS.validate_json(days) for key, days in rows}

    def rates(self) -> tuple[ShippingRate, ...]:
        """Return the whole rate table, the lightest first."""
        table = SHIPPING_RATES.c
        rows = self._connection.execute(
            select(*(table[name] for name in _RATE)).order_by(
                table.carrier, table.service, table.weight_grams_max
            )
        )
        return tuple(ShippingRate(*row) for row in rows)

    def take_numbers(self, carrier: str, count: int) -> tuple[str, ...]:
        """Take label numbers out of a carrier's range; none where it gives none ahead."""
        table = SHIPPING_CARRIERS
        row = self._connection.execute(
            update(table)
            .where(table.c.id == carrier, table.c.number_prefix != "")
            .values(next_number=table.c.next_number + count)
            .returning(table.c.number_prefix, table.c.next_number)
        ).one_or_none()
        if row is None:
            return ()
        first = row.next_number - count
        return tuple(
            label_number(row.number_prefix, serial) for serial in range(first, first + count)
        )

    def skip_numbers(self) -> None:
        """Leave out numbers that a central may have given out that was restored since."""
        table = SHIPPING_CARRIERS
        self._connection.execute(
            update(table).values(next_number=table.c.next_number + NUMBERS_SKIPPED)
        )

    def pause(self, pauses: Sequence[RoutingPause]) -> None:
        """Do not ask these locations for a while; a later pause replaces an earlier one."""
        newest = {(one.location_id, one.order_id, one.sku): one for one in pauses}
        rows = [tuple(getattr(newest[key], name) for name in _PAUSE) for key in sorted(newest)]
        upsert_many(self._connection, ROUTING_PAUSES, _PAUSE, rows)

    def paused(self, order_id: str, skus: Collection[str], now_ms: int) -> tuple[RoutingPause, ...]:
        """Return what holds now for an order (one without an id: for none) or one of `skus`."""
        rows = _PAUSED.rows(self._connection, order_id=order_id, skus=skus, now_ms=now_ms)
        found = (RoutingPause(*row) for row in rows)
        return tuple(sorted(found, key=lambda one: (one.location_id, one.order_id, one.sku)))

    def over(self, after_ms: int, until_ms: int) -> set[str]:
        """Return the SKUs of which a pause ended in this time."""
        table = ROUTING_PAUSES.c
        rows = self._connection.execute(
            select(table.sku)
            .where(table.until_ms > after_ms, table.until_ms <= until_ms, table.sku != "")
            .distinct()
        )
        return set(rows.scalars())


def _carrier_values(one: ShippingCarrier) -> tuple[object, ...]:
    """Return a row; of a carrier of which nothing is known, nothing is written."""
    days = "" if one.days == ANY_CARRIER else _DAYS.dump_json(one.days).decode()
    return tuple(days if name == "days" else getattr(one, name) for name in _CARRIER)


def label_number(prefix: str, serial: int) -> str:
    """Return a label number: prefix, serial, and a check digit with weights 3 and 1 as of GTINs."""
    digits = f"{serial:0{SERIAL_DIGITS}d}"
    total = sum(
        int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits))
    )
    return f"{prefix}{digits}{-total % 10}"
