"""What is usual of files that tell stock, and when the next one is due."""

from central_server.sourcing.stock_reports import GAPS_MAX, SAME_MS, StockReport

DAY_MS = 86_400_000


def test_the_longest_of_the_last_gaps_is_usual():
    """Daily files with a weekend between: three days; a week later the weekend still counts."""
    report, now = StockReport("DC1", 0, "0"), 0
    assert report.due_ms is None
    for number, days in enumerate((1, 1, 1, 1, 3, 1, 1, 1, 1), 1):
        now += days * DAY_MS
        report = report.then(str(number), now)
    assert report.due_ms == now + 3 * DAY_MS
    for number in range(GAPS_MAX):
        now += DAY_MS
        report = report.then(f"later {number}", now)
    assert report.gaps == (DAY_MS,) * GAPS_MAX
    assert report.due_ms == now + DAY_MS


def test_the_rows_of_one_file_are_one_report():
    """However many transactions it takes; the same file imported a day later is another one."""
    report = StockReport("DC1", 0, "a").then("b", DAY_MS)
    more = report.then("b", DAY_MS + SAME_MS - 1)
    assert (more.at_ms, more.gaps) == (DAY_MS + SAME_MS - 1, (DAY_MS,))
    again = more.then("b", more.at_ms + DAY_MS)
    assert again.gaps == (DAY_MS, DAY_MS)


def test_a_clock_that_went_back_makes_nothing_newer_or_older():
    """A report from before the last one leaves what is known as it is."""
    report = StockReport("DC1", DAY_MS, "a", (DAY_MS,))
    assert report.then("b", DAY_MS - 5) == StockReport("DC1", DAY_MS, "b", (DAY_MS,))
