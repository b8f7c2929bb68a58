"""Stock: promises, effects and the ledger, under concurrency too."""

from concurrent.futures import ThreadPoolExecutor

from central_server.records import LedgerEntry
from central_server.storage.stock_rows import OpeningStock
from sync.domain.inventory import StockPosition, StockReason
from sync.protocol.rows import StockRow
from tests.central_server.storage.data import NOW, location


def _open(database, *items: OpeningStock) -> None:
    def command(unit):
        unit.locations.upsert([location("L1"), location("L2")])
        unit.stock.set_opening(items, "opening", NOW)

    database.write(command)


def _row(database, sku: str, location_id: str = "L1") -> StockRow:
    with database.read() as view:
        return view.stock.rows(location_id, [sku])[0]


def _agrees(database) -> bool:
    with database.read() as view:
        sums = {key: units for key, units in view.stock_ledger.sums().items() if any(units)}
        rows = {
            (place, row.sku): (row.on_hand, row.allocated)
            for place in ("L1", "L2")
            for row in view.stock.rows(place)
            if row.on_hand or row.allocated
        }
    return sums == rows


def test_a_promise_needs_every_line(database):
    """All lines of an order are promised at one location, or none is."""
    _open(database, OpeningStock("L1", "A", 5), OpeningStock("L1", "B", 1))
    reserve = lambda *lines: database.write(  # noqa: E731
        lambda unit: unit.stock.reserve("L1", lines, "O1", NOW)
    )
    assert not reserve(("A", 2), ("B", 2))
    assert not reserve(("A", 2), ("unknown", 1))
    assert not reserve(("A", 3), ("A", 3))
    assert _row(database, "A").allocated == 0
    assert reserve(("B", 1), ("A", 2), ("A", 1))
    assert (_row(database, "A").allocated, _row(database, "B").allocated) == (3, 1)
    assert _agrees(database)


def test_floor_and_safety_stock_are_not_promised(database):
    """Central promises on hand - allocated - floor - safety stock, and not one unit more."""
    _open(database, OpeningStock("L1", "A", 10, "7-B", safety_stock=3, floor_percent=25))
    assert _row(database, "A") == StockRow("A", 10, 0, 3, 3, "7-B")
    take = lambda units: database.write(  # noqa: E731
        lambda unit: unit.stock.reserve("L1", [("A", units)], "O1", NOW)
    )
    assert [take(5), take(4), take(1)] == [False, True, False]


def test_a_hundred_units_are_promised_a_hundred_times(database):
    """Of 150 concurrent requests for 100 units exactly 100 succeed."""
    _open(database, OpeningStock("L1", "A", 100), OpeningStock("L1", "B", 1000))

    def request(number: int) -> bool:
        lines = [("A", 1), ("B", 1)] if number % 2 else [("B", 1), ("A", 1)]
        return database.write(lambda unit: unit.stock.reserve("L1", lines, f"O{number}", NOW))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(request, range(150))) == 100
    assert (_row(database, "A").allocated, _row(database, "B").allocated) == (100, 100)
    assert _agrees(database)


def test_effects_are_never_refused(database):
    """What a store did counts, also where the book said otherwise, and for a SKU it never had."""
    _open(database, OpeningStock("L1", "A", 1, "1-A"))
    ledger = [
        LedgerEntry("L1", "A", -2, 0, StockReason.HANDED_OVER, "R/1/1", NOW),
        LedgerEntry("L1", "A", -1, 0, StockReason.SHORT_PICKED, "R/1/2", NOW),
        LedgerEntry("L1", "new", -1, 0, StockReason.SHORT_PICKED, "R/1/2", NOW),
    ]
    rows = database.write(
        lambda unit: unit.stock.apply_effects("L1", {"new": (-1, 0), "A": (-3, 0)}, ledger)
    )
    assert sorted(rows, key=lambda row: row.sku) == [
        StockRow("A", -2, 0, 0, 0, "1-A"), StockRow("new", -1, 0),
    ]  # fmt: skip
    assert _agrees(database)
    with database.read() as view:
        assert view.stock_ledger.of("R/1/2") == ledger[1:]


def test_concurrent_effects_add_up(database):
    """Effects of many stores' pushes and promises on the same rows end in the right sums."""
    _open(database, *(OpeningStock("L1", f"S{n}", 100) for n in range(20)))

    def push(number: int) -> None:
        skus = [f"S{n}" for n in range(20)]
        ledger = [
            LedgerEntry("L1", sku, -1, 0, StockReason.HANDED_OVER, f"R/1/{number}", NOW)
            for sku in skus
        ]
        effects = dict.fromkeys(skus if number % 2 else reversed(skus), (-1, 0))
        database.write(lambda unit: unit.stock.apply_effects("L1", effects, ledger))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(push, range(40)))
    with database.read() as view:
        assert {row.on_hand for row in view.stock.rows("L1")} == {60}
    assert _agrees(database)


def test_positions_of_many_skus_come_at_once(database):
    """One query answers for several SKUs everywhere, or at some locations."""
    _open(
        database, OpeningStock("L1", "A", 1), OpeningStock("L2", "A", 2), OpeningStock("L2", "B", 3)
    )
    with database.read() as view:
        everywhere = view.stock.positions(["A", "B", "missing"], 0)
        assert {(one.location_id, one.sku, one.on_hand) for one in everywhere} == {
            ("L1", "A", 1), ("L2", "A", 2), ("L2", "B", 3),
        }  # fmt: skip
        assert view.stock.positions(["A"], 0, ["L2"]) == [StockPosition("L2", "A", 2)]
        assert view.stock.positions([], 0) == []


def test_setting_stock_again_keeps_allocations(database):
    """An import replaces what is on hand, not what is promised, and the ledger explains both."""
    _open(database, OpeningStock("L1", "A", 10))
    database.write(lambda unit: unit.stock.reserve("L1", [("A", 4)], "O1", NOW))
    again = [OpeningStock("L1", "A", 6, floor_percent=50), OpeningStock("L1", "A", 7, "2-C", 1, 50)]
    database.write(lambda unit: unit.stock.set_opening(again, "import-2", NOW, StockReason.IMPORT))
    assert _row(database, "A") == StockRow("A", 7, 4, 4, 1, "2-C")
    assert _agrees(database)
