"""The sample network is consistent, plausible and reproducible."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import biip
import pytest
from biip.rcn import Rcn

from central_server.sample import SAMPLE_FILES, sample_path
from central_server.sample.generate import build_files, check_digit, write_files

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
KEYS = {
    "locations.csv": ("location_id",),
    "products.csv": ("sku",),
    "prices.csv": ("zone", "sku"),
    "stock.csv": ("location_id", "sku"),
    "associates.csv": ("associate_id",),
    "customers.csv": ("customer_id",),
}


def rows(name: str) -> list[dict[str, str]]:
    with sample_path(name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def column(name: str, key: str) -> list[str]:
    return [row[key] for row in rows(name)]


def gtins() -> Iterator[str]:
    for joined in column("products.csv", "gtin"):
        yield from joined.split("|")


def stores() -> list[dict[str, str]]:
    return [row for row in rows("locations.csv") if row["kind"] == "store"]


def test_generator_reproduces_the_committed_bytes(tmp_path: Path) -> None:
    """Running the generator again writes exactly the files that are committed."""
    write_files(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(SAMPLE_FILES)
    for name in SAMPLE_FILES:
        assert (tmp_path / name).read_bytes() == sample_path(name).read_bytes(), name


def test_generator_does_not_depend_on_what_ran_before() -> None:
    """Two builds in one process give the same bytes."""
    assert build_files() == build_files()


def test_unknown_sample_file_is_refused_by_name() -> None:
    """Asking for a file that is not part of the sample says which there are."""
    with pytest.raises(FileNotFoundError, match=r"secrets\.csv.*locations\.csv"):
        sample_path("secrets.csv")


@pytest.mark.parametrize("name", SAMPLE_FILES)
def test_keys_are_unique_and_cells_are_clean(name: str) -> None:
    """A key names one row, every row has every column, and no cell has stray spaces."""
    with sample_path(name).open(encoding="utf-8", newline="") as file:
        header, *table = csv.reader(file, strict=True)
    places = [header.index(key) for key in KEYS[name]]
    keys = Counter(tuple(cells[place] for place in places) for cells in table)
    assert max(keys.values()) == 1
    for cells in table:
        assert len(cells) == len(header)
        assert all(cell == cell.strip() for cell in cells)


def test_network_has_the_announced_size() -> None:
    """There are 14 stores, 1 distribution center, 500 products, 3 price zones, 120 customers."""
    assert Counter(column("locations.csv", "kind")) == {"store": 14, "dc": 1}
    assert len(rows("products.csv")) == 500
    assert len(set(column("products.csv", "brand"))) == 20
    assert len(rows("prices.csv")) == 3 * 500
    assert len(rows("customers.csv")) == 120


def test_every_gtin_has_a_correct_check_digit() -> None:
    """A scanned sample barcode passes the weights of the GS1 General Specifications."""
    for gtin in gtins():
        assert re.fullmatch(r"2\d{12}", gtin)
        total = sum(
            int(digit) * (1 if place % 2 == 0 else 3) for place, digit in enumerate(gtin[:12])
        )
        assert (10 - total % 10) % 10 == int(gtin[12]), gtin


def test_biip_reads_every_gtin_as_restricted_circulation() -> None:
    """The parser the terminal uses accepts every GTIN and finds no company's prefix in it."""
    for gtin in gtins():
        parsed = biip.parse(gtin).gtin
        assert isinstance(parsed, Rcn), gtin
        assert parsed.company_prefix is None


def test_check_digit_of_a_published_example() -> None:
    """The generator's check digit agrees with GS1's worked example, 629104150021 and 3."""
    assert check_digit("629104150021") == 3


def test_no_gtin_is_shared_and_fifteen_products_have_two() -> None:
    """A scan finds one product; some products can be found by either of two GTINs."""
    assert max(Counter(gtins()).values()) == 1
    assert sum("|" in joined for joined in column("products.csv", "gtin")) == 15


def test_product_names_are_distinct_and_fit_the_screen() -> None:
    """A name has at most 60 characters, starts with its brand and names one product."""
    products = rows("products.csv")
    assert len({row["name"] for row in products}) == len(products)
    for row in products:
        assert len(row["name"]) <= 60
        assert row["name"].startswith(f"{row['brand']} ")
        assert re.fullmatch(r"(Kitchen|Home|Outdoor|Apparel) > \S.+", row["category"])
        assert row["shelf_area"]


def test_every_location_has_a_priced_zone() -> None:
    """Each product has one positive price in dollars in every zone that a location is in."""
    prices = {(row["zone"], row["sku"]): row for row in rows("prices.csv")}
    zones = set(column("locations.csv", "price_zone"))
    wanted = {(zone, sku) for zone in zones for sku in column("products.csv", "sku")}
    assert prices.keys() == wanted
    assert all(int(row["amount_minor"]) > 0 for row in prices.values())
    assert {row["currency"] for row in prices.values()} == {"USD"}


def test_some_prices_differ_by_zone() -> None:
    """Zones matter: some products cost less in the center and more in the west than in the east."""
    amounts = {(row["zone"], row["sku"]): int(row["amount_minor"]) for row in rows("prices.csv")}
    differing = [
        sku
        for sku in column("products.csv", "sku")
        if amounts["US-CENTRAL", sku] < amounts["US-EAST", sku] < amounts["US-WEST", sku]
    ]
    assert 100 < len(differing) < 300


