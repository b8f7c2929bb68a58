"""Drills with real stores and a real central: restores, copies, devices that were shut out."""

import shutil
from pathlib import Path

import pytest

from central_server.bootstrap import assemble, back_up, restore
from central_server.config import CentralSettings
from central_server.records import Lease
from central_server.services.verification import verify
from central_server.storage.database import Database
from store_client.replica import copies
from sync.domain import operations as op
from sync.protocol.verdicts import VerdictStatus
from tests.support.bridge import Machine
from tests.support.central_world import SECRET, World, build_world, whole_pickup
from tests.support.drills import check_agreed, handed_over, pass_time, serve
from tests.support.parcels import CARRIERS
from tests.support.store_side import RealCentralSide, share_by_escrow

HOUR_S, DAY_S = 3_600, 86_400


@pytest.fixture
def world(database, tmp_path: Path) -> World:
    return build_world(database, tmp_path / "central", on_hand=100)


@pytest.fixture
def side(world: World) -> RealCentralSide:
    return RealCentralSide(world)


@pytest.fixture
def store(side: RealCentralSide, tmp_path: Path):
    machine = Machine(tmp_path / "store", side)
    machine.enrol()
    machine.quiet()
    yield machine
    machine.close()


@pytest.mark.parametrize("since_s", [HOUR_S, 30 * DAY_S], ids=["an hour", "thirty days"])
def test_a_store_is_restored_from_its_backup(store: Machine, tmp_path: Path, since_s: int):
    """Backup, work, disk lost, restore, sync: everything is there once, and work goes on."""
    serve(store, 2)
    copies.back_up(store.store, "", tmp_path / "backup")
    pass_time(store, since_s)
    serve(store, 3)
    store.quiet()
    store.close()
    shutil.rmtree(store.folder)
    copies.restore(store.store.files, store.side.world.clock, "", tmp_path / "backup")
    store.open()
    check_agreed(store)
    serve(store)
    check_agreed(store)
    assert handed_over(store.side.world) == 12
    assert store.store.journal.count_verdicts(VerdictStatus.QUARANTINED) == 0


def test_work_done_before_central_is_heard_is_kept(store: Machine, tmp_path: Path):
    """Restored with the network cut: what is done then follows what central knew already."""
    first, second = serve(store), store.side.world.place(("SKU-1", 2))
    store.quiet()
    copies.back_up(store.store, "", tmp_path / "backup")
    serve(store)
    store.quiet()
    store.close()
    copies.restore(store.store.files, store.side.world.clock, "", tmp_path / "backup", force=True)
    store.open()
    (work,) = store.side.world.fulfillments(second.order_id)
    store.do(*whole_pickup(work))
    check_agreed(store)
    assert (len(first), handed_over(store.side.world)) == (1, 6)


def test_a_retired_device_that_returns_changes_nothing(store: Machine, tmp_path: Path):
    """Its work is kept whole, in quarantine; it hears nothing, and the new device goes on."""
    work = store.side.world.fulfillments(store.side.world.place(("SKU-1", 2)).order_id)[0]
    store.quiet()
    store.do(*whole_pickup(work))
    successor = Machine(tmp_path / "successor", store.side)
    successor.enrol(replace=True)
    report = store.round()
    assert (report.sent, report.rows) == (5, 0)
    assert not store.round().ok
    assert store.store.sync_state().halted
    with store.side.world.database.read() as view:
        held = view.journal.quarantined()
    assert {(one.replica_id, one.kind) for one in held} >= {(store.store.replica_id, "handed_over")}
    assert all("device_revoked" in str(one.verdict) for one in held)
    assert handed_over(store.side.world) == 0
    successor.do(*())
    check_agreed(successor)
    successor.close()


def test_a_revoked_device_without_work_is_refused_every_call(store: Machine):
    """Stolen: it gets no session, no rows and none of its own operations."""
    serve(store)
    store.quiet()
    store.side.world.parts.devices.revoke(store.store.replica_id)
    reports = [store.round(), store.round()]
    assert not any(report.ok for report in reports)
    store.endpoint.end_session()
    assert "revoked" in store.round().error
    listed = store.side.world.parts.devices.all("S001")
    assert [(one["id"], one["enabled"]) for one in listed] == [(store.store.replica_id, False)]


