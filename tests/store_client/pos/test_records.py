"""What a point of sale writes down, and how what cannot be read is named."""

import datetime as dt
import json
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store_client.pos.batch import Batch, is_sales_file, read_batch
from store_client.pos.records import PosLine, PosSale, Unreadable, load_json, read_sale

UTC = dt.UTC
LINES = [{"sku": "A", "quantity": 1}]


def sale(**more) -> dict[str, object]:
    return {"transaction": "T1", "lines": LINES, **more}


def read(content: str | bytes, name: str = "sales.csv") -> Batch:
    return read_batch(name, content.encode() if isinstance(content, str) else content, UTC)


def test_a_sale_names_its_items_by_sku_or_barcode():
    """Both are codes; what they stand for is the catalogue's business."""
    lines = [{"sku": "A", "quantity": 1}, {"gtin": "4006381333931", "quantity": -2}]
    found = read_sale({"transaction": "T1", "lines": lines})
    assert found == PosSale("T1", (PosLine("A", 1), PosLine("4006381333931", -2)))


def test_a_number_is_as_good_as_its_digits():
    """Some tills write numbers without quotes, and units with decimals that are zero."""
    found = read_sale({"transaction": 471, "lines": [{"gtin": 4006381333931, "quantity": "3.000"}]})
    assert found == PosSale("471", (PosLine("4006381333931", 3),))


@pytest.mark.parametrize("sold_at", ["2025-12-01T14:00:00-05:00", "2025-12-01T14:00:00"])
def test_a_time_without_a_zone_is_the_store_s(sold_at):
    """Tills know the wall clock of their store."""
    found = read_sale(sale(sold_at=sold_at), ZoneInfo("America/New_York"))
    assert found.sold_at_ms == 1_764_615_600_000


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ([], "a sale is an object"),
        ({"lines": LINES}, "transaction is missing"),
        (sale(transaction=" "), "transaction is missing"),
        (sale(transaction="T" * 65), "longer than 64"),
        (sale(transaction="T\x001"), "cannot be printed"),
        (sale(transaction=["T"]), "transaction is missing"),
        (sale(lines=[]), "at least one item"),
        (sale(lines={}), "at least one item"),
        (sale(lines=[1]), "line 1: an object"),
        (sale(lines=[*LINES, {"quantity": 1}]), "line 2: sku or gtin is missing"),
        (sale(lines=[{"sku": [], "quantity": 1}]), "sku is missing"),
        (sale(lines=[{"sku": "A"}]), "quantity is missing"),
        (sale(lines=[{"sku": "A", "quantity": 1.25}]), "not a whole number"),
        (sale(lines=[{"sku": "A", "quantity": True}]), "not a whole number"),
        (sale(lines=[{"sku": "A", "quantity": "two"}]), "not a whole number"),
        (sale(lines=[{"sku": "A", "quantity": "--2"}]), "not a whole number"),
        (sale(lines=[{"sku": "A", "quantity": 0}]), "not between"),
        (sale(lines=[{"sku": "A", "quantity": 10**30}]), "not between"),
        (sale(lines=LINES * 5_001), "more than 5000"),
        (sale(sold_at="yesterday"), "not a time"),
    ],
)
def test_what_is_wrong_is_said(document, why):
    """A sale that cannot be read names the field, and the line where there are several."""
    with pytest.raises(Unreadable, match=why):
        read_sale(document)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\xff", '{"a":' + "1" * 5_000 + "}"])
def test_hostile_json_is_unreadable_and_no_crash(text):
    """Neither depth nor length raises anything else."""
    with pytest.raises(Unreadable):
        load_json(text)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
                    lambda inner: st.lists(inner) | st.dictionaries(
                        st.sampled_from(["transaction", "lines", "sku", "gtin", "quantity",
                                         "sold_at"]), inner)))  # fmt: skip
def test_any_document_is_read_or_refused_in_words(document):
    """Whatever JSON holds, nothing but `Unreadable` comes out."""
    try:
        found = read_sale(document)
    except Unreadable:
        return
    assert found.transaction
    assert all(line.code and line.units for line in found.lines)


