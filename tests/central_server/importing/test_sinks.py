"""Imports into a real database, both engines: progress, resumption, repetition, feed rows."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import TypeAdapter

from central_server.importing.checker import CheckedRow
from central_server.importing.job import ImportOptions, ImportRun, Target
from central_server.importing.reports import Counts, ImportSummary
from central_server.importing.runner import Written
from central_server.importing.sinks import DatabaseSink, Policy
from central_server.services.catalogue_intake import CatalogueIntake
from central_server.storage.database import Database
from central_server.storage.stock_rows import OpeningStock
from sync.domain.escrow import EscrowPolicy
from sync.domain.people import Role
from sync.domain.pickups import PickupPolicy
from sync.domain.reservations import ReservePolicy
from sync.domain.shipping import CarrierPickup
from sync.protocol.rows import CATALOGUE_SCOPE, AssociateRow, Entity, prices_scope, store_scope
from tests.central_server.importing.files import write_table
from tests.support.clocks import FrozenClock

pytest_plugins = ["tests.support.databases"]

LOCATIONS = (
    ("location_id", "name", "latitude", "longitude", "timezone", "price_zone", "hours"),
    ("S1", "North", 40.0, -80.0, "America/New_York", "US", "mon=09:00-21:00"),
    ("S2", "South", 35.0, -90.0, "America/Chicago", "US", ""),
)
PRODUCTS = (
    ("sku", "name", "gtin"),
    *((f"P{n:02}", f"Thing {n}", "80686842019" if n == 0 else "") for n in range(25)),
)
PRICES = (("zone", "sku", "amount_minor", "currency"), ("US", "P00", 199, "USD"))
STOCK = (
    ("location_id", "sku", "on_hand", "aisle"),
    ("S1", "P00", 10, "A1"),
    ("S2", "P01", 4, ""),
    ("S9", "P01", 4, ""),
    ("S1", "NONE", 4, ""),
)


class Pokes:
    """Counts what is published."""

    def __init__(self) -> None:
        self.heads: list[Any] = []

    def publish(self, heads) -> None:
        self.heads += heads


class Importer:
    """Imports tables into one database."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self.pokes = Pokes()
        self.clock = FrozenClock()
        intake = CatalogueIntake(database, self.clock, self.pokes, OpeningStock)
        self.target = Target(database, intake, Policy(20, 1, 7), Random(1))

    def __call__(self, kind: str, table: Sequence[Any], **options: Any) -> ImportSummary:
        file = self.folder / options.pop("name", f"{kind}.csv")
        if not file.exists():
            write_table(file, table)
        run = ImportRun(ImportOptions(kind, file, **options), self.clock)
        return run.into(self.target)

    def people(self, location_id: str) -> dict[str, tuple[Role, bool]]:
        """Return whom a store's terminals know: role, and whether they may sign in."""
        with self.database.read() as view:
            rows = view.feed.rows_after(store_scope(location_id), 0, 1000)
        living = [one.body for one in rows if one.entity == Entity.ASSOCIATE and one.body]
        found = [TypeAdapter(AssociateRow).validate_json(body) for body in living]
        return {one.id: (one.role, one.active) for one in found}

    def head(self, scope: str) -> int:
        with self.database.read() as view:
            return view.feed.scope(scope).rev


@pytest.fixture
def importer(database, tmp_path) -> Importer:
    return Importer(database, tmp_path)


@pytest.fixture
def stocked(importer) -> Importer:
    importer("locations", LOCATIONS)
    importer("products", PRODUCTS)
    importer("prices", PRICES)
    importer("stock", STOCK)
    return importer


def test_every_kind_arrives_at_central_and_in_the_feed(stocked):
    """Rows are in the tables, and what stores must know of them is in their scopes."""
    with stocked.database.read() as view:
        store = view.locations.get("S1")
        assert store is not None
        assert (store.hours[0], store.floor_percent, store.hold_days) == ((540, 1260), 20, 7)
        assert view.catalogue.products(["P00"])["P00"].gtins == ("00080686842019",)
        assert view.catalogue.prices("US", ["P00"])["P00"].amount_minor == 199
        [row] = view.stock.rows("S1")
        assert (row.on_hand, row.floor, row.safety_stock, row.aisle) == (10, 2, 1, "A1")
        assert view.stock_ledger.sums("S1") == {("S1", "P00"): (10, 0)}
    assert stocked.head(CATALOGUE_SCOPE) == 25
    assert stocked.head(prices_scope("US")) == 1
    assert stocked.head(store_scope("S1")) == 2


