"""How SQLite finds what the queries that are asked all the time ask for."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module

import pytest
from sqlalchemy import create_engine

from central_server import storage
from central_server.storage.prepared import Prepared
from central_server.storage.tables import METADATA

SMALL = {"meta", "locations", "leases", "promise_revision"}
"""Tables of a row, or of one for each store."""


def prepared() -> Iterator[tuple[str, Prepared]]:
    """Yield every query of the storage by name; one with and without locks once."""
    for module in pkgutil.iter_modules(storage.__path__, storage.__name__ + "."):
        if not module.ispkg:
            for name, value in vars(import_module(module.name)).items():
                found = value[False] if isinstance(value, dict) and False in value else value
                if isinstance(found, Prepared):
                    yield f"{module.name.rpartition('.')[2]}.{name}", found


@pytest.fixture(scope="module")
def empty():
    """A connection to all tables, without statistics: so is every central on SQLite."""
    engine = create_engine("sqlite://")
    METADATA.create_all(engine)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.mark.parametrize(("name", "query"), list(prepared()), ids=lambda one: str(one)[:40])
def test_no_query_walks_all_of_a_table_that_grows(empty, name: str, query: Prepared):
    """A push asks a dozen of them: with a year of orders none may read all orders."""
    text = query._text_for(empty)
    given = [0] * len(text.order or ())
    plan = empty.connection.execute(f"EXPLAIN QUERY PLAN {text.sql}", given).fetchall()
    walked = {
        words[1]
        for words in (step[3].split() for step in plan)
        if words[0] == "SCAN"
        and words[1] not in {"CONSTANT", "json_each"}
        and not words[1].startswith("(subquery-")  # what another step has found
    }
    assert walked <= SMALL, f"{name}: {[step[3] for step in plan]}"
