"""The baseline of placing orders is what central sends for an order, statement by statement."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from central_server.storage.database import Database
from central_server.storage.tables import METADATA
from tests.benchmarks import pgbench
from tests.benchmarks.load import Mix
from tests.support.central_world import build_world
from tests.support.network import Size, fill
from tests.support.postgresql import PostgresqlServer

SIZE = Size(stores=2, skus=30, stocked=30, on_hand=10_000)
ORDER = (("SKU-1", 1), ("SKU-2", 1), ("SKU-3", 1))
pytestmark = [pytest.mark.postgres, pytest.mark.slow]


def kind(statement: str) -> str:
    """Return what a statement does to which table, the first that it names."""
    words = statement.split()
    named = re.findall(r'\b(?:FROM|JOIN|INTO|UPDATE)\s+"?(\w+)', statement)
    table = next((one for one in named if one in METADATA.tables), "")
    return f"{words[0]} {table or words[1].partition('(')[0]}"


def sent(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> list[str]:
    """Return the statements that `act` sends to PostgreSQL, whichever way they take."""
    found: list[str] = []
    for name in ("execute", "executemany"):
        real = getattr(psycopg.Cursor, name)

        def spy(cursor: Any, query: Any, *rest: Any, _real: Any = real, **more: Any) -> Any:
            found.append(str(query))
            return _real(cursor, query, *rest, **more)

        monkeypatch.setattr(psycopg.Cursor, name, spy)
    act()
    return [one for one in found if one.strip(" ;")]


def test_the_script_is_what_central_sends(
    postgresql_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same statements in the same order: who changes how orders are placed changes it too."""
    world = build_world(postgresql_database, tmp_path / "central")
    world.place(*ORDER)
    by_central = sent(monkeypatch, lambda: world.place(*ORDER))
    lines = pgbench.script(Mix(stores=2, skus=30)).splitlines()
    by_script = [one for one in lines if one and not one.startswith(("\\", "BEGIN", "COMMIT"))]
    assert list(map(kind, by_script)) == list(map(kind, by_central))


@pytest.mark.parametrize("lines", [3, 1])
def test_the_script_runs(
    make_postgresql_url: Callable[[], str], postgresql_server: PostgresqlServer, tmp_path: Path,
    lines: int,
) -> None:  # fmt: skip
    """Against a network as the benchmark makes it: orders are there afterwards, and their rows."""
    url = make_postgresql_url()
    database = Database.open(url)
    fill(build_world(database, tmp_path / "central").parts, SIZE, people=False)
    name = str(make_url(url).database)
    assert pgbench.orders_per_s(postgresql_server, name, Mix(2, 30, lines), 1) > 0
    with database.read() as view:
        counted = view.connection.execute(
            text("SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM order_lines)")
        ).one()
    database.close()
    assert counted[0] > 0
    assert counted[1] == lines * counted[0]