# --- files --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("a.json", True), ("A.CSV", True), ("a.ndjson", True), ("a.jsonl", True), ("a.csv.tmp", False),
     ("a.part", False), (".a.json", False), ("~a.csv", False), ("done", False), ("a.txt", False)],
)  # fmt: skip
def test_temporary_and_other_files_are_none_of_ours(name, is_one):
    """The convention: write under another name, then rename."""
    assert is_sales_file(name) is is_one


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("one.json", json.dumps(sale(), indent=2)),
        ("list.json", json.dumps([sale()])),
        ("lines.jsonl", json.dumps(sale()) + "\n"),
        ("lines.json", json.dumps(sale()) + "\n\n" + json.dumps(sale(transaction="T2")) + "\n"),
        ("bom.json", "\ufeff" + json.dumps(sale())),
    ],
)
def test_json_comes_as_one_sale_or_as_lines(name, content):
    """One sale a file, a list, or a sale a line; with or without a byte order mark."""
    batch = read(content, name)
    assert not batch.failed
    assert batch.entries[0].sale == PosSale("T1", (PosLine("A", 1),))


def test_a_bad_json_line_stops_no_other():
    """It comes back with its number and its bytes."""
    bad = '{"transaction": "T2"}\n'
    batch = read(json.dumps(sale()) + "\n" + bad + json.dumps(sale(transaction="T3")), "a.jsonl")
    assert [one.sale.transaction for one in batch.entries] == ["T1", "T3"]
    (failed,) = batch.failed
    assert (failed.number, failed.raw) == (2, bad.encode())


def test_csv_rows_of_a_transaction_are_one_sale():
    """Columns in any order, any of the usual separators, columns that mean nothing to us."""
    batch = read(
        "Quantity;SKU;name;transaction;gtin;sold_at\r\n"
        "1;A;Kettle;T1;;2025-12-01T14:00:00Z\r\n"
        "2;;Café;T1;4006381333931;\r\n"
        '1;"B;C";x;T2;;\r\n'
    )
    first, second = (one.sale for one in batch.entries)
    assert first == PosSale("T1", (PosLine("A", 1), PosLine("4006381333931", 2)), 1_764_597_600_000)
    assert second == PosSale("T2", (PosLine("B;C", 1),))


def test_a_sale_of_which_one_row_is_bad_is_given_back_whole():
    """Half a sale under its number would make the other half a double."""
    batch = read("transaction,sku,quantity\nT1,A,1\nT2,A,1\nT1,B,some\nT3,A,1,5\n")
    assert [one.sale.transaction for one in batch.entries] == ["T2"]
    assert [one.raw for one in batch.failed] == [b"T1,A,1\nT1,B,some\n", b"T3,A,1,5\n"]
    assert batch.failed[0].reason == "line 4: quantity 'some' is not a whole number of units"
    assert batch.title == b"transaction,sku,quantity\n"


def test_a_last_line_without_an_end_may_be_cut_off():
    """`12` and the beginning of `120` look alike."""
    batch = read("transaction,sku,quantity\nT1,A,1\nT2,A,12")
    assert [one.sale.transaction for one in batch.entries] == ["T1"]
    assert "cut off" in batch.failed[0].reason


@pytest.mark.parametrize("title", ["a,b,c", "transaction,quantity", "sku,quantity", "\x00\x01"])
def test_csv_without_titles_is_refused_as_a_whole(title):
    """Nobody guesses which column is which."""
    batch = read(f"{title}\nT1,A,1\n")
    assert not batch.entries
    assert "must name the columns" in batch.failed[0].reason


def test_bytes_that_are_no_text_are_given_back():
    """A row in another encoding fails alone, and only where it matters."""
    batch = read(b"transaction,sku,quantity,name\nT1,A,1,Caf\xe9\nT\xe92,A,1,x\n")
    assert [one.sale.transaction for one in batch.entries] == ["T1"]
    assert "cannot be printed" in batch.failed[0].reason


@given(st.binary(max_size=400), st.sampled_from(["a.csv", "a.json"]))
def test_any_bytes_are_read_or_given_back(content, name):
    """No file raises, and nothing of it is lost without a word."""
    batch = read_batch(name, content, UTC)
    assert batch.entries or batch.failed or batch.is_doubtful
