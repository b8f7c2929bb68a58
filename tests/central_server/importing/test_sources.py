"""Files as streams: formats, delimiters, encodings, damage."""

import gzip

import pytest

from central_server.importing.problems import EXIT_NOT_FOUND, EXIT_USAGE, ImportFailed
from central_server.importing.sources import UNNAMED, file_hash, open_source
from tests.central_server.importing.files import write_table

TABLE = (("sku", "name"), ("A", "Ähre"), ("B", 'say "b"'))


@pytest.mark.parametrize("name", ["p.csv", "p.csv.gz", "p.parquet"])
def test_every_format_gives_the_same_rows(tmp_path, name):
    """CSV, gzipped CSV and Parquet of one table are the same numbered rows."""
    source = open_source(write_table(tmp_path / name, TABLE))
    assert source.columns == ("sku", "name")
    assert list(source.rows()) == [
        (1, {"sku": "A", "name": "Ähre"}),
        (2, {"sku": "B", "name": 'say "b"'}),
    ]


def test_a_source_can_be_read_again(tmp_path):
    """A resumed import starts reading at the first row, so a source is no one-way street."""
    source = open_source(write_table(tmp_path / "p.csv", TABLE))
    assert list(source.rows()) == list(source.rows())


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_the_delimiter_is_found_in_the_header(tmp_path, delimiter):
    """Semicolons, tabs and bars need no option."""
    source = open_source(write_table(tmp_path / "p.csv", TABLE, delimiter))
    assert source.columns == ("sku", "name")


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    """Spreadsheets write a mark before the header; the column's name does not have it."""
    source = open_source(write_table(tmp_path / "p.csv", TABLE, encoding="utf-8-sig"))
    assert source.columns[0] == "sku"


def test_another_encoding_is_named_and_otherwise_refused_in_words(tmp_path):
    """Latin-1 is read when said so; unsaid, the message says what to do."""
    path = write_table(tmp_path / "p.csv", TABLE, encoding="latin-1")
    assert dict(open_source(path, encoding="latin-1").rows())[1]["name"] == "Ähre"
    with pytest.raises(ImportFailed, match="--encoding"):
        open_source(path)


def test_cells_beyond_the_header_are_kept_apart(tmp_path):
    """A row that is too long does not shift its values into other columns."""
    path = tmp_path / "p.csv"
    path.write_text("sku,name\nA,x,y\nB\n\nC,z\n", encoding="utf-8")
    assert list(open_source(path).rows()) == [
        (1, {"sku": "A", "name": "x", UNNAMED: ["y"]}),
        (2, {"sku": "B"}),
        (3, {"sku": "C", "name": "z"}),
    ]


def test_a_cut_off_gzip_file_fails_in_words(tmp_path):
    """A download that broke off is a failed import, not a short one."""
    path = tmp_path / "p.csv.gz"
    whole = gzip.compress(b"sku,name\n" + b"".join(b"%d,x\n" % n for n in range(50_000)))
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ImportFailed, match="damaged"):
        list(open_source(path).rows())


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("none.csv", None, EXIT_NOT_FOUND),
        ("p.xlsx", b"PK", EXIT_USAGE),
        ("empty.csv", b"", EXIT_USAGE),
        ("twice.csv", b"a,a\n1,2\n", EXIT_USAGE),
    ],
)
def test_a_file_that_cannot_be_imported_is_refused_with_its_exit_code(
    tmp_path, name, content, code
):
    """Not there, not a known format, no header, a header that names a column twice."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ImportFailed) as failed:
        open_source(tmp_path / name)
    assert failed.value.exit_code == code


def test_a_file_is_known_again_by_its_bytes(tmp_path):
    """The hash depends on the content alone."""
    one = write_table(tmp_path / "a.csv", TABLE)
    same = write_table(tmp_path / "b.csv", TABLE)
    other = write_table(tmp_path / "c.csv", TABLE[:2])
    assert file_hash(one) == file_hash(same) != file_hash(other)


def test_a_spoiled_gzip_file_fails_in_words(tmp_path):
    """Its beginning is well and its stream is not."""
    path = tmp_path / "p.csv.gz"
    path.write_bytes(b"\x1f\x8b\x08\x00" + bytes(6) + b"garbage garbage garbage")
    with pytest.raises(ImportFailed, match="damaged"):
        open_source(path)


def test_a_spoiled_parquet_file_fails_in_words(tmp_path):
    """Its end names rows that are not there."""
    rows = [("sku", "name"), *((f"S{n}", f"Thing {n}") for n in range(20_000))]
    path = write_table(tmp_path / "p.parquet", rows)
    whole = path.read_bytes()
    path.write_bytes(whole[:4] + bytes(len(whole) // 2) + whole[4 + len(whole) // 2 :])
    with pytest.raises(ImportFailed, match=r"damaged|not a Parquet"):
        list(open_source(path).rows())
