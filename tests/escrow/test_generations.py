"""A generation of rights begins when all that was promised before it is known, and not sooner."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sync.domain.escrow import EscrowPolicy
from sync.edge import daemon, held
from sync.edge.journal import Journal
from sync.hub.epochs import RIVAL_MS
from sync.protocol import errors
from sync.protocol.endpoint import SyncEndpoint
from sync.protocol.verdicts import Verdict, VerdictStatus
from tests.escrow.test_replaced import agree, lease_of, online, pass_time, row_of
from tests.support.central_world import World
from tests.support.store_side import POLICY, StoreSide


def test_a_machine_that_is_shut_out_begins_none(world: World, store: StoreSide):
    """It met a restored central, the pull was cut, and it is replaced before it asks again."""
    world.place(("SKU-1", 3))
    world.parts.begin_new_life()
    store.faulty.cut_before("pull")
    assert not store.round().ok
    store.faulty.restore()
    store.sell(1)
    world.parts.central.enrolment.create_code("S001", replace=True)
    assert store.round().sent == 1
    assert store.store.journal.rights.expected() == 2
    assert store.share().floor == 1


def test_a_restored_central_is_asked_what_became_of_held_work_until_it_answers(
    world: World, store: StoreSide, monkeypatch: pytest.MonkeyPatch
):
    """Meeting it failed halfway: the next round begins with that again, not behind it."""
    asked: list[Journal] = []

    def fails_at_first(endpoint: SyncEndpoint, journal: Journal) -> None:
        asked.append(journal)
        if len(asked) == 1:
            raise errors.Unreachable("the line broke")
        held.learn_again(endpoint, journal)

    monkeypatch.setattr(daemon, "learn_again", fails_at_first)
    world.parts.begin_new_life()
    assert not store.round().ok
    agree(world, store)
    assert len(asked) == 2


def test_no_lease_lives_on_rights_whose_end_central_holds_back(world: World, store: StoreSide):
    """It cannot know that they ended; what a name before had granted is void anyway."""
    journal, keeper = store.store.journal, store.daemon._keeper
    granted = journal.first_seq("rights", "rights_granted")
    assert granted is not None
    assert keeper.token_to_send(is_last_push=True) > 0
    poison = Verdict(seq=granted, status=VerdictStatus.QUARANTINED, code="poison", text="")
    with journal.writing():
        journal.keep_verdicts(1, [poison])
    assert keeper.token_to_send(is_last_push=True) == 0
    world.parts.devices.revoke(store.store.replica_id)
    store.enrol_anew()
    agree(world, store)
    keeper = store.daemon._keeper
    assert keeper.token_to_send(is_last_push=True) > 0


def test_a_disk_that_was_put_back_waits_for_what_was_promised(
    world: World, store: StoreSide, tmp_path: Path
):
    """Its own later generations come back with its operations, the promises with the pull."""
    store.store.close()
    shutil.copytree(store.folder, tmp_path / "disk")
    store.open()
    world.place(("SKU-1", 3))
    store.settle()
    store.cut()
    pass_time(world, POLICY.reclaim_after_ms, store)
    store.round()
    store.settle()
    assert (store.store.journal.rights.generation(), store.share().floor) == (2, 2)
    store.store.close()
    shutil.rmtree(store.folder)
    shutil.copytree(tmp_path / "disk", store.folder)
    store.open()
    store.reboot("boot-2")
    pass_time(world, RIVAL_MS, store)
    store.faulty.restore()
    store.faulty.cut_before("pull")
    report = store.round()
    assert report.error == "the network is cut"
    assert store.store.journal.rights.generation() == 1
    assert store.share().floor == 2
    pass_time(world, RIVAL_MS, store)
    agree(world, store)
    assert store.store.journal.rights.generation() == 3


def unreachable(*_: object) -> Any:
    raise errors.Unreachable("no catalogue today")


def test_a_catalogue_that_never_comes_keeps_none_waiting(
    world: World, store: StoreSide, monkeypatch: pytest.MonkeyPatch
):
    """Promises are confirmed and rights granted as soon as the store's own rows are in."""
    (work,) = world.fulfillments(world.place(("SKU-1", 1)).order_id)
    world.parts.begin_new_life()
    inner: Any = store.faulty._inner
    pull: Callable[..., Any] = inner.pull

    def only_ours(scope: str, *rest: object) -> Any:
        return pull(scope, *rest) if scope.startswith("store:") else unreachable()

    monkeypatch.setattr(inner, "pull", only_ours)
    monkeypatch.setattr(inner, "manifest", unreachable)
    for _ in range(3):
        pass_time(world, 60_000, store)
        assert not store.round().ok
    assert store.store.journal.rights.expected() is None
    assert store.store.journal.rights.generation() == lease_of(world).generation == 2
    assert work.location_id == "S001"
    assert online(world) == 7
    with world.database.read() as view:
        (here,) = view.fulfillments.get_many([work.id]).values()
    assert not here.row.order.is_unconfirmed


@pytest.mark.parametrize(("who_knows", "generation"), [("both", 4), ("central", 3), ("nobody", 3)])
def test_sharing_that_is_switched_off_and_on_goes_on(
    world: World, store: StoreSide, who_knows: str, generation: int
):
    """What was granted before is worth nothing once both know: until then it goes by rights."""
    for _ in range(2):
        store.cut()
        pass_time(world, POLICY.reclaim_after_ms, store)
        store.round()
        store.settle()
    assert lease_of(world).generation == 3
    with world.database.read() as view:
        places = view.locations.all()
    world.parts.intake.locations([replace(one, escrow=EscrowPolicy()) for one in places])
    if who_knows == "both":
        store.settle()
    if who_knows == "central":
        store.faulty.cut_before("pull")
        assert not store.round().ok
    placed = world.place(("SKU-1", 4))
    assert [one.location_id for one in world.fulfillments(placed.order_id)] == ["S001"]
    world.parts.intake.locations(places)
    store.faulty.restore()
    for _ in range(3):
        pass_time(world, 60_000, store)
        assert store.round().ok
    assert lease_of(world).generation == generation
    assert (online(world), row_of(world).allocated) == (4, 4)
    agree(world, store)
    (work,) = world.fulfillments(world.place(("SKU-2", 1)).order_id)
    assert work.location_id == "S001"


def test_a_central_that_is_restored_while_it_is_read_is_noticed(
    world: World, store: StoreSide, monkeypatch: pytest.MonkeyPatch
):
    """Its answer was of the life before; its rows are taken in after a greeting."""
    world.place(("SKU-1", 3))
    inner: Any = store.faulty._inner
    pull: Callable[..., Any] = inner.pull
    restores = [world.parts.begin_new_life]

    def restored(*asked: object) -> Any:
        if restores:
            restores.pop()()
        return pull(*asked)

    monkeypatch.setattr(inner, "pull", restored)
    assert store.round().error == "central was restored a moment ago"
    agree(world, store)
    assert store.store.journal.rights.generation() == 2
