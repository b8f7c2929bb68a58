"""A small central on each engine, by itself or with a second worker beside it."""

from collections.abc import Callable, Iterator

import pytest

from central_server.storage.database import Database
from tests.support.central_world import Workers, World, build_world, second_worker
from tests.support.parcels import CARRIERS

ENGINES = [
    pytest.param(("sqlite", False), id="sqlite"),
    pytest.param(("postgresql", False), id="postgresql", marks=pytest.mark.postgres),
    pytest.param(("postgresql", True), id="two workers", marks=pytest.mark.postgres),
]


@pytest.fixture
def world(database, tmp_path) -> World:
    """Three stores with ten of everything."""
    return build_world(database, tmp_path)


@pytest.fixture
def shipping(world: World) -> World:
    """The same, with two carriers that come to every store."""
    world.parts.intake.carriers(CARRIERS)
    return world


@pytest.fixture(params=ENGINES)
def workers(request: pytest.FixtureRequest, tmp_path) -> Iterator[Workers]:
    """The same central, on PostgreSQL also as two processes have it: nothing is shared but rows."""
    engine, are_two = request.param
    make: Callable[[], str] = request.getfixturevalue(f"make_{engine}_url")
    url = make()
    opened = [Database.open(url)]
    worlds = [build_world(opened[0], tmp_path)]
    if are_two:
        opened.append(Database.open(url))
        worlds.append(second_worker(worlds[0], opened[1]))
    yield Workers(worlds)
    for one in opened:
        one.close()
