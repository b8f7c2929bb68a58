"""Mean and spread over the seeds, and what they say about the policies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import nan, sqrt
from statistics import fmean, stdev

from tests.benchmarks.promise.play import Count
from tests.benchmarks.promise.policies import BROKEN_TIMES, CURVES, DEFAULT, POLICIES, Kind, sized

COLUMNS = ("shown", "sold", "late", "broken", "moved", "over", "floor_refused")
MORE = ("shown_away", "phantom", "refused", "unplaced", "floor_sold", "floor_empty")
PLAIN = tuple(policy.name for policy in POLICIES if policy.kind is not Kind.SIZED)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure of one policy: mean over the seeds, and their standard deviation."""

    mean: float
    spread: float
    values: tuple[float, ...] = ()
    """By seed."""

    def without(self, seed: int) -> "Figure":
        """Return the figure of the other seeds."""
        return _figure([*self.values[:seed], *self.values[seed + 1 :]])


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
    return Figure(fmean(values), stdev(values) if len(values) > 1 else 0.0, tuple(values))


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


def matched(table: Table, broken: float, curve: Sequence[str]) -> dict[str, float] | None:
    """Return what a sized curve shows and sells where it breaks so many promises.

    Between two of its points it is drawn straight; beyond its last one that point stands,
    which breaks fewer; before its first one there is nothing to compare with.
    """
    points = sorted((table[name] for name in curve), key=lambda found: found["broken"].mean)
    if broken < points[0]["broken"].mean:
        return None
    below = [found for found in points if found["broken"].mean <= broken]
    above = [found for found in points if found["broken"].mean > broken]
    low, high = below[-1], (above or below[-1:])[0]
    width = high["broken"].mean - low["broken"].mean
    share = (broken - low["broken"].mean) / width if width else 0.0
    return {
        name: low[name].mean + share * (high[name].mean - low[name].mean)
        for name in ("shown", "sold", "late")
    }


def lead(table: Table, name: str, curve: Sequence[str]) -> dict[str, Figure] | None:
    """Return by which share a curve shows and sells more than a policy that breaks as many.

    The spread is the standard error over the seeds, found by leaving out one after the
    other (jackknife): it has in it that the broken promises are uncertain, too. It is not
    known where one of the seeds decides whether the curve reaches so far.
    """
    whole = _lead(table, name, curve)
    if whole is None:
        return None
    others = [
        _lead({one: {measure: figure.without(seed) for measure, figure in found.items()}
               for one, found in table.items()}, name, curve)
        for seed in range(len(table[name]["sold"].values)) if len(table[name]["sold"].values) > 1
    ]  # fmt: skip
    return {
        measure: Figure(value, _error([None if one is None else one[measure] for one in others]))
        for measure, value in whole.items()
    }


def _lead(table: Table, name: str, curve: Sequence[str]) -> dict[str, float] | None:
    theirs, ours = table[name], matched(table, table[name]["broken"].mean, curve)
    if ours is None:
        return None
    return {measure: ours[measure] / theirs[measure].mean - 1 for measure in ("shown", "sold")}


def _error(estimates: Sequence[float | None]) -> float:
    """Return the jackknife's standard error of estimates that leave out one seed each."""
    known = [one for one in estimates if one is not None]
    if len(known) < len(estimates):
        return nan
    if not known:
        return 0.0
    middle, count = fmean(known), len(known)
    return sqrt((count - 1) / count * sum((one - middle) ** 2 for one in known))


def matched_lines(tables: Mapping[str, Table]) -> list[str]:
    """Compare each other policy with the sized curves where they break as many promises."""
    lines = []
    for (title, curve), (length, table) in product(CURVES.items(), tables.items()):
        for name in PLAIN:
            theirs = table[name]
            start = f"  {length:>6}  {name:24}{_cell(theirs['broken']):>14}  {title}"
            found = lead(table, name, curve)
            ours = matched(table, theirs["broken"].mean, curve)
            if found is None or ours is None:
                lines.append(f"{start} breaks more at all its points")
                continue
            lines.append(
                f"{start} shows {_share(found['shown'], 0)}, sells {_share(found['sold'], 1)},"
                f" late {ours['late']:,.0f} against {theirs['late'].mean:,.0f}"
            )
    return lines


def _share(figure: Figure, digits: int) -> str:
    return f"{100 * figure.mean:+.{digits}f}% ±{100 * figure.spread:.{digits}f}"


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
