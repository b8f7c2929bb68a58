"""A world for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sync.edge.restores import a_shop
from tests.sync.edge.worlds import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[World]:
    """A store with work before a central, to be restored and copied."""
    made = a_shop(tmp_path / "store")
    yield made
    made.store.close()
