"""Mean and spread over the seeds, and what they say about the policies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from tests.benchmarks.promise.play import Count
from tests.benchmarks.promise.policies import BROKEN_TIMES, CURVE, DEFAULT, POLICIES, Kind, sized

COLUMNS = ("shown", "sold", "late", "broken", "moved", "over", "floor_refused")
MORE = ("shown_away", "phantom", "refused", "unplaced", "floor_sold", "floor_empty")
PLAIN = tuple(policy.name for policy in POLICIES if policy.kind is not Kind.SIZED)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure of one policy: mean over the seeds, and their standard deviation."""

    mean: float
    spread: float


Row = dict[str, Figure]
Table = dict[str, Row]
"""By policy, of one outage length."""


def row(counts: Sequence[Count]) -> Row:
    """Return all measures of one policy and outage length."""
    return {name: _figure([_value(one, name) for one in counts]) for name in (*COLUMNS, *MORE)}


def _value(count: Count, name: str) -> float:
    if name in {"shown", "shown_away", "phantom"}:
        return getattr(count, name) / count.samples
    return float(getattr(count, name))


def _figure(values: Sequence[float]) -> Figure:
    return Figure(fmean(values), stdev(values) if len(values) > 1 else 0.0)


def worth(found: Row, times: int) -> float:
    """Return what a policy earns, in margins of one sale, if a broken promise costs `times`."""
    return found["sold"].mean - times * found["broken"].mean


def price_lines(tables: Mapping[str, Table]) -> list[str]:
    """Say for each price of a broken promise who earns most, sized escrow for it or another."""
    lines = []
    for length, table in tables.items():
        for times in BROKEN_TIMES:
            ours = worth(table[sized(times).name], times)
            other = max(PLAIN, key=lambda name: worth(table[name], times))
            theirs = worth(table[other], times)
            verdict = "best" if ours > theirs else "NOT BEST"
            lines.append(f"  {length:>6}  {times:>5}:1  sized {ours:8,.0f}"
                         f"  next {theirs:8,.0f} ({other})  {verdict}")  # fmt: skip
    return lines


def matched(table: Table, broken: float) -> dict[str, float] | None:
    """Return what the sized curve shows and sells where it breaks so many promises.

    Between two of its points it is drawn straight; beyond its last one that point stands,
    which breaks fewer; before its first one there is nothing to compare with.
    """
    points = sorted((table[name] for name in CURVE), key=lambda found: found["broken"].mean)
    if broken < points[0]["broken"].mean:
        return None
    below = [found for found in points if found["broken"].mean <= broken]
    above = [found for found in points if found["broken"].mean > broken]
    low, high = below[-1], (above or below[-1:])[0]
    width = high["broken"].mean - low["broken"].mean
    share = (broken - low["broken"].mean) / width if width else 0.0
    return {
        name: low[name].mean + share * (high[name].mean - low[name].mean)
        for name in ("shown", "sold")
    }


def matched_lines(tables: Mapping[str, Table]) -> list[str]:
    """Compare each other policy with the sized curve where it breaks as many promises."""
    lines = []
    for length, table in tables.items():
        for name in PLAIN:
            theirs, ours = table[name], matched(table, table[name]["broken"].mean)
            found = (
                "fewer broken than any sized one"
                if ours is None
                else (
                    f"sized shows {ours['shown'] / theirs['shown'].mean - 1:+5.0%},"
                    f" sells {ours['sold'] / theirs['sold'].mean - 1:+6.1%}"
                )
            )
            lines.append(f"  {length:>6}  {name:24}{_cell(theirs['broken']):>14}  {found}")
    return lines


def default_lines(tables: Mapping[str, Table]) -> list[str]:
    """Compare the default setting with each other policy."""
    lines = []
    for length, table in tables.items():
        ours = table[DEFAULT.name]
        for name in PLAIN:
            theirs = table[name]
            changes = "".join(f"  {one} {_change(ours, theirs, one):>6}"
                              for one in ("broken", "sold", "shown"))  # fmt: skip
            lines.append(f"  {length:>6}  {name:24}{changes}  {relation(ours, theirs)}")
    return lines


def relation(ours: Row, theirs: Row) -> str:
    """Say whether one policy sells no less and breaks no more than the other."""
    fewer = ours["broken"].mean - theirs["broken"].mean
    more = ours["sold"].mean - theirs["sold"].mean
    if fewer <= 0 <= more:
        return "dominates"
    if more <= 0 <= fewer:
        return "IS DOMINATED"
    return "breaks fewer, sells fewer" if fewer < 0 else "breaks more, sells more"


def _change(ours: Row, theirs: Row, name: str) -> str:
    if theirs[name].mean == 0:
        return "-"
    change = ours[name].mean / theirs[name].mean - 1
    return f"{change:+.1%}" if name == "sold" else f"{change:+.0%}"


def document(tables: Mapping[str, Table]) -> dict[str, object]:
    """Return all figures for the JSON file."""
    return {
        length: {
            name: {measure: {"mean": round(one.mean, 2), "spread": round(one.spread, 2)}
                   for measure, one in found.items()}
            for name, found in table.items()
        }
        for length, table in tables.items()
    }  # fmt: skip


def table_lines(length: str, table: Table) -> list[str]:
    """Return the table of one outage length."""
    head = ("shown", "sold", "late", "broken", "moved", "over", "refused")
    lines = [f"{'outages of ' + length:26}" + "".join(f"{name:>16}" for name in head)]
    for name, found in table.items():
        cells = "".join(f"{_cell(found[column]):>16}" for column in COLUMNS)
        lines.append(f"{name:26}{cells}")
    return lines


def _cell(figure: Figure) -> str:
    digits = 1 if figure.mean < 100 else 0
    return f"{figure.mean:,.{digits}f} ±{figure.spread:,.{digits}f}"
