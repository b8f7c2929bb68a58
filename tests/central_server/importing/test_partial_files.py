"""Files that tell a part: what they say nothing of stays as it was."""

from dataclasses import replace

from sync.domain.escrow import EscrowPolicy
from sync.domain.pickups import PickupPolicy
from sync.domain.reservations import ReservePolicy
from sync.domain.shipping import CarrierPickup
from tests.central_server.importing.importer import LOCATIONS, STOCK


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
    """Only stores share by escrow: with its kind its sharing ends, and begins as a new store's."""
    with stocked.database.read() as view:
        store = view.locations.get("S1")
    assert store is not None
    shared = replace(store, escrow=EscrowPolicy(enabled=True))
    stocked.database.write(lambda unit: unit.locations.upsert([shared]))
    said = ((*LOCATIONS[0][:5], "kind"), (*LOCATIONS[1][:5], "dc"))
    assert stocked("locations", said, name="dc.csv").counts.written == 1
    with stocked.database.read() as view:
        assert view.locations.get("S1") == replace(store, kind="dc", escrow=EscrowPolicy())
    back = ((*LOCATIONS[0][:5], "kind"), (*LOCATIONS[1][:5], "store"))
    assert stocked("locations", back, name="store.csv").counts.written == 1
    with stocked.database.read() as view:
        assert view.locations.get("S1") == replace(store, escrow=stocked.target.policy.escrow)


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


def test_prices_without_a_currency_are_in_the_networks_or_in_that_of_the_price_before(stocked):
    """A column that is missing makes no euro a dollar."""
    stocked.target = replace(stocked.target, policy=replace(stocked.target.policy, currency="EUR"))
    said = (("zone", "sku", "amount_minor"), ("US", "P00", 250), ("US", "P01", 300))
    stocked("prices", said, name="plain.csv")
    with stocked.database.read() as view:
        found = view.catalogue.prices("US", ["P00", "P01"])
    told = {sku: (one.amount_minor, one.currency) for sku, one in found.items()}
    assert told == {"P00": (250, "USD"), "P01": (300, "EUR")}
