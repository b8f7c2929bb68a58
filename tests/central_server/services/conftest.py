"""A small central on each engine."""

import pytest

from tests.support.central_world import World, build_world


@pytest.fixture
def world(database, tmp_path) -> World:
    """Three stores with ten of everything."""
    return build_world(database, tmp_path)