def test_stock_of_what_is_not_there_is_a_bad_row(importer):
    """Rows for an unknown location or SKU are reported; the others are written."""
    importer("locations", LOCATIONS)
    importer("products", PRODUCTS)
    summary = importer("stock", STOCK)
    assert (summary.counts.written, summary.counts.bad) == (2, 2)
    assert [(one.row, one.column) for one in summary.first_problems] == [
        (3, "location_id"),
        (4, "sku"),
    ]


def test_prices_of_unknown_products_are_bad_rows(importer):
    """A price without a product would sell nothing."""
    summary = importer("prices", PRICES)
    assert (summary.counts.written, summary.counts.bad) == (0, 1)


def test_associates_arrive_with_a_hashed_pin(stocked):
    """A PIN is never kept as it is, and importing the same people again changes nothing."""
    people = (
        ("associate_id", "location_id", "name", "role", "pin"),
        ("A1", "S1", "Devi D.", "lead", "690769"),
        ("A2", "S9", "Nobody", "lead", "690769"),
        ("A3", "S1", "No pin", "lead", "12"),
    )
    summary = stocked("associates", people)
    assert (summary.counts.written, summary.counts.bad) == (1, 2)
    with stocked.database.read() as view:
        [person] = view.associates.at_location("S1")
    assert (person.role, person.pin_hash.startswith("$argon2")) == (Role.LEAD, True)
    assert stocked("associates", people, again=True).counts.unchanged == 1


def test_somebody_who_moves_signs_in_at_the_new_store_alone(stocked):
    """The store that they left forgets them; what a file does not say of them stays as it was."""
    head = ("associate_id", "location_id", "name", "pin", "role", "active")
    home, away = ("A1", "S1", "Devi D.", "690769"), ("A1", "S2", "Devi D.", "690769")
    stocked("associates", (head, (*home, "manager", "yes")), name="at_home.csv")
    assert stocked("associates", (head[:4], away), name="away.csv").counts.written == 1
    assert (stocked.people("S1"), stocked.people("S2")) == ({}, {"A1": (Role.MANAGER, True)})
    stocked("associates", (head, (*away, "", "no")), name="left.csv")
    again = stocked("associates", (head[:4], away), name="away.csv", again=True)
    assert (again.counts.written, again.counts.unchanged) == (0, 1)
    assert (stocked.people("S1"), stocked.people("S2")) == ({}, {"A1": (Role.MANAGER, False)})
    stocked("associates", (head, (*home, "lead", "yes")), name="back.csv")
    assert (stocked.people("S1"), stocked.people("S2")) == ({"A1": (Role.LEAD, True)}, {})


def test_importing_a_file_twice_is_importing_it_once(stocked):
    """A finished file is known again by its bytes; nothing is read, nothing written."""
    summary = stocked("stock", STOCK)
    assert summary.already_done
    assert summary.counts == Counts()


def test_importing_again_on_purpose_moves_nothing_that_is_the_same(stocked):
    """No ledger entry, no price version, no feed row, no poke."""
    scopes = (CATALOGUE_SCOPE, prices_scope("US"), store_scope("S1"))
    before = [stocked.head(scope) for scope in scopes]
    stocked.pokes.heads.clear()
    for kind, table in (
        ("locations", LOCATIONS), ("products", PRODUCTS), ("prices", PRICES), ("stock", STOCK),
    ):  # fmt: skip
        counts = stocked(kind, table, again=True).counts
        assert counts.written == 0
        assert counts.unchanged > 0
    assert [stocked.head(scope) for scope in scopes] == before
    assert stocked.pokes.heads == []


