"""Machines under a new name that have not heard yet that central has begun with it."""

import shutil
from pathlib import Path

import pytest

from store_client.replica import copies
from sync.protocol import errors
from sync.protocol.session import PushAnswer, PushHeader
from tests.support.bridge import Machine
from tests.support.central_world import build_world, whole_pickup
from tests.support.drills import check_agreed, handed_over, pass_time, serve
from tests.support.store_side import RealCentralSide

AN_HOUR_S = 3_600


@pytest.fixture
def store(database, tmp_path: Path):
    world = build_world(database, tmp_path / "central", on_hand=100)
    machine = Machine(tmp_path / "store", RealCentralSide(world))
    machine.enrol()
    machine.quiet()
    yield machine
    machine.close()


@pytest.mark.parametrize("is_disk_new", [False, True])
def test_a_copy_of_just_after_the_enrolment_is_put_back(
    store: Machine, tmp_path: Path, is_disk_new: bool
):
    """The copy has not begun with its new name, central has: it is that machine, and goes on."""
    serve(store)
    store.quiet()
    store.enrol(replace=True, anew=True)
    copies.back_up(store.store, "", tmp_path / "backup")
    serve(store, 2)
    store.quiet()
    pass_time(store, AN_HOUR_S)
    store.close()
    if is_disk_new:
        shutil.rmtree(store.folder)
    clock, files = store.side.world.clock, store.store.files
    copies.restore(files, clock, "", tmp_path / "backup", force=not is_disk_new)
    store.open()
    check_agreed(store)
    serve(store)
    check_agreed(store)
    assert not store.store.journal.is_duplicate()
    assert handed_over(store.side.world) == 8


def test_a_name_whose_first_answer_was_lost_is_kept(
    store: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Meanwhile a copy of the old disk hands in what it did under the former name."""
    world = store.side.world
    works = [world.fulfillments(world.place(("SKU-1", 2)).order_id)[0] for _ in range(2)]
    store.quiet()
    shutil.copytree(store.folder, tmp_path / "copy")
    copy = Machine(tmp_path / "copy", store.side)
    store.enrol(replace=True, anew=True)
    store.do(*whole_pickup(works[0]))
    send = store.endpoint.push

    def push(header: PushHeader, lines: tuple[bytes, ...]) -> PushAnswer:
        send(header, lines)
        raise errors.Unreachable("the answer is lost")

    with monkeypatch.context() as lost:
        lost.setattr(store.endpoint, "push", push)
        assert not store.round().ok
    copy.do(*whole_pickup(works[1]))
    copy.round()
    copy.close()
    check_agreed(store)
    assert not store.store.journal.is_duplicate()
    assert handed_over(world) == 2
