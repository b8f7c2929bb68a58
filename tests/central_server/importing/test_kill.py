"""A real import, killed for real."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from central_server.storage.database import Database
from tests.central_server.importing.files import write_table

ROWS = 30_000
SECONDS_MAX = 60


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "central_server", *map(str, arguments)]


@pytest.mark.slow
@pytest.mark.process
def test_an_import_killed_with_9_goes_on_from_its_last_batch(tmp_path: Path):
    """What was committed is skipped, the rest is written, and every row is there once."""
    url = f"sqlite:///{tmp_path / 'central.db'}"
    environment = {
        **os.environ,
        "HOLDSHELF_CENTRAL_DATA_DIR": str(tmp_path),
        "HOLDSHELF_CENTRAL_DATABASE_URL": url,
        "HOLDSHELF_CENTRAL_SERVER_SECRET": "s" * 40,
    }
    rows = [("sku", "name"), *((f"P{n:05}", f"Thing {n}") for n in range(ROWS))]
    file = write_table(tmp_path / "products.csv", rows)
    subprocess.run(command("migrate"), env=environment, check=True, capture_output=True)
    arguments = command("import", "products", file, "--batch", "200", "--json")
    process = subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL)
    database = Database.open(url)
    try:
        deadline = time.monotonic() + SECONDS_MAX
        while _count(database) == 0:
            assert process.poll() is None
            assert time.monotonic() < deadline
        process.kill()
        process.wait()
        before = _count(database)
        assert 0 < before < ROWS
        done = subprocess.run(
            arguments, env=environment, check=True, capture_output=True, text=True
        )
        said = json.loads(done.stdout)
        assert said["resumed_after"] == said["unchanged"] == before
        assert said["written"] == ROWS - before
        assert _count(database) == ROWS
        with database.read() as view:
            assert view.feed.scope("catalogue").rev == ROWS
    finally:
        database.close()


def _count(database: Database) -> int:
    with database.read() as view:
        return view.catalogue.count()
