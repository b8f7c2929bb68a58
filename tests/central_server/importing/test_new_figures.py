"""Figures of a location that change: the stock that it has follows, but for what has its own."""

from dataclasses import replace

import pytest

from central_server.services.new_figures import follow_figures
from central_server.storage.stock import Stock
from sync.domain.escrow import EscrowPolicy
from sync.protocol.rows import store_scope
from tests.central_server.importing.importer import LOCATIONS, PRODUCTS, Importer
from tests.central_server.services.test_waiting_at_once import Pause

PLACES = (*LOCATIONS[0], "floor_percent", "safety_stock")
STOCK = ("location_id", "sku", "on_hand", "safety_stock")


@pytest.fixture
def figured(database, tmp_path) -> Importer:
    """S1 keeps one in five and two for safety; P02 has a safety stock of its own."""
    importer = Importer(database, tmp_path)
    figures(importer, 20, 2)
    importer("products", PRODUCTS)
    rows = [("S1", "P00", 10, ""), ("S1", "P01", 20, ""), ("S1", "P02", 10, 7)]
    importer("stock", (STOCK, *rows, ("S2", "P00", 10, "")))
    return importer


def figures(importer: Importer, percent: int, safety: int) -> None:
    """Import a file that gives S1 these figures; S2 keeps its own."""
    file = f"places-{len(list(importer.folder.iterdir()))}.csv"
    importer(
        "locations", (PLACES, (*LOCATIONS[1], percent, safety), (*LOCATIONS[2], 20, 1)), name=file
    )


def follow(importer: Importer) -> int:
    return follow_figures(importer.database, importer.pokes)


def kept(importer: Importer, place: str = "S1") -> dict[str, tuple[int, int]]:
    """Return (floor, safety stock) by SKU."""
    with importer.database.read() as view:
        return {row.sku: (row.floor, row.safety_stock) for row in view.stock.rows(place)}


def test_stock_follows_the_safety_stock_of_its_location(figured):
    """One file of locations is enough; a SKU's own figure, other places and units stay."""
    assert kept(figured) == {"P00": (2, 2), "P01": (4, 2), "P02": (2, 7)}
    figures(figured, 20, 5)
    assert follow(figured) == 2
    assert kept(figured) == {"P00": (2, 5), "P01": (4, 5), "P02": (2, 7)}
    assert kept(figured, "S2") == {"P00": (2, 1)}
    with figured.database.read() as view:
        assert view.stock.everywhere()["S1", "P00"] == (10, 0)
        assert view.stock_ledger.sums()["S1", "P00"] == (10, 0)


def test_stores_hear_of_what_follows(figured):
    """Each row that changed goes to its store, once; later there is nothing to do."""
    figures(figured, 20, 5)
    follow(figured)
    before, after = [one.rev for one in figured.pokes.heads if one.scope == store_scope("S1")][-2:]
    assert after - before == 2, "P00 and P01; its own row was told before"
    assert follow(figured) == 0


def test_fixed_floors_follow_the_percentage(figured):
    """Of what is there now, for all SKUs."""
    figures(figured, 50, 2)
    assert follow(figured) == 3
    assert kept(figured) == {"P00": (5, 2), "P01": (10, 2), "P02": (5, 7)}


def test_two_changes_before_it_follows_are_one(figured):
    """What stock was told by counts, not the figures in between."""
    figures(figured, 20, 4)
    figures(figured, 20, 6)
    follow(figured)
    assert kept(figured)["P00"] == (2, 6)
    figures(figured, 20, 9)
    figures(figured, 20, 6)
    assert follow(figured) == 0
    assert kept(figured) == {"P00": (2, 6), "P01": (4, 6), "P02": (2, 7)}


def test_what_was_told_between_two_changes_follows_too(figured):
    """A SKU that came in by figures that held for a moment has none of its own."""
    figures(figured, 20, 4)
    figured("stock", (STOCK, ("S1", "P09", 10, "")), name="new.csv")
    figures(figured, 20, 6)
    follow(figured)
    assert kept(figured)["P09"] == (2, 6)


def test_floors_that_were_sized_stay(figured):
    """Where stock is shared, sizing has the word; the safety stock follows all the same."""
    with figured.database.read() as view:
        place = view.locations.get("S1")

    def share(unit) -> None:
        unit.locations.upsert([replace(place, escrow=EscrowPolicy(enabled=True))])
        unit.stock.set_floors("S1", {"P01": 0})
        unit.stock.set_silences("S1", {"P01": "0:9"})
        unit.stock.allocate([("S1", "P01", 20, 0)])

    figured.database.write(share)
    figures(figured, 60, 3)
    follow(figured)
    assert kept(figured)["P01"] == (0, 3)


def test_a_count_that_comes_meanwhile_keeps_what_follows(figured, monkeypatch):
    """An import that has begun to look waits for the location: it writes no old figure back."""
    figures(figured, 20, 5)
    given = (STOCK, ("S1", "P00", 11, ""), ("S1", "P08", 5, ""))
    Pause(monkeypatch, Stock, "rows").meanwhile(
        lambda: figured("stock", given, name="night.csv"), lambda: follow(figured)
    )
    assert kept(figured)["P00"] == (3, 5)
    assert kept(figured)["P08"][1] == 5