def test_a_file_of_locations_leaves_alone_what_it_says_nothing_of(stocked):
    """Carriers, sharing and policies are set elsewhere: the next file does not take them away."""
    with stocked.database.read() as view:
        before = view.locations.get("S1")
    assert before is not None
    kept = replace(
        before, carriers=(CarrierPickup("UPS", "Brown", (960,) * 7),),
        escrow=replace(before.escrow, enabled=not before.escrow.enabled),
        reserve=ReservePolicy(hold_hours=5), pickup=PickupPolicy(ready_minutes=30),
    )  # fmt: skip
    stocked.database.write(lambda unit: unit.locations.upsert([kept]))
    said = [LOCATIONS[0], ("S1", "Northern", *LOCATIONS[1][2:]), LOCATIONS[2]]
    assert stocked("locations", said, name="again.csv").counts.written == 1
    with stocked.database.read() as view:
        assert view.locations.get("S1") == replace(kept, name="Northern")


def test_a_file_of_locations_without_a_column_leaves_alone_what_the_column_told(importer):
    """Hours, spots, zone, floor and the rest stay where a later file, or its cell, is silent."""
    head = (*LOCATIONS[0], "kind", "region", "city", "closures", "spots", "pickup_enabled",
            "hold_days", "floor_percent", "safety_stock")  # fmt: skip
    full = (*LOCATIONS[1], "dc", "East", "Erie", "2026-12-25", "A|B", "no", 14, 35, 3)
    importer("locations", (head, full), name="full.csv")
    with importer.database.read() as view:
        before = view.locations.get("S1")
    assert before is not None
    assert (before.hours[0], before.spots, before.hold_days) == ((540, 1260), ("A", "B"), 14)
    assert (before.kind, before.pickup_enabled, before.floor_percent) == ("dc", False, 35)
    for name, columns in (("Renamed", 5), ("Again", len(head))):
        row = ("S1", name, *LOCATIONS[1][2:5], *[""] * (columns - 5))
        importer("locations", (head[:columns], row), name=f"{name}.csv")
        with importer.database.read() as view:
            assert view.locations.get("S1") == replace(before, name=name)


def test_a_store_that_a_file_makes_a_warehouse_shares_no_more(stocked):
    """Only stores share by escrow: with its kind its sharing ends, and nothing else does."""
    with stocked.database.read() as view:
        store = view.locations.get("S1")
    assert store is not None
    shared = replace(store, escrow=EscrowPolicy(enabled=True))
    stocked.database.write(lambda unit: unit.locations.upsert([shared]))
    said = ((*LOCATIONS[0][:5], "kind"), (*LOCATIONS[1][:5], "dc"))
    assert stocked("locations", said, name="dc.csv").counts.written == 1
    with stocked.database.read() as view:
        assert view.locations.get("S1") == replace(store, kind="dc", escrow=EscrowPolicy())


def test_another_mapping_of_the_same_file_is_another_import(stocked):
    """The same bytes read differently must not be taken for done."""
    summary = stocked("stock", STOCK, columns=("aisle=sku",))
    assert not summary.already_done
    assert summary.counts.written == 2


def test_a_changed_count_moves_stock_by_the_difference(stocked):
    """The ledger gets the signed difference, with the reason that it was imported."""
    stocked("stock", (STOCK[0], ("S1", "P00", 7, "A1")), name="recount.csv")
    with stocked.database.read() as view:
        assert view.stock.rows("S1")[0].on_hand == 7
        assert view.stock_ledger.sums("S1") == {("S1", "P00"): (7, 0)}


def test_a_count_without_aisle_and_safety_stock_leaves_those_that_were_told(stocked):
    """A nightly file has counts alone: the master file's own figures and places hold on."""
    head = ("location_id", "sku", "on_hand", "aisle", "safety_stock")
    stocked("stock", (head, ("S1", "P00", 10, "B7", 4), ("S1", "P01", 5, "B8", 0)), name="full.csv")
    stocked("stock", (head[:3], ("S1", "P00", 9), ("S1", "P01", 5)), name="night.csv")
    again = (head, ("S1", "P00", 8, "", ""), ("S1", "P01", 5, "", 2))
    counted = stocked("stock", again, name="cells.csv")
    assert (counted.counts.written, counted.counts.unchanged) == (2, 0)
    with stocked.database.read() as view:
        told = {
            row.sku: (row.on_hand, row.aisle, row.safety_stock) for row in view.stock.rows("S1")
        }
    assert told == {"P00": (8, "B7", 4), "P01": (5, "B8", 2)}


