"""Imports at the same moment: one of a kind, and whoever comes second is told."""

import pytest

from central_server.importing.job import ImportOptions, ImportRun
from central_server.importing.problems import EXIT_CONFLICT, ImportFailed
from central_server.importing.sinks import DatabaseSink
from tests.central_server.importing.importer import PRODUCTS, Importer


@pytest.fixture
def meanwhile(monkeypatch):
    """Returns what has something done before the next batch is written."""

    def arrange(work) -> None:
        write = DatabaseSink.write

        def and_before(sink, *arguments):
            monkeypatch.setattr(DatabaseSink, "write", write)
            work()
            return write(sink, *arguments)

        monkeypatch.setattr(DatabaseSink, "write", and_before)

    return arrange


def test_the_same_file_at_once_is_imported_once_and_the_second_is_told(importer, meanwhile):
    """It failed with a traceback, or went on from the first one's rows and wrote them again."""
    caught = []

    def second() -> None:
        with pytest.raises(ImportFailed, match="another import of products goes on") as failed:
            importer("products", PRODUCTS)
        caught.append(failed.value.exit_code)

    meanwhile(second)
    counts = importer("products", PRODUCTS, batch=10).counts
    assert (counts.written, caught) == (25, [EXIT_CONFLICT])
    assert importer("products", PRODUCTS).already_done


def test_another_kind_is_imported_meanwhile(importer, meanwhile):
    """Kinds do not touch each other's rows."""
    file = importer.folder / "locations.csv"
    file.write_text(
        "location_id,name,latitude,longitude,timezone\nS1,One,40.0,-80.0,America/New_York\n"
    )
    done = []

    def other() -> None:
        run = ImportRun(ImportOptions("locations", file), importer.clock)
        done.append(run.into(importer.target).counts.written)

    meanwhile(other)
    assert importer("products", PRODUCTS).counts.written == 25
    assert done == [1]


def test_an_import_that_failed_is_in_nobodys_way(importer: Importer, meanwhile):
    """Whatever ended it: the next one goes on."""

    def fails() -> None:
        raise KeyboardInterrupt

    meanwhile(fails)
    with pytest.raises(KeyboardInterrupt):
        importer("products", PRODUCTS)
    assert importer("products", PRODUCTS).counts.written == 25