def test_a_device_enrolled_anew_takes_its_work_along(store: Machine):
    """Shut out with work on board, then let in again: the work counts, once."""
    serve(store)
    work = store.side.world.fulfillments(store.side.world.place(("SKU-1", 2)).order_id)[0]
    store.quiet()
    store.do(*whole_pickup(work))
    store.side.world.parts.devices.revoke(store.store.replica_id)
    store.enrol(anew=True)
    check_agreed(store)
    assert handed_over(store.side.world) == 4


@pytest.mark.parametrize("is_copy_active", [True, False])
def test_a_clone_beside_the_original(store: Machine, tmp_path: Path, is_copy_active: bool):
    """The original goes on; the copy sends nothing, and takes its work over when enrolled anew."""
    world = store.side.world
    serve(store)
    work = world.fulfillments(world.place(("SKU-1", 2)).order_id)[0]
    store.quiet()
    shutil.copytree(store.folder, tmp_path / "clone")
    clone = Machine(tmp_path / "clone", store.side)
    if is_copy_active:
        clone.do(op.FulfillmentAccepted(work.id))
    for _ in range(3):
        serve(store)
        assert store.round().ok
        clone.round()
    assert clone.store.journal.is_duplicate() or not is_copy_active
    check_agreed(store)
    clone.enrol(replace=True, anew=True)
    check_agreed(clone)
    assert handed_over(world) == 8
    clone.close()


# --- central itself: the embedded database ----------------------------------------------------


class Embedded:
    """A central on a file that can be copied, lost and put back."""

    def __init__(self, url: str, folder: Path) -> None:
        self.settings = CentralSettings(data_dir=folder, database_url=url, server_secret=SECRET)
        self.world = build_world(Database.open(url), folder, on_hand=100)

    def restore(self, file: Path) -> None:
        """Stop, put the copy back, and start again."""
        self.world.database.close()
        restore(self.settings, file, self.world.clock)
        database = Database.open(self.settings.url)
        old = self.world
        parts = assemble(
            self.settings, database, clock=old.clock, random=old.parts.random,
            notifier=old.notifier,
        )  # fmt: skip
        self.world = World(parts, old.clock, old.notifier, old.keys)


@pytest.fixture
def embedded(make_sqlite_url, tmp_path: Path):
    central = Embedded(make_sqlite_url(), tmp_path / "central")
    yield central
    central.world.database.close()


@pytest.fixture
def shop(embedded: Embedded, tmp_path: Path):
    machine = Machine(tmp_path / "store", RealCentralSide(embedded.world))
    machine.enrol()
    machine.quiet()
    yield machine
    machine.close()


def drill(embedded: Embedded, shop: Machine, file: Path) -> None:
    embedded.restore(file)
    shop.side.world = embedded.world


def test_central_is_restored_to_an_hour_ago(embedded: Embedded, shop: Machine, tmp_path: Path):
    """Hand-overs that the copy does not have are sent again, and known exactly once."""
    serve(shop)
    waiting = [embedded.world.place(("SKU-1", 2)) for _ in range(2)]
    shop.quiet()
    back_up(embedded.settings, tmp_path / "central.db")
    pass_time(shop, HOUR_S)
    for placed in waiting:
        shop.do(*whole_pickup(embedded.world.fulfillments(placed.order_id)[0]))
    shop.quiet()
    assert handed_over(embedded.world) == 6
    drill(embedded, shop, tmp_path / "central.db")
    assert handed_over(embedded.world) == 2
    check_agreed(shop)
    assert handed_over(embedded.world) == 6
    drill(embedded, shop, tmp_path / "central.db")
    check_agreed(shop)
    assert handed_over(embedded.world) == 6


def test_no_label_number_is_given_twice_across_restores(
    embedded: Embedded, shop: Machine, tmp_path: Path
):
    """Parcels under numbers that the copy has not given out are on their way: never the same again.

    Nor are those that were given out between two restores of the same copy, or
    after one by the database's own tools.
    """
    embedded.world.parts.intake.carriers(CARRIERS)
    back_up(embedded.settings, tmp_path / "central.db")

    def given_out() -> list[str]:
        return list(embedded.world.database.write(lambda unit: take(unit, 4)))

    def take(unit, count):
        return unit.shipping.take_numbers("swift", count)

    numbers = given_out()
    for _ in range(2):
        drill(embedded, shop, tmp_path / "central.db")
        numbers += given_out()
    embedded.world.parts.begin_new_life()
    numbers += given_out()
    assert len(set(numbers)) == len(numbers) == 16


