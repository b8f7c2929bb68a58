"""Where tests put their files: in memory, but never where there is no room."""

from pathlib import Path
from tempfile import gettempdir

import pytest

from tests.support import scratch


def test_memory_is_taken_where_it_has_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A folder with room, from which programs may be run, is taken."""
    monkeypatch.setattr(scratch, "IN_MEMORY", str(tmp_path))
    monkeypatch.setattr(scratch, "ROOM_MIN", 1)
    assert scratch.scratch_folder() == str(tmp_path)


def test_memory_that_is_small_or_missing_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """A container often has 64 MB of it, another system none: tests go to the disk then."""
    monkeypatch.setattr(scratch, "IN_MEMORY", str(tmp_path))
    monkeypatch.setattr(scratch, "ROOM_MIN", 2**60)
    assert scratch.scratch_folder() == gettempdir()
    monkeypatch.setattr(scratch, "ROOM_MIN", 1)
    monkeypatch.setattr(scratch, "IN_MEMORY", str(tmp_path / "missing"))
    assert scratch.scratch_folder() == gettempdir()
