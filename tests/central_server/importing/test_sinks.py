"""Imports into a real database, both engines: progress, resumption, repetition, feed rows."""

from collections.abc import Sequence

import pytest

from central_server.importing.checker import CheckedRow
from central_server.importing.reports import Counts
from central_server.importing.runner import Written
from central_server.importing.sinks import DatabaseSink
from central_server.jobs.housekeeping import DAY_MS
from central_server.services.catalogue_intake import CatalogueIntake, StockItem
from sync.domain.people import Role
from sync.protocol.rows import CATALOGUE_SCOPE, prices_scope, store_scope
from tests.central_server.importing.importer import LOCATIONS, PRICES, PRODUCTS, STOCK


class PowerCut(Exception):
    """Stands for the end of the process."""


def dies_after(monkeypatch: pytest.MonkeyPatch, batches: int) -> None:
    """Let the process end when it has written so many batches."""
    written: list[int] = []
    original = DatabaseSink.write

    def dying(
        sink: DatabaseSink, rows: Sequence[CheckedRow], offset: int, counts: Counts
    ) -> Written:
        if len(written) == batches:
            raise PowerCut
        written.append(len(rows))
        return original(sink, rows, offset, counts)

    monkeypatch.setattr(DatabaseSink, "write", dying)


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


def test_a_price_that_is_no_number_stops_no_other_row(stocked):
    """Databases export what is missing as NaN: one bad row."""
    table = (("zone", "sku", "amount_minor"), ("US", "P00", "NaN"), ("US", "P01", "2.00"))
    amount = "amount_minor=amount_minor | cents_from_decimal"
    counts = stocked("prices", table, name="nan.csv", columns=(amount,)).counts
    assert (counts.bad, counts.written) == (1, 1)


@pytest.mark.parametrize("name", ["with.csv", "with.parquet"])
def test_a_text_that_no_database_keeps_stops_no_other_row(importer, name):
    """NUL is refused by one engine and kept by the other: it is a bad row on both."""
    table = (("sku", "name", "gtin"), ("P1", "bad\0name", ""), ("P2", "good", ""))
    summary = importer("products", table, name=name)
    assert (summary.counts.bad, summary.counts.written) == (1, 1)
    assert "NUL" in summary.first_problems[0].problem


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
    summary = stocked("prices", PRICES)
    assert summary.already_done
    assert summary.counts == Counts()


def test_prices_after_a_sale_are_the_regular_ones_again(stocked):
    """A file is skipped as long as it was the last one, not for ever after."""
    sale = (PRICES[0], ("US", "P00", 99, "USD"))
    assert stocked("prices", sale, name="sale.csv").counts.written == 1
    assert stocked("prices", PRICES).counts.written == 1
    assert stocked("prices", PRICES).already_done
    with stocked.database.read() as view:
        assert view.catalogue.prices("US", ["P00"])["P00"].amount_minor == 199


def test_prices_that_come_again_and_stop_half_way_go_on(stocked, monkeypatch):
    """The first of them are the regular ones again: the rest is not taken for done."""
    head = PRICES[0]
    regular = (head, ("US", "P00", 199, "USD"), ("US", "P01", 299, "USD"))
    sale = (head, ("US", "P00", 99, "USD"), ("US", "P01", 149, "USD"))
    for name, table in (("regular.csv", regular), ("sale.csv", sale)):
        stocked("prices", table, name=name)
    with monkeypatch.context() as patch:
        dies_after(patch, 1)
        with pytest.raises(PowerCut):
            stocked("prices", regular, name="regular.csv", batch=1)
    assert not stocked("prices", regular, name="regular.csv", batch=1).already_done
    with stocked.database.read() as view:
        found = view.catalogue.prices("US", ["P00", "P01"])
    assert {sku: one.amount_minor for sku, one in found.items()} == {"P00": 199, "P01": 299}


def test_stock_that_came_before_its_products_comes_with_the_next_try(importer):
    """What was refused is taken as soon as central can take it; nothing is lost by the order."""
    stock = STOCK[:3]
    importer("locations", LOCATIONS)
    assert importer("stock", stock).counts.bad == 2
    importer("products", PRODUCTS)
    assert importer("stock", stock).counts.written == 2
    assert importer("stock", stock).already_done


def test_a_file_of_stock_that_is_no_news_moves_nothing_and_is_no_report(stocked):
    """Another file came since, and rows of this were refused: those come, units sold stay sold."""
    stocked("stock", (STOCK[0], ("S2", "P01", 6, "")), name="south.csv")
    stocked("products", (PRODUCTS[0], ("NONE", "Thing", "")), name="more.csv")
    stocked.target.intake.stock([StockItem("S1", "P00", 7, "A1")], "sold")
    then = stocked.clock.now_ms()
    stocked.clock.advance(DAY_MS)
    counts = stocked("stock", STOCK).counts
    assert (counts.written, counts.unchanged, counts.bad) == (1, 2, 1)
    with stocked.database.read() as view:
        assert {one.sku: one.on_hand for one in view.stock.rows("S1")} == {"P00": 7, "NONE": 4}
        assert view.stock.rows("S2")[0].on_hand == 6
        assert view.replicas.last_contacts(["S1", "S2"]) == {"S1": then, "S2": then}


def test_files_of_stock_by_turns_set_nothing_again(stocked):
    """A folder of kept files is imported every night: only a new file has new counts."""
    other = (STOCK[0], ("S1", "P00", 9, "A1"), ("S2", "P01", 5, ""))
    stocked("stock", other, name="tuesday.csv")
    stocked.target.intake.stock([StockItem("S1", "P00", 7, "A1")], "sold")
    for _ in range(2):
        stocked("stock", STOCK)
        assert stocked("stock", other, name="tuesday.csv").already_done
    with stocked.database.read() as view:
        assert view.stock.rows("S1")[0].on_hand == 7


def test_a_file_of_stock_that_is_read_once_more_and_stops_undoes_no_sale(stocked, monkeypatch):
    """Half of it read, for the sake of a row that was refused: the next run is no first one."""
    stocked.target.intake.stock([StockItem("S2", "P01", 1, "")], "sold")
    with monkeypatch.context() as patch:
        dies_after(patch, 1)
        with pytest.raises(PowerCut):
            stocked("stock", STOCK, batch=1)
    assert stocked("stock", STOCK, batch=1).counts.bad == 2
    with stocked.database.read() as view:
        assert view.stock.rows("S2")[0].on_hand == 1


def test_what_was_refused_before_an_import_stopped_is_still_missing(importer, monkeypatch):
    """The run that goes on reads it no more: the file is not done with, and comes again."""
    importer("locations", LOCATIONS)
    importer("products", (PRODUCTS[0], ("P01", "Thing", "")))
    with monkeypatch.context() as patch:
        dies_after(patch, 1)
        with pytest.raises(PowerCut):
            importer("stock", STOCK[:3], batch=1)
    importer("stock", STOCK[:3], batch=1)
    importer("products", PRODUCTS, name="all.csv")
    assert importer("stock", STOCK[:3]).counts.written == 1
    with importer.database.read() as view:
        assert [one.on_hand for one in view.stock.rows("S1")] == [10]


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


def test_an_import_killed_in_mid_file_goes_on_and_ends_the_same(importer, monkeypatch):
    """After two of three batches the process dies; the next run writes just the rest."""
    dies_after(monkeypatch, 2)
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