def test_an_order_that_only_the_store_remembers_is_held_for_a_person(
    embedded: Embedded, shop: Machine, tmp_path: Path
):
    """Placed after the copy and handed over: central cannot know the order, and keeps the work."""
    back_up(embedded.settings, tmp_path / "central.db")
    serve(shop)
    shop.quiet()
    drill(embedded, shop, tmp_path / "central.db")
    shop.quiet()
    with embedded.world.database.read() as view:
        held = view.journal.quarantined()
    assert len(held) == 5
    assert shop.store.journal.count_verdicts(VerdictStatus.QUARANTINED) == 5
    assert verify(embedded.world.database) == []


def test_what_a_person_settled_after_the_copy_is_held_again_on_both_sides(
    embedded: Embedded, shop: Machine, tmp_path: Path
):
    """Work of a device that was shut out, approved; the copy is of before that."""
    (work,) = embedded.world.fulfillments(embedded.world.place(("SKU-1", 2)).order_id)
    shop.quiet()
    shop.do(*whole_pickup(work))
    embedded.world.parts.devices.revoke(shop.store.replica_id)
    shop.round()
    name = shop.store.replica_id
    back_up(embedded.settings, tmp_path / "central.db")
    shop.enrol(replace=True, anew=True)
    shop.quiet()
    embedded.world.parts.central.quarantine.retry_all(name, by="Ann")
    shop.quiet()
    assert shop.store.journal.count_verdicts(VerdictStatus.QUARANTINED) == 0
    drill(embedded, shop, tmp_path / "central.db")
    shop.enrol(replace=True, anew=True)
    shop.quiet()
    assert shop.store.journal.count_verdicts(VerdictStatus.QUARANTINED) == 5
    embedded.world.parts.central.quarantine.retry_all(name, by="Ann")
    check_agreed(shop)
    assert handed_over(embedded.world) == 2
    assert shop.store.journal.count_verdicts(VerdictStatus.QUARANTINED) == 0


def test_both_are_restored(embedded: Embedded, shop: Machine, tmp_path: Path):
    """Store and central to different moments: they meet again, and nothing counts twice."""
    waiting = [embedded.world.place(("SKU-1", 2)) for _ in range(4)]
    shop.quiet()
    works = [embedded.world.fulfillments(one.order_id)[0] for one in waiting]
    shop.do(*whole_pickup(works[0]))
    copies.back_up(shop.store, "", tmp_path / "backup")
    shop.do(*whole_pickup(works[1]))
    shop.quiet()
    back_up(embedded.settings, tmp_path / "central.db")
    shop.do(*whole_pickup(works[2]))
    shop.quiet()
    shop.close()
    copies.restore(shop.store.files, embedded.world.clock, "", tmp_path / "backup", force=True)
    shop.open()
    drill(embedded, shop, tmp_path / "central.db")
    check_agreed(shop)
    shop.do(*whole_pickup(works[3]))
    check_agreed(shop)
    assert handed_over(embedded.world) == 6
    assert "are lost" in shop.store.sync_state().alerts[0]


def test_central_is_restored_to_before_what_the_store_still_keeps(
    embedded: Embedded, shop: Machine, tmp_path: Path
):
    """The store goes on by itself; what nobody has is told there, and has an owner at central."""
    waiting = [embedded.world.place(("SKU-1", 2)) for _ in range(3)]
    shop.quiet()
    works = [embedded.world.fulfillments(one.order_id)[0] for one in waiting]
    back_up(embedded.settings, tmp_path / "central.db")
    first, (begun, *rest), third = map(whole_pickup, works)
    for done, days in ((first, 1), ([begun], 46)):
        shop.do(*done)
        shop.quiet()
        pass_time(shop, days * DAY_S)
    shop.quiet()
    shop.do(*rest)
    assert shop.store.journal.prune(embedded.world.clock.now_ms()) == len(first)
    shop.do(*third)
    for _ in range(2):
        drill(embedded, shop, tmp_path / "central.db")
        check_agreed(shop)
        assert shop.store.journal.backlog() == 0
        assert handed_over(embedded.world) == 4
        (alert,) = [one for one in shop.store.sync_state().alerts if "lost" in one]
        with embedded.world.database.read() as view:
            (lost,) = [one for one in view.exceptions.list_open() if one.kind == "work_lost"]
        assert lost.owner == "central"
        assert alert.split(" are lost")[0] in str(lost.detail)


