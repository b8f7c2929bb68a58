"""The lines of a new order: what was bought, kits as their components."""

from collections.abc import Collection, Iterable, Mapping
from fractions import Fraction
from typing import Protocol

from central_server.records import OrderLine, Price, Product
from central_server.services.errors import OrderChangeInvalid
from central_server.sourcing.bundles import Bundle, parts_of


class Wanted(Protocol):
    """What and how much."""

    @property
    def sku(self) -> str:
        """A SKU or a kit."""
        ...

    @property
    def quantity(self) -> int:
        """Units."""
        ...


def order_lines(
    wanted: Iterable[Wanted],
    products: Mapping[str, Product],
    prices: Mapping[str, Price],
    bundles: Mapping[str, Bundle],
) -> tuple[OrderLine, ...]:
    """Return the lines; those of a kit add up to its price exactly, and name it."""
    lines: list[OrderLine] = []
    for number, line in enumerate(wanted, 1):
        name, price_minor = products[line.sku].name, prices[line.sku].amount_minor
        bundle = bundles.get(line.sku)
        if bundle is None:
            lines.append(OrderLine(len(lines) + 1, line.sku, name, line.quantity, price_minor))
            continue
        alone = {sku: one.amount_minor for sku, one in prices.items()}
        lines += [
            OrderLine(
                count, part.sku, f"{products[part.sku].name} ({name})", line.quantity * part.units,
                part.unit_price_minor, kit=f"{number}:{line.sku}", kit_units=part.units,
            )
            for count, part in enumerate(parts_of(bundle, price_minor, alone), len(lines) + 1)
        ]  # fmt: skip
    return tuple(lines)


def require_whole_kits(
    lines: Iterable[OrderLine], kits: Collection[str], counts: Mapping[int, int]
) -> None:
    """Raise `OrderChangeInvalid` where `counts` (units by line) are not whole kits of `kits`."""
    known = [line for line in lines if line.kit]
    for kit in sorted(kits):
        parts = [one for one in known if one.kit == kit]
        found = {Fraction(counts.get(one.line, 0), one.kit_units) for one in parts}
        if len(found) > 1 or any(one.denominator > 1 for one in found):
            of_one = ", ".join(f"{one.kit_units} of line {one.line}" for one in parts)
            sku = kit.partition(":")[2]
            raise OrderChangeInvalid(f"a kit {sku} is {of_one}: change them together")
