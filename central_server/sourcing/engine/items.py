"""The lines of an order as items: what may be split, what belongs together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from central_server.sourcing.engine.model import RequestedLine, RoutingOrder, Rules
from central_server.sourcing.engine.plan import Shipped


@dataclass(frozen=True, slots=True)
class Part:
    """All units of one SKU in an item."""

    sku: str
    quantity: int
    kg: float
    """Of one unit."""
    needs: frozenset[str]
    lines: tuple[RequestedLine, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """What the solver distributes: single units of a SKU, or several parts as one whole."""

    parts: tuple[Part, ...]
    is_whole: bool
    """Whether it leaves from one location or not at all; it then counts as one unit."""

    @property
    def wanted(self) -> int:
        """Units for the solver."""
        return 1 if self.is_whole else self.parts[0].quantity

    @property
    def units(self) -> int:
        """Units of goods."""
        return sum(part.quantity for part in self.parts)

    def shipped(self, taken: Sequence[int]) -> list[list[Shipped]]:
        """Return, for each of the counts that locations take, the units by order line.

        Counts are the solver's units, handed to the lines in order.
        """
        if self.is_whole:
            whole = [
                Shipped(line.line, line.sku, line.quantity)
                for part in self.parts for line in part.lines
            ]  # fmt: skip
            return [whole if count else [] for count in taken]
        lines = [(line, line.quantity) for line in self.parts[0].lines]
        found = []
        for count in taken:
            share: list[Shipped] = []
            while count > 0:
                line, left = lines[0]
                given = min(count, left)
                share.append(Shipped(line.line, line.sku, given))
                count -= given  # noqa: PLW2901 - what this location still takes
                lines[0] = (line, left - given)
                if left == given:
                    lines.pop(0)
            found.append(share)
        return found


def items_of(order: RoutingOrder, rules: Rules) -> tuple[Item, ...]:
    """Return the items of an order: lines of one SKU together, groups as a whole."""
    by_sku: dict[str, list[RequestedLine]] = {}
    for line in order.lines:
        by_sku.setdefault(line.sku, []).append(line)
    heads = _heads(by_sku.values())
    found: dict[tuple[_By, str], list[Part]] = {}
    for sku, lines in by_sku.items():
        group = next((line.group for line in lines if line.group), "")
        key = (_By.GROUP, heads[group]) if group else (_By.SKU, sku)
        found.setdefault(key, []).append(_part(sku, lines))
    return tuple(
        Item(tuple(parts), not rules.splits_lines or by is _By.GROUP)
        for (by, _), parts in found.items()
    )


class _By(Enum):
    """What an item is known by: names of groups and SKUs are chosen by others, and may be alike."""

    GROUP = "group"
    SKU = "sku"


def _part(sku: str, lines: Sequence[RequestedLine]) -> Part:
    """Return all lines of a SKU as one part. Should they disagree, the heaviest weight counts."""
    return Part(
        sku, sum(line.quantity for line in lines),
        max(line.weight_grams for line in lines) / 1000,
        frozenset().union(*(line.needs for line in lines)), tuple(lines),
    )  # fmt: skip


def _heads(skus: Iterable[Sequence[RequestedLine]]) -> dict[str, str]:
    """Return for each group the one that speaks for it: groups that share a SKU are one group."""
    found: dict[str, str] = {}
    for lines in skus:
        names = {line.group for line in lines if line.group}
        joined = {found.get(name, name) for name in names}
        for name in (*names, *(name for name, head in found.items() if head in joined)):
            found[name] = min(joined)
    return found