def test_a_name_that_the_copy_does_not_know_is_no_loss(
    embedded: Embedded, shop: Machine, tmp_path: Path
):
    """Enrolled anew twice, once after the copy and once after the restore: all work is there."""
    waiting = [embedded.world.place(("SKU-1", 2)) for _ in range(3)]
    works = [embedded.world.fulfillments(one.order_id)[0] for one in waiting]
    shop.quiet()
    back_up(embedded.settings, tmp_path / "central.db")
    shop.do(*whole_pickup(works[0]))
    shop.quiet()
    shop.enrol(replace=True, anew=True)
    shop.do(*whole_pickup(works[1]))
    check_agreed(shop)
    drill(embedded, shop, tmp_path / "central.db")
    shop.do(*whole_pickup(works[2]))
    assert not shop.round().ok
    shop.enrol(replace=True, anew=True)
    check_agreed(shop)
    assert handed_over(embedded.world) == 6
    assert shop.store.journal.count_verdicts(VerdictStatus.QUARANTINED) == 0


def test_no_lease_outlives_a_restore(embedded: Embedded, shop: Machine, tmp_path: Path):
    """What was promised since the copy central does not know: first it hears the store."""
    share_by_escrow(embedded.world, floor_percent=20)
    for _ in range(2):
        shop.quiet()
    assert lease_of(embedded).is_alive(embedded.world.clock.now_ms())
    back_up(embedded.settings, tmp_path / "central.db")
    drill(embedded, shop, tmp_path / "central.db")
    assert not lease_of(embedded).is_alive(embedded.world.clock.now_ms())
    for _ in range(2):
        shop.quiet()
    check_agreed(shop)
    assert lease_of(embedded).is_alive(embedded.world.clock.now_ms())


def lease_of(embedded: Embedded) -> Lease:
    with embedded.world.database.read() as view:
        found = view.leases.get("S001")
    assert found is not None
    return found


def test_rights_that_a_shut_out_device_granted_count_on_neither_side(
    embedded: Embedded, shop: Machine
):
    """They are held back with its other work; under its new name the store grants anew."""
    share_by_escrow(embedded.world, floor_percent=20)
    for _ in range(2):
        shop.quiet()
    embedded.world.parts.devices.revoke(shop.store.replica_id)
    pass_time(shop, 3 * HOUR_S)
    for _ in range(2):
        shop.round()
    shop.enrol(anew=True)
    for _ in range(2):
        shop.quiet()
    check_agreed(shop)
    with embedded.world.database.read() as view:
        (row,) = view.stock.rows("S001", ["SKU-1"])
        generation = lease_of(embedded).generation
    (share,) = shop.store.shares.shares(["SKU-1"])
    assert row.rights.within(generation).online == share.online > 0


def test_what_does_not_add_up_is_found(embedded: Embedded, shop: Machine):
    """A stock figure, a line or a row that was changed by hand is named."""
    serve(shop)
    shop.quiet()
    assert verify(embedded.world.database) == []

    def meddle(unit):
        for statement in (
            "UPDATE stock SET on_hand = on_hand + 1 WHERE sku = 'SKU-2' AND location_id = 'S001'",
            "UPDATE op_log SET line = X'00' WHERE seq = 2",
            "DELETE FROM feed_rows WHERE key = 'SKU-3' AND scope = 'store:S001'",
        ):
            unit.connection.exec_driver_sql(statement)

    embedded.world.database.write(meddle)
    found = "\n".join(verify(embedded.world.database))
    assert "stock of SKU-2 at S001" in found
    assert "operation 2 of" in found
    assert "rows of store:S001" in found
