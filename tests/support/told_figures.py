"""What tests measured, at the end of a run under the heading `figures`.

A test that takes `tell` says a line; one that takes `add_up` gives numbers to a sum over several
tests, which `SUMS` puts into words. Both travel with the test's report, so it is all the same
which process ran the test. Load it as a plugin (`pytest_plugins = ["tests.support.told_figures"]`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

import pytest

LINE, SUM = "figure", "figure_sum"
Tell = Callable[[str], None]
AddUp = Callable[[str, Mapping[str, float]], None]


def _simulation(sums: Mapping[str, float]) -> str:
    seconds = sums["seconds"]
    return (
        f"simulation, the fixed seeds: {sums['seeds']:,.0f} seeds, {sums['store-days']:,.0f}"
        f" store-days, {sums['operations']:,.0f} operations in {seconds:.0f} s, added up over the"
        f" parts ({seconds / 2:.0f} s with two workers), the longest {sums['longest']:.0f} s;"
        f" {sums['processor']:.0f} s of a processor"
    )


SUMS: dict[str, Callable[[Mapping[str, float]], str]] = {"simulation": _simulation}
"""What is added up over tests, in words; `longest` is no sum but the greatest."""


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Say a line of figures."""
    return lambda line: record_property(LINE, line)


@pytest.fixture
def add_up(record_property: Callable[[str, object], None]) -> AddUp:
    """Give numbers to the sum of that name."""
    return lambda name, numbers: record_property(SUM, {"name": name, **numbers})


def figures_of(reports: Iterable[object]) -> Iterator[str]:
    """Yield the lines of all tests, sorted by test, then the sums."""
    called = [
        report for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
    ]  # fmt: skip
    sums: dict[str, dict[str, float]] = {}
    for report in sorted(called, key=lambda one: one.nodeid):
        for name, value in report.user_properties:
            if name == LINE:
                yield f"{report.nodeid.rpartition('/')[2]}: {value}"
            elif name == SUM and isinstance(value, dict):
                _add(sums.setdefault(value["name"], {}), value)
    for name, numbers in sorted(sums.items()):
        yield SUMS[name](numbers)


def _add(to: dict[str, float], numbers: Mapping[str, float]) -> None:
    for name, number in numbers.items():
        if name != "name":
            before = to.get(name, 0.0)
            to[name] = max(before, number) if name == "longest" else before + number


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write what was told, passed or not."""
    stats = terminalreporter.stats.values()
    found = list(figures_of(report for reports in stats for report in reports))
    if found:
        terminalreporter.section("figures")
        for line in found:
            terminalreporter.write_line(line)
