"""The figures of a replay: a table for people, JSON for programs."""

from collections.abc import Sequence
from dataclasses import dataclass, field


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of all values do not exceed; 0 where there are none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


@dataclass
class Table:
    """Named figures, in the order in which they were added."""

    rows: list[tuple[str, float, str]] = field(default_factory=list)

    def add(self, name: str, value: float, unit: str = "") -> None:
        """Add one figure."""
        self.rows.append((name, round(value, 2), unit))

    def document(self) -> list[dict[str, object]]:
        """Return the figures as JSON values."""
        return [{"name": name, "value": value, "unit": unit} for name, value, unit in self.rows]

    def lines(self) -> list[str]:
        """Return the figures as lines."""
        width = max(len(name) for name, _, _ in self.rows)
        return [
            f"  {name.replace('_', ' '):{width}}  {value:>12,.{0 if value == int(value) else 2}f}"
            f" {unit}".rstrip()
            for name, value, unit in self.rows
        ]