def test_stock_refers_to_known_locations_and_products() -> None:
    """Every stock row is about a location and a SKU that the sample has."""
    assert set(column("stock.csv", "location_id")) == set(column("locations.csv", "location_id"))
    assert set(column("stock.csv", "sku")) <= set(column("products.csv", "sku"))


def test_store_stock_is_partial_and_skewed_to_few() -> None:
    """A store carries 320 to 460 SKUs, 0 to 40 of each, mostly few, each with a place to look."""
    table = rows("stock.csv")
    for store in stores():
        carried = [row for row in table if row["location_id"] == store["location_id"]]
        quantities = sorted(int(row["on_hand"]) for row in carried)
        assert 320 <= len(carried) <= 460
        assert quantities[0] == 0
        assert quantities[-1] <= 40
        assert quantities[len(quantities) // 2] <= 15
        assert all(re.fullmatch(r"\d\d-[A-F]-[1-5]", row["aisle"]) for row in carried)


def test_distribution_center_holds_every_product() -> None:
    """The distribution center can supply any SKU: 50 to 400 of each."""
    held = {row["sku"]: row for row in rows("stock.csv") if row["location_id"] == "DC01"}
    assert held.keys() == set(column("products.csv", "sku"))
    assert all(50 <= int(row["on_hand"]) <= 400 for row in held.values())
    assert {row["aisle"] for row in held.values()} == {""}


def test_locations_are_in_the_united_states_and_their_time_zones_fit() -> None:
    """Coordinates lie in the contiguous states; the winter offset is near the sun's."""
    for row in rows("locations.csv"):
        latitude, longitude = float(row["latitude"]), float(row["longitude"])
        assert 24.5 < latitude < 49.4
        assert -124.8 < longitude < -66.9
        offset = datetime(2026, 1, 15, 12, tzinfo=ZoneInfo(row["timezone"])).utcoffset()
        assert offset is not None
        assert abs(offset.total_seconds() / 3600 - longitude / 15) < 1
    assert len(set(column("locations.csv", "timezone"))) >= 5


def test_hours_and_closures_parse() -> None:
    """Hours open before they close on known days; closures are sorted dates; stores open daily."""
    for row in rows("locations.csv"):
        spans = dict(part.split("=") for part in row["hours"].split(";"))
        assert list(spans) == [day for day in DAYS if day in spans]
        assert row["kind"] == "dc" or len(spans) == len(DAYS)
        for span in spans.values():
            opens, closes = map(time.fromisoformat, span.split("-"))
            assert opens < closes
        closures = [date.fromisoformat(text) for text in row["closures"].split("|")]
        assert closures == sorted(set(closures))


def test_only_stores_offer_pickup_and_have_spots() -> None:
    """A location offers pickup exactly when it is a store with distinct hold-shelf spots."""
    for row in rows("locations.csv"):
        spots = row["spots"].split("|") if row["spots"] else []
        assert row["pickup_enabled"] == ("true" if row["kind"] == "store" else "false")
        assert bool(spots) == (row["kind"] == "store")
        assert len(set(spots)) == len(spots)
        assert all(re.fullmatch(r"[A-E][1-4]", spot) for spot in spots)


def test_every_store_has_a_team_that_can_run_it() -> None:
    """A store has 4 to 6 associates, one of them its manager, and at most one auditor."""
    associates = rows("associates.csv")
    teams = {store["location_id"]: Counter[str]() for store in stores()}
    for row in associates:
        teams[row["location_id"]][row["role"]] += 1
    for team in teams.values():
        assert 4 <= team.total() <= 6
        assert team["manager"] == team["lead"] == 1
        assert team["auditor"] <= 1
        assert set(team) <= {"associate", "lead", "manager", "auditor"}
    assert any(team["auditor"] for team in teams.values())


def test_associates_have_distinct_names_and_pins() -> None:
    """A demo PIN has six digits and, like a name, belongs to one associate."""
    associates = rows("associates.csv")
    assert len({row["name"] for row in associates}) == len(associates)
    assert len({row["pin"] for row in associates}) == len(associates)
    for row in associates:
        assert re.fullmatch(r"[A-Z][a-z]+ [A-Z]\.", row["name"])
        assert re.fullmatch(r"\d{6}", row["pin"])


def test_customers_cannot_be_reached() -> None:
    """E-mail addresses and telephones are those kept for examples, one of each a customer."""
    customers = rows("customers.csv")
    assert len({row["email"] for row in customers}) == len(customers)
    assert len({row["phone"] for row in customers}) == len(customers)
    for row in customers:
        assert re.fullmatch(r"[a-z]+\.[a-z]+@example\.com", row["email"])
        assert re.fullmatch(r"\+1 \d{3}-555-01\d\d", row["phone"])


def test_customers_live_near_a_store() -> None:
    """Every customer is within a tenth of a degree of a store and in its postal area."""
    for customer in rows("customers.csv"):
        assert any(_is_near(customer, store) for store in stores()), customer["customer_id"]


def _is_near(customer: dict[str, str], store: dict[str, str]) -> bool:
    return (
        abs(float(customer["latitude"]) - float(store["latitude"])) < 0.1
        and abs(float(customer["longitude"]) - float(store["longitude"])) < 0.1
        and customer["postal_code"][:3] == store["postal_code"][:3]
    )
