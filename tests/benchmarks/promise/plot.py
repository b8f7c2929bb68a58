"""Broken promises against online sales, one panel per outage length, as plain SVG text."""

from collections.abc import Iterator, Mapping
from html import escape

from tests.benchmarks.promise.figures import Table
from tests.benchmarks.promise.policies import CURVES, POLICIES, Kind

WIDTH, HEIGHT, LEFT, TOP, GAP = 330, 260, 62, 46, 28
COLORS = {Kind.SAFETY: "#b3541e", Kind.HOLDBACK: "#c9a227", Kind.SHARE: "#5b6b7a",
          Kind.SIZED: "#1b7f5c"}  # fmt: skip
LABELED = frozenset({Kind.SAFETY, Kind.SIZED})
STEPS = 4
LEGEND_PX = 150


def svg(tables: Mapping[str, Table]) -> str:
    """Return the picture: up and to the left is better."""
    width = LEFT + len(tables) * (WIDTH + GAP)
    height = TOP + HEIGHT + 70
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
            f' font-family="sans-serif" font-size="11">'
        ),
        f'<rect width="{width}" height="{height}" fill="white"/>',
        _text(
            LEFT, 18, "Online sales (up) against broken promises (right), units per run", size=14
        ),
    ]
    for place, (length, table) in enumerate(tables.items()):
        parts += _panel(LEFT + place * (WIDTH + GAP), length, table)
    for place, (kind, color) in enumerate(COLORS.items()):
        left = LEFT + place * LEGEND_PX
        parts.append(f'<circle cx="{left}" cy="{height - 14}" r="4" fill="{color}"/>')
        parts.append(_text(left + 9, height - 10, kind.value))
    return "\n".join([*parts, "</svg>", ""])


def _panel(left: float, length: str, table: Table) -> Iterator[str]:
    sold = [found["sold"].mean for found in table.values()]
    low, high = min(sold), max(sold)
    right = max(found["broken"].mean for found in table.values()) or 1.0
    inner = WIDTH - LEFT

    def spot(name: str) -> tuple[float, float]:
        found = table[name]
        share = (found["sold"].mean - low) / ((high - low) or 1.0)
        return left + found["broken"].mean / right * inner, TOP + HEIGHT * (1 - share)

    yield (f'<rect x="{left}" y="{TOP}" width="{inner}" height="{HEIGHT}" fill="none"'
           ' stroke="#ccc"/>')  # fmt: skip
    yield _text(left, TOP - 8, f"outages of {length}", size=12)
    for step in range(STEPS + 1):
        units = low + (high - low) * step / STEPS
        yield _text(left - 4, TOP + HEIGHT * (1 - step / STEPS) + 4, f"{units:,.0f}", anchor="end")
        yield _text(left + inner * step / STEPS, TOP + HEIGHT + 16, f"{right * step / STEPS:.0f}",
                    anchor="middle")  # fmt: skip
    for names in CURVES.values():
        curve = " ".join(f"{x:.1f},{y:.1f}" for x, y in sorted(spot(name) for name in names))
        yield f'<polyline points="{curve}" fill="none" stroke="{COLORS[Kind.SIZED]}"/>'
    for policy in POLICIES:
        x, y = spot(policy.name)
        yield (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{COLORS[policy.kind]}">'
               f"<title>{escape(policy.name)}</title></circle>")  # fmt: skip
        if policy.kind in LABELED and not policy.is_strict:
            yield _text(x + 6, y + 12, policy.name, size=8)


def _text(x: float, y: float, text: str, *, size: int = 10, anchor: str = "start") -> str:
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}">'
            f"{escape(text)}</text>")  # fmt: skip
