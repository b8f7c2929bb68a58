"""A small central for stories."""

import pytest

from tests.scenarios.world import Retail
from tests.support.central_world import World, build_world


@pytest.fixture
def sqlite_world(sqlite_database, tmp_path) -> World:
    """Three stores with ten of everything."""
    return build_world(sqlite_database, tmp_path)


@pytest.fixture
def retail(sqlite_world: World, tmp_path) -> Retail:
    """Three stores with ten of everything."""
    return Retail(sqlite_world, tmp_path)
