"""`central-server import` as a command: output, exit codes, what needs no central."""

import json

import pytest
import typer
from typer.testing import CliRunner

from central_server.importing.cli import _api_key, register
from central_server.importing.problems import EXIT_FAILED, EXIT_NOT_FOUND, EXIT_USAGE, ImportFailed
from central_server.sample import sample_path
from tests.central_server.importing.files import write_table

TABLE = (("sku", "name"), ("A", "one"), ("", "two"))


def run(*arguments: object):
    """Run the command; opening a central fails the test."""

    def no_central():
        raise AssertionError("this must not open a central")

    app = typer.Typer()
    register(app, no_central)
    app.callback()(lambda: None)
    return CliRunner().invoke(app, ["import", *map(str, arguments)])


def test_a_dry_run_checks_everything_and_opens_nothing(tmp_path):
    """With --json the summary is one document on stdout, its counts included."""
    file = write_table(tmp_path / "p.csv", TABLE)
    done = run("products", file, "--dry-run", "--json")
    assert done.exit_code == 0
    document = json.loads(done.stdout)
    assert (document["rows"], document["written"], document["bad"]) == (2, 1, 1)
    assert document["first_problems"][0]["row"] == 2


def test_bad_rows_fail_the_command_only_where_asked(tmp_path):
    """`--strict` is for scripts that must not go on after a bad row."""
    file = write_table(tmp_path / "p.csv", TABLE)
    assert run("products", file, "--dry-run").exit_code == 0
    assert run("products", file, "--dry-run", "--strict").exit_code == 1


def test_the_summary_for_people_names_the_first_problems(tmp_path):
    """Row, column, value and problem, and where all of them are."""
    report = tmp_path / "report.csv"
    file = write_table(tmp_path / "p.csv", TABLE)
    done = run("products", file, "--dry-run", "--report", report)
    assert "2 rows: 1 would be written" in done.stdout
    assert "row 2: sku ''" in done.stdout
    assert report.exists()


@pytest.mark.parametrize("kind", ["locations", "products", "prices", "stock", "associates"])
def test_the_sample_network_imports_as_it_is(kind):
    """The files that ship show the column names that need no mapping; no row of them is bad."""
    done = run(kind, sample_path(f"{kind}.csv"), "--dry-run", "--json")
    document = json.loads(done.stdout)
    assert document["bad"] == document["duplicates"] == document["warnings"] == 0
    assert document["written"] > 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("products", "nowhere.csv"), EXIT_NOT_FOUND),
        (("customers", "FILE"), EXIT_USAGE),
        (("products", "FILE", "--map", "nowhere.toml"), EXIT_NOT_FOUND),
        (("products", "FILE", "--batch", "0"), EXIT_USAGE),
        (("products", "FILE", "--whole"), EXIT_USAGE),
        (("products", "FILE", "--via", "http://central.invalid"), EXIT_USAGE),
        (("products", "FILE", "--encoding", "nonsense"), EXIT_USAGE),
        (("products", "FILE", "--delimiter", ";;"), EXIT_USAGE),
        (("products", "FILE", "--delimiter", '"'), EXIT_USAGE),
        (("products", "FILE", "--encoding", "utf-16"), EXIT_USAGE),
        (("products", "FILE", "--map", "."), EXIT_FAILED),
        (("orders", "FILE", "--via", "http://[", "--api-key-file", "FILE"), EXIT_USAGE),
        (("orders", "FILE", "--column", "order_number=sku", "--via", "http://x"), EXIT_USAGE),
    ],
)
def test_exit_codes_say_what_kind_of_failure_it_was(tmp_path, arguments, code):
    """Usage is 2, a missing file 3; the words go to stderr."""
    file = write_table(tmp_path / "p.csv", TABLE)
    done = run(*(file if argument == "FILE" else argument for argument in arguments))
    assert done.exit_code == code
    assert done.stdout == ""
    assert done.stderr.startswith("central-server import: ")


def test_an_api_key_is_read_as_editors_write_it(tmp_path):
    """With a byte order mark and a line's end; what cannot be a key is told before it is sent."""
    file = tmp_path / "key"
    file.write_bytes("\ufeffhs_abc_def\r\n".encode())
    assert _api_key(file) == "hs_abc_def"
    for wrong in (b"\xff\xfe", "clé".encode(), b"two\nlines"):
        file.write_bytes(wrong)
        with pytest.raises(ImportFailed, match="no API key"):
            _api_key(file)
