"""A central with three stores on each engine, one of them with a real machine."""

from pathlib import Path

import pytest

from tests.support.central_world import World, build_world
from tests.support.store_side import StoreSide, share_by_escrow


@pytest.fixture
def world(database, tmp_path: Path) -> World:
    """Three stores with ten of everything, sharing by escrow, keeping two of each."""
    world = build_world(database, tmp_path / "central")
    share_by_escrow(world, floor_percent=20)
    return world


@pytest.fixture
def store(world: World, tmp_path: Path):
    """The machine of S001, in step with central."""
    store = StoreSide(world, tmp_path / "one")
    store.settle()
    yield store
    store.store.close()


@pytest.fixture
def neighbor(world: World, tmp_path: Path):
    """The machine of S002, in step with central."""
    store = StoreSide(world, tmp_path / "two", "S002")
    store.settle()
    yield store
    store.store.close()
