"""What a benchmark returns, how figures are reduced, and how busy others kept the machine."""

import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

REPETITIONS = 3
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value beside a baseline that the same run measured on the same machine."""

    name: str
    value: float
    unit: str
    baseline: str
    """What the baseline is, in words."""
    baseline_value: float
    samples: int = 1
    """Over how many windows it is the mean, where a figure differs from window to window."""

    @property
    def ratio(self) -> float:
        """Value over baseline."""
        return self.value / self.baseline_value if self.baseline_value else 0.0

    def document(self) -> dict[str, object]:
        """Return the figure as it is written to the file."""
        document: dict[str, object] = asdict(self)
        document["value"] = rounded(self.value)
        document["baseline_value"] = rounded(self.baseline_value)
        document["ratio"] = rounded(self.ratio)
        return document


def rounded(value: float) -> float:
    """Return four significant digits: more would be noise."""
    return float(f"{value:.4g}")


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` (0 to 1) of `values` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def median(values: Sequence[float]) -> float:
    """Return the middle value."""
    return statistics.median(values)


def seconds(call: Callable[[], object]) -> float:
    """Return how long `call` takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def rates(call: Callable[[], int], repetitions: int = REPETITIONS) -> float:
    """Return the median rate of `call`, which returns how many things it did."""
    found = []
    for _ in range(repetitions):
        began = time.perf_counter()
        count = call()
        found.append(count / (time.perf_counter() - began))
    return median(found)


class Foreign:
    """Measures which share of the machine other people's processes took meanwhile."""

    def __init__(self) -> None:
        self._busy = _busy_ticks()
        self._own = _own_ticks()
        self._began = time.monotonic()

    def share(self) -> float:
        """Return 0 to 1."""
        elapsed = (time.monotonic() - self._began) * TICKS * (os.cpu_count() or 1)
        busy, own = _busy_ticks() - self._busy, _own_ticks() - self._own
        return max(0.0, min(1.0, (busy - own) / elapsed)) if elapsed else 0.0


def _busy_ticks() -> int:
    first = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _wait, irq, softirq, *_ = map(int, first)
    return user + nice + system + irq + softirq


def _own_ticks() -> int:
    """Return the processor time of this process, its children and theirs, living or reaped."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
            ticks[int(entry.name)] = sum(map(int, fields[11:15]))
    return sum(ticks[pid] for pid in ticks if _descends(pid, parents))


def _descends(pid: int, parents: dict[int, int]) -> bool:
    while pid and pid != os.getpid():
        pid = parents.get(pid, 0)
    return pid == os.getpid()