def test_the_first_count_of_what_came_by_a_movement_gets_the_locations_safety_stock(stocked):
    """Nobody told of it before: its row is empty, which is no safety stock of its own."""
    stocked.database.write(lambda unit: unit.stock.lock_rows("S1", ["P05"]))
    stocked("stock", (STOCK[0][:3], ("S1", "P05", 6)), name="first.csv")
    with stocked.database.read() as view:
        [row] = view.stock.rows("S1", ["P05"])
    assert (row.on_hand, row.safety_stock) == (6, 1)


class PowerCut(Exception):
    """Stands for the end of the process."""


def test_an_import_killed_in_mid_file_goes_on_and_ends_the_same(importer, monkeypatch):
    """After two of three batches the process dies; the next run writes just the rest."""
    written: list[int] = []
    original = DatabaseSink.write

    def dying(
        sink: DatabaseSink, rows: Sequence[CheckedRow], offset: int, counts: Counts
    ) -> Written:
        if len(written) == 2:
            raise PowerCut
        written.append(len(rows))
        return original(sink, rows, offset, counts)

    monkeypatch.setattr(DatabaseSink, "write", dying)
    with pytest.raises(PowerCut):
        importer("products", PRODUCTS, batch=10)
    monkeypatch.undo()
    assert importer.head(CATALOGUE_SCOPE) == 20
    counts = importer("products", PRODUCTS, batch=10).counts
    assert (counts.resumed_after, counts.unchanged, counts.written) == (20, 20, 5)
    assert importer.head(CATALOGUE_SCOPE) == 25
    assert importer("products", PRODUCTS).already_done


def test_a_batch_and_its_progress_are_written_together_or_not_at_all(importer, monkeypatch):
    """Where the batch fails inside its transaction, the progress is what it was before."""
    calls: list[int] = []
    original = CatalogueIntake.take_products

    def failing(intake, unit, products) -> None:
        original(intake, unit, products)
        calls.append(len(products))
        if len(calls) == 2:
            raise PowerCut

    monkeypatch.setattr(CatalogueIntake, "take_products", failing)
    with pytest.raises(PowerCut):
        importer("products", PRODUCTS, batch=10)
    monkeypatch.undo()
    with importer.database.read() as view:
        assert view.catalogue.count() == 10
    assert importer("products", PRODUCTS, batch=10).counts.resumed_after == 10


@pytest.mark.parametrize("name", ["products.parquet", "products.csv.gz"])
def test_formats_arrive_alike(importer, name):
    """Parquet and gzipped CSV end in the same catalogue as plain CSV."""
    counts = importer("products", PRODUCTS, name=name).counts
    assert counts.written == 25
    with importer.database.read() as view:
        assert view.catalogue.products(["P00"])["P00"].gtins == ("00080686842019",)


def test_weights_come_with_products_and_stay_without_them(importer):
    """A column of grams is taken in; a file that says nothing of it changes no weight."""
    head = ("sku", "name", "weight_grams")
    summary = importer("products", (head, ("W1", "Bolt", "40"), ("W2", "Anvil", "12000"),
                                    ("W3", "Feather", ""), ("W4", "Odd", "-1")))  # fmt: skip
    assert (summary.counts.written, summary.counts.bad) == (3, 1)
    again = importer("products", (head, ("W1", "Bolt", "40"), ("W2", "Anvil", "13000")),
                     name="again.csv")  # fmt: skip
    assert (again.counts.written, again.counts.unchanged) == (1, 1)
    importer("products", (("sku", "name"), ("W1", "Steel bolt")), name="without.csv")
    with importer.database.read() as view:
        assert view.catalogue.weights(["W1", "W2", "W3"]) == {"W1": 40, "W2": 13_000}
        assert view.catalogue.products(["W1"])["W1"].name == "Steel bolt"


