"""What a number of runs came to, for people."""

from collections import Counter
from collections.abc import Iterable, Iterator

from sync.domain.flows import ALL_OPERATIONS
from sync.domain.operations import kind_of
from tests.simulation.run import Result

PREFIXES = ("fault: ", "network: ", "kind: ")
TITLES = ("Faults by kind", "Of the network, by call", "Operations by kind")


def total(results: Iterable[Result]) -> Counter[str]:
    """Return the sums over all runs."""
    figures: Counter[str] = Counter()
    for result in results:
        figures.update(result.figures)
    return figures


def missing_kinds(figures: Counter[str]) -> list[str]:
    """Return the kinds of operations that exist and were never produced, by central or a store."""
    kinds = map(kind_of, ALL_OPERATIONS)
    return sorted(kind for kind in kinds if not figures[f"kind: {kind}"])


def lines(figures: Counter[str], seeds: int, seconds: float) -> Iterator[str]:
    """Yield the figures as lines."""
    rate = seeds / seconds if seconds else 0.0
    yield f"{seeds} seeds in {seconds:.1f} s: {rate:.2f} seeds/s"
    plain = {name: count for name, count in figures.items() if not name.startswith(PREFIXES)}
    yield ", ".join(f"{name} {count:,}" for name, count in sorted(plain.items()))
    for prefix, title in zip(PREFIXES, TITLES, strict=True):
        found = {name.removeprefix(prefix): count for name, count in figures.items()
                 if name.startswith(prefix)}  # fmt: skip
        shown = ", ".join(f"{name} {count:,}" for name, count in sorted(found.items()))
        yield f"{title}: {shown or 'none'}"
