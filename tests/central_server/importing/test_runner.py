"""The loop: batches, bad rows, duplicates, interruption, places."""

import csv

import pytest

from central_server.importing.places import Centroid, Centroids
from tests.central_server.importing.files import ListSink, import_into, write_table

PRODUCTS = (("sku", "name", "gtin"), *((f"S{n:03}", f"Thing {n}", "") for n in range(25)))
PLACES = Centroids(
    [
        Centroid("72401", 35.83, -90.69, "America/Chicago"),
        Centroid("15122", 40.36, -79.9, "America/New_York"),
    ]
)


def test_good_rows_go_in_batches(tmp_path):
    """Whole batches, and the rest at the end."""
    sink = ListSink()
    file = write_table(tmp_path / "p.csv", PRODUCTS)
    counts, _ = import_into(sink, "products", file, batch=10)
    assert sink.batches == [10, 10, 5]
    assert (counts.rows, counts.written, sink.done) == (25, 25, True)


def test_bad_rows_never_stop_good_ones_and_are_reported_by_number(tmp_path):
    """Each problem is a line of the report: row, column of the file, value, what is wrong."""
    table = (
        ("code", "sku", "name"),
        ("80686842019", "A", "first"),
        ("80686842018", "B", "wrong digit"),
        ("", "C", ""),
        ("80686842019", "D", "last"),
    )
    sink, report = ListSink(), tmp_path / "report.csv"
    file = write_table(tmp_path / "p.csv", table)
    counts, _ = import_into(sink, "products", file, "gtin=code | gtin", report=report)
    assert [row.number for row in sink.rows] == [1, 4]
    assert (counts.written, counts.bad) == (2, 2)
    with report.open(encoding="utf-8", newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert [(line["row"], line["column"], line["value"]) for line in lines] == [
        ("2", "code", "80686842018"),
        ("3", "name", ""),
    ]
    assert lines[0]["problem"] == "wrong check digit"


def test_a_row_with_more_values_than_columns_is_bad(tmp_path):
    """`1,200` without quotes is two cells: nobody knows which is whose. Empty ones tell nothing."""
    file = tmp_path / "stock.csv"
    file.write_text("location_id,sku,on_hand\nS1,A,1,200\nS1,B,5,,\nS1,C,6\n", encoding="utf-8")
    sink = ListSink()
    counts, problems = import_into(sink, "stock", file)
    assert [(row.record.sku, row.record.on_hand) for row in sink.rows] == [("B", 5), ("C", 6)]
    assert (counts.bad, problems[0].row, problems[0].value) == (1, 1, "200")
    assert "quotes" in problems[0].problem


def test_control_characters_in_cells_are_blanks(tmp_path):
    """A name with a line break in its quotes is one line, for every terminal that shows it."""
    table = (("sku", "name", "brand"), ("A", "Blue\nshirt", "\x1b[2JM\x9b"), ("B", " \n ", "x"))
    sink = ListSink()
    counts, _ = import_into(sink, "products", write_table(tmp_path / "p.csv", table))
    assert [(row.record.name, row.record.brand) for row in sink.rows] == [("Blue shirt", "[2JM")]
    assert counts.bad == 1  # a name of blanks is none


def test_the_first_of_two_rows_about_one_thing_wins(tmp_path):
    """A duplicate is left out, counted apart, and names the row that it repeats."""
    table = (("sku", "name"), ("A", "one"), ("B", "two"), ("A", "other"))
    sink = ListSink()
    file = write_table(tmp_path / "p.csv", table)
    counts, problems = import_into(sink, "products", file)
    assert [row.record.name for row in sink.rows] == ["one", "two"]
    assert (counts.duplicates, counts.bad) == (1, 0)
    assert (problems[0].row, problems[0].problem) == (3, "the same as row 1")


def test_an_interrupted_import_goes_on_after_its_last_whole_batch(tmp_path):
    """No row is written twice, none is missing, and the counts are those of the whole file."""
    table = [*PRODUCTS, ("S000", "again", "")]
    file = write_table(tmp_path / "p.csv", table)
    sink = ListSink(fail_after=2)
    with pytest.raises(KeyboardInterrupt):
        import_into(sink, "products", file, batch=10)
    sink.fail_after = None
    counts, _ = import_into(sink, "products", file, batch=10)
    assert [row.number for row in sink.rows] == list(range(1, 26))
    assert (counts.unchanged, counts.written, counts.duplicates) == (20, 5, 1)
    assert counts.resumed_after == 20


def test_progress_is_saved_through_a_long_run_of_bad_rows(tmp_path):
    """Many bad rows between good ones do not keep a batch waiting for ever."""
    table = (("sku", "name"), ("A", "good"), *(("", "bad"),) * 100, ("B", "good"))
    sink = ListSink()
    file = write_table(tmp_path / "p.csv", table)
    counts, _ = import_into(sink, "products", file, batch=2)
    assert sink.batches == [1, 0, 1]
    assert counts.bad == 100


LOCATIONS = (
    ("location_id", "name", "latitude", "longitude", "postal_code"),
    ("1", "Jonesboro", 40.4071615, -79.830226, "72401"),
    ("2", "Jonesboro right", 35.82, -90.7, "72401"),
    ("3", "A PO box", 40.0, -80.0, "99999"),
    ("4", "Off the globe", 135.0, -80.0, "15122"),
    ("5", "Null Island", 0, 0, "15122"),
)


def test_a_store_far_from_its_zip_area_is_a_bad_row(tmp_path):
    """Coordinates of another state are caught by the address; a ZIP without area cannot tell."""
    sink = ListSink()
    file = write_table(tmp_path / "l.csv", LOCATIONS)
    counts, problems = import_into(sink, "locations", file, centroids=PLACES)
    assert [row.number for row in sink.rows] == [2, 3]
    assert counts.bad == 3
    assert "km from the center of ZIP 72401" in problems[0].problem


@pytest.mark.parametrize("latitude", ["NaN", "-inf"])
def test_a_place_that_is_no_number_stops_no_other_row(tmp_path, latitude):
    """It is nowhere near a ZIP area: one bad row."""
    header = ("location_id", "name", "latitude", "longitude", "postal_code")
    rows = [("S1", "one", latitude, "-90.69", "72401"), ("S2", "two", "35.83", "-90.69", "72401")]
    sink = ListSink()
    file = write_table(tmp_path / "l.csv", [header, *rows])
    counts, _ = import_into(sink, "locations", file, centroids=PLACES)
    assert (counts.bad, counts.written) == (1, 1)


def test_the_nearest_zip_area_gives_the_time_zone(tmp_path):
    """A file without time zones gets them from where its stores are."""
    sink = ListSink()
    file = write_table(tmp_path / "l.csv", LOCATIONS)
    import_into(sink, "locations", file, centroids=PLACES)
    zones = [row.record.timezone for row in sink.rows]
    assert zones == ["America/Chicago", "America/New_York"]


def test_without_centroids_a_time_zone_must_be_given(tmp_path):
    """A store without a time zone cannot say when it opens."""
    sink = ListSink()
    counts, _ = import_into(sink, "locations", write_table(tmp_path / "l.csv", LOCATIONS))
    assert counts.written == 0
    table = [(*row, "timezone" if row is LOCATIONS[0] else "Mars/Base") for row in LOCATIONS]
    counts, _ = import_into(sink, "locations", write_table(tmp_path / "m.csv", table))
    assert counts.written == 0