def test_barcodes_brand_and_category_come_with_products_and_stay_without_them(importer):
    """A file, or a cell, that says nothing of them leaves them; what it says takes their place."""
    head = ("sku", "name", "brand", "category", "gtin")
    importer("products", (head, ("P1", "Soup", "Campo", "Food", "80686842019|12345670")))
    importer("products", (head[:2], ("P1", "Good soup")), name="names.csv")
    with importer.database.read() as view:
        named = view.catalogue.products(["P1"])["P1"]
    assert (named.name, named.brand, named.category) == ("Good soup", "Campo", "Food")
    assert named.gtins == ("00000012345670", "00080686842019")
    assert importer("products", (head, ("P1", "Good soup", "", "", "")),
                    name="cells.csv").counts.unchanged == 1  # fmt: skip
    importer("products", (head, ("P1", "Good soup", "Monte", "Cans", "12345670")), name="new.csv")
    with importer.database.read() as view:
        assert view.catalogue.products(["P1"])["P1"] == replace(
            named, brand="Monte", category="Cans", gtins=("00000012345670",)
        )
        assert view.catalogue.by_gtin("80686842019") == ()


def test_styles_come_with_products_and_stay_without_them(importer):
    """What is a size of something says of what; a file that says nothing of it changes no style."""
    head = ("sku", "name", "style")
    summary = importer("products", (head, ("C1", "Coat S", "COAT"), ("C2", "Coat M", "COAT"),
                                    ("H1", "Hat", "")))  # fmt: skip
    assert (summary.counts.written, summary.counts.bad) == (3, 0)
    again = importer("products", (head, ("C1", "Coat S", "PARKA"), ("C2", "Coat M", "COAT")),
                     name="again.csv")  # fmt: skip
    assert (again.counts.written, again.counts.unchanged) == (1, 1)
    importer("products", (("sku", "name"), ("C2", "Warm coat M")), name="without.csv")
    with importer.database.read() as view:
        assert view.catalogue.styles(["C1", "C2", "H1"]) == {"C1": "PARKA", "C2": "COAT"}


def test_a_file_of_stock_says_how_old_what_is_known_is(importer):
    """Of each location that it names, whether or not anything has changed; overdue when it is."""
    hour = 3_600_000
    start = importer.clock.now_ms()

    def known(units: int, name: str) -> tuple[dict[str, int], dict[str, int]]:
        importer("stock", (*STOCK[:2], ("S2", "P01", units)), name=name)
        with importer.database.read() as view:
            return view.replicas.last_contacts(), view.replicas.silent_since()

    importer("locations", LOCATIONS)
    importer("products", PRODUCTS)
    assert known(4, "monday.csv") == ({"S1": start, "S2": start}, {})
    importer.clock.advance(24 * hour)
    heard, due = known(5, "tuesday.csv")
    assert heard == {"S1": start + 24 * hour, "S2": start + 24 * hour}
    assert due == {"S1": start + 48 * hour, "S2": start + 48 * hour}


def test_release_dates_come_with_products_and_stay_without_them(importer):
    """A moment, in the zone that is said or UTC; a file that says nothing of it changes none."""
    head = ("sku", "name", "release_at")
    rows = (head, ("B1", "Book", "2026-12-01T00:00:00+01:00"), ("B2", "Box", "2026-12-01"),
            ("B3", "Bag", ""), ("B4", "Bad", "soon"), ("B5", "Bed", "9999-12-31T23:59:59Z"),
            ("B6", "Bun", "2200-01-01"), ("B7", "Bus", "1969-12-31"))  # fmt: skip
    summary = importer("products", rows)
    assert (summary.counts.written, summary.counts.bad) == (3, 4)
    again = importer("products", (*rows[:2], ("B2", "Box", "2026-12-02")), name="again.csv")
    assert (again.counts.written, again.counts.unchanged) == (1, 1)
    importer("products", (("sku", "name"), ("B1", "Good book")), name="without.csv")
    with importer.database.read() as view:
        found = view.catalogue.releases(["B1", "B2", "B3"])
        assert view.promise_rules.revision() > 0
    day = 86_400_000
    midnight = 20_788 * day
    assert found == {"B1": midnight - day // 24, "B2": midnight + day}
