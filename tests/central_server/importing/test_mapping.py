"""Mappings: from TOML and from options, and what is told about wrong ones."""

import pytest

from central_server.importing.mapping import load_mapping
from central_server.importing.problems import ImportFailed
from tests.central_server.importing.files import ListSink, import_into, write_table

TOML = """
kind = "products"
[columns]
sku = "item | prefix:IA-"
gtins = "upc | gtin:drop"
name = { columns = ["maker", "title"], join = " / " }
[constants]
category = "Spirits"
[defaults]
brand = "No name"
[only]
status = ["A"]
"""
TABLE = (
    ("item", "upc", "maker", "title", "brand", "status"),
    ("1", "80686842019", "Beam", "Silver", "Sauza", "A"),
    ("2", "80686842018", "", "Gold", "", "A"),
    ("3", "80686842019", "Beam", "Old", "Sauza", "I"),
)


def test_a_mapping_makes_our_fields_of_their_columns(tmp_path):
    """Columns, transforms, joined columns, constants, defaults and the rows that are meant."""
    mapping = tmp_path / "map.toml"
    mapping.write_text(TOML, encoding="utf-8")
    sink = ListSink()
    file = write_table(tmp_path / "p.csv", TABLE)
    counts, problems = import_into(sink, "products", file, mapping=mapping)
    first, second = (row.record for row in sink.rows)
    assert (first.sku, first.name, first.brand) == ("IA-1", "Beam / Silver", "Sauza")
    assert (first.barcodes, first.category) == (("00080686842019",), "Spirits")
    assert (second.name, second.brand, second.barcodes) == ("Gold", "No name", ())
    assert (counts.written, counts.skipped, counts.warnings, counts.bad) == (2, 1, 1, 0)
    assert [(one.row, one.column, one.value) for one in problems] == [(2, "upc", "80686842018")]


def test_columns_with_our_names_need_no_mapping(tmp_path):
    """The files of the sample network import as they are."""
    sink = ListSink()
    table = (("sku", "gtin", "name"), ("A", "2007100200017|2007100200024", "Dripper"))
    import_into(sink, "products", write_table(tmp_path / "p.csv", table))
    assert sink.rows[0].record.barcodes == ("02007100200017", "02007100200024")


def test_closed_days_are_kept_as_they_are_looked_up(tmp_path):
    """However a file writes a date that is taken: the store is closed on that day."""
    sink = ListSink()
    table = (
        ("location_id", "name", "latitude", "longitude", "timezone", "price_zone", "closures"),
        ("S1", "Store", "40.0", "-83.0", "America/New_York", "EAST", "20261225|2026-01-01"),
    )
    import_into(sink, "locations", write_table(tmp_path / "l.csv", table))
    (row,) = sink.rows
    assert row.record.closures == ("2026-12-25", "2026-01-01")


def test_an_option_stands_over_the_file(tmp_path):
    """`--column` changes one entry of a mapping file, which is then another mapping."""
    file = tmp_path / "map.toml"
    file.write_text('[columns]\nsku = "a"\n', encoding="utf-8")
    from_file = load_mapping("products", file)
    changed = load_mapping("products", file, ["sku=b | strip"])
    assert changed.rules[0].columns == ("b",)
    assert changed.fingerprint != from_file.fingerprint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('kind = "stock"', "maps stock"),
        ("[colums]\nsku = 'a'", "unknown tables"),
        ("columns = 3", "not a table"),
        ("[columns]\nsku = 3", "neither a text nor a table"),
        ("[columns]\nsku = 'item | shout'", "no transform"),
        ("[columns]\nprice = 'item'", "no field price"),
        ("[columns]\nname = 'descr'", "no column descr"),
        ("[columns", "not TOML"),
    ],
)
def test_a_wrong_mapping_is_told_before_the_first_row(tmp_path, text, words):
    """What is wrong is named, and what would be right."""
    mapping = tmp_path / "map.toml"
    mapping.write_text(text, encoding="utf-8")
    sink = ListSink()
    with pytest.raises(ImportFailed, match=words):
        import_into(sink, "products", write_table(tmp_path / "p.csv", TABLE), mapping=mapping)
    assert sink.rows == []


def test_an_option_must_be_field_and_column():
    """`--column sku` says nothing."""
    with pytest.raises(ImportFailed, match="FIELD=COLUMN"):
        load_mapping("products", None, ["sku"])
