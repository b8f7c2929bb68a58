"""A store that has heard everything."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sync.edge.worlds import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    made.quiet()
    yield made
    made.store.close()
