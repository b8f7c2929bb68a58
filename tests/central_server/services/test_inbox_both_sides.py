"""Exceptions and settled verdicts through the real edge and hub: what one side does, both see."""

from random import Random

import pytest

from central_server.records import ExceptionFilter
from store_client.flows.pickup import commands
from store_client.replica.models import FateState
from store_client.services import inbox
from store_client.services.desk import Actor, Desk
from sync.domain.errors import OperationRefused
from sync.domain.exceptions import HOUR_MS, shown_to_store
from sync.domain.fulfillment import ShortReason
from sync.domain.ids import OpId
from sync.domain.people import Role
from sync.hub.acceptor import WAITS_BEHIND
from sync.transport.faulty import Faults
from tests.support.central_world import build_world
from tests.support.store_side import StoreSide

STEPS = 70


@pytest.fixture
def store(world, tmp_path):
    """The machine of S001, in step with central."""
    made = StoreSide(world, tmp_path / "one")
    made.settle()
    yield made
    made.store.close()


class Bug:
    """A fault in central's rules that comes and goes."""

    def __init__(self, monkeypatch) -> None:
        from central_server.services.replication import Replication

        self.kinds: set[str] = set()
        judged = Replication.apply

        def apply(applier, op_id, record):
            if record.op.kind in self.kinds:
                raise RuntimeError("a bug")
            return judged(applier, op_id, record)

        monkeypatch.setattr(Replication, "apply", apply)


@pytest.fixture
def bug(monkeypatch) -> Bug:
    return Bug(monkeypatch)


def desk_of(store: StoreSide) -> Desk:
    return Desk(store.store, store.clock, Actor("A1", "Ann", Role.ASSOCIATE), "T1")


def open_ones(world):
    found, _ = world.parts.central.exceptions.page(ExceptionFilter(), None, 200)
    return found


def take_all(store: StoreSide, order) -> None:
    for line in order.lines:
        commands.pick_by_hand(desk_of(store), order.id, line.line, line.allocated)


def test_what_a_person_settles_is_what_the_store_shows(world, store, bug):
    """Held at first, then accepted: the same fate on both sides, and nothing left to look at."""
    placed = world.place(("SKU-1", 2))
    store.settle()
    (order,) = world.fulfillments(placed.order_id)
    bug.kinds = {"line_picked"}
    take_all(store, order)
    commands.stage(desk_of(store), order.id, "A1")
    store.settle()
    assert [one.kind for one in store.store.exceptions()] == ["quarantined"]
    assert store.store.sync_state().quarantined == 2
    bug.kinds = set()
    desk = world.parts.central.quarantine
    desk.retry(OpId(store.store.replica_id, 1, 1), by="Ann")
    store.settle()
    assert [one.state for one in store.store.operations()] == [FateState.ACCEPTED] * 2
    assert store.store.exceptions() == []
    assert store.store.sync_state().quarantined == 0
    assert store.differences() == []


def test_what_is_skipped_leaves_the_stores_view(world, store, bug):
    """Set aside: the store reads why, and sees the order as central has it."""
    placed = world.place(("SKU-1", 2))
    store.settle()
    (order,) = world.fulfillments(placed.order_id)
    bug.kinds = {"line_picked"}
    take_all(store, order)
    store.settle()
    assert store.store.fulfillment(order.id).total("picked") == 2
    desk = world.parts.central.quarantine
    desk.skip(OpId(store.store.replica_id, 1, 1), by="Ann", reason="scanned in training")
    store.settle()
    (fate,) = store.store.operations()
    assert (fate.state, "scanned in training" in fate.text) == (FateState.REFUSED, True)
    assert store.store.fulfillment(order.id).total("picked") == 0
    assert store.differences() == []


def test_lost_answers_lose_no_verdict(world, store, bug):
    """Central settled while the store had not even heard that it was held: one fate."""
    placed = world.place(("SKU-1", 2))
    store.settle()
    (order,) = world.fulfillments(placed.order_id)
    bug.kinds = {"line_picked"}
    take_all(store, order)
    store.faulty.faults = Faults(lose_answer=1.0)
    store.round()
    store.faulty.faults = Faults()
    assert store.store.sync_state().quarantined == 0
    bug.kinds = set()
    world.parts.central.quarantine.retry(OpId(store.store.replica_id, 1, 1), by="Ann")
    store.settle()
    assert [one.state for one in store.store.operations()] == [FateState.ACCEPTED]
    assert store.differences() == []


def test_done_offline_closes_it_at_central(world, store):
    """The word given without a network is on the disk, and counts once there is one."""
    identity_order = world.new_order(("SKU-1", 2), email="")
    from central_server.services.idempotency import RequestIdentity

    world.parts.central.orders.place(identity_order, RequestIdentity("test", "silent", "body"))
    store.settle()
    (row,) = store.store.board("pickup")
    commands.reject(desk_of(store), row.id, ShortReason.STORE_BUSY)
    store.settle()
    (item,) = store.store.exceptions()
    assert item.kind == "promise_broken"
    store.cut()
    store.store.resolve_exception(item.id, "Told them.", by="A1", dev="T1")
    store.reboot("boot-2")
    assert [one.is_done for one in store.store.exceptions()] == [True]
    store.settle()
    assert store.store.exceptions() == []
    closed = world.parts.central.exceptions.one(item.id)
    assert (closed["closed_by"], closed["note"]) == ("S001/A1", "Told them.")


def test_clock_that_is_wrong_shows_and_goes(world, store):
    """The store is told that its clock is wrong, works on, and is told no more once it is right."""
    store.clock.wall_ms += 3_600_000
    store.reboot("boot-2")
    store.settle()
    assert [one.kind for one in store.store.exceptions()] == ["clock_wrong"]
    store.clock.wall_ms = world.clock.now_ms()
    store.reboot("boot-3")
    store.settle()
    assert store.store.exceptions() == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_nothing_is_stuck_without_an_owner(sqlite_database, tmp_path, monkeypatch, seed):
    """Whatever happens: one open exception for each that is held, and both sides list the same."""
    world = build_world(sqlite_database, tmp_path / "central")
    store, bug, random = StoreSide(world, tmp_path / "one"), Bug(monkeypatch), Random(seed)
    store.settle()
    for _ in range(STEPS):
        _happen(world, store, bug, random)
        _check_owners(world)
    bug.kinds = set()
    store.settle()
    while held := [one for one in _held(world) if one["waits_behind"] is None]:
        _decide(world, held[0], random, is_last=True)
        _check_owners(world)
    store.settle()
    _check_owners(world)
    assert _held(world) == []
    assert store.differences() == []
    here = {one.id for one in store.store.exceptions()}
    shown = {
        one["id"]
        for one in open_ones(world)
        if one["location_id"] == "S001" and shown_to_store(one["kind"], one["owner"])
    }
    assert here == shown
    assert store.store.sync_state().quarantined == 0
    world.check_books()
    store.store.close()


def _happen(world, store, bug, random) -> None:
    """Let one thing happen."""
    chance = random.random()
    if chance < 0.15:
        email = random.choice(("", "jo@example.com"))
        _place(world, random, email)
    elif chance < 0.25:
        _cancel(world, random)
    elif chance < 0.32:
        store.cut()
    elif chance < 0.45:
        store.faulty.restore()
        store.round()
    elif chance < 0.55:
        kinds = ("line_picked", "put_back", "staged", "exception_resolved")
        bug.kinds = set(random.sample(kinds, random.randint(0, 2)))
    elif chance < 0.65:
        held = _held(world)
        if held:
            _decide(world, random.choice(held), random)
    elif chance < 0.75:
        _say_done(store, random)
    else:
        _work(store, random)


def _place(world, random, email) -> None:
    from central_server.services.idempotency import RequestIdentity
    from sync.domain.errors import InsufficientStock

    world.keys += 1
    order = world.new_order((random.choice(("SKU-1", "SKU-2")), random.randint(1, 2)), email=email)
    try:
        world.parts.central.orders.place(order, RequestIdentity("t", f"k{world.keys}", "b"))
    except InsufficientStock:
        world.keys += 1


def _cancel(world, random) -> None:
    from central_server.services.errors import AlreadyHandedOver

    with world.database.read() as view:
        todo = [one.row.order for one in view.fulfillments.open_at("S001")]
    if todo:
        try:
            key = random.choice(todo).order_id
            world.parts.central.cancelling.cancel(key, reason="", actor="web")
        except AlreadyHandedOver:
            return


def _work(store, random) -> None:
    from store_client.flows.pickup.practice import Habits, work_next

    habits = Habits(shelf_is_empty=0.2, order_rejected=0.1)
    work_next(desk_of(store), random, habits)


def _say_done(store, random) -> None:
    items = store.store.exceptions()
    if items:
        try:
            key = random.choice(items).id
            store.store.resolve_exception(key, "Done.", by="A1", dev="T1")
        except OperationRefused:
            return


def _held(world):
    return world.parts.central.quarantine.page(None, None, 500)[0]


def _decide(world, held, random, *, is_last=False) -> None:
    from central_server.services.errors import WaitsBehind

    desk = world.parts.central.quarantine
    key = OpId(held["replica_id"], held["epoch"], held["seq"])
    try:
        if is_last or random.random() < 0.3:
            desk.skip(key, by="Ann", reason="a test")
        else:
            desk.retry(key, by="Ann")
    except WaitsBehind:
        assert held["waits_behind"] is not None


def _check_owners(world) -> None:
    """Assert that each held operation is one open exception, and that what waits has none."""
    heads = {
        f"{one['replica_id']}/{one['epoch']}/{one['seq']}"
        for one in _held(world)
        if one["waits_behind"] is None
    }
    assert all(one["code"] != WAITS_BEHIND for one in _held(world) if one["waits_behind"] is None)
    opened = [one["source"] for one in open_ones(world) if one["kind"] == "quarantined"]
    assert sorted(opened) == sorted(heads)
    assert all(one["owner"] and one["due_at"] > one["opened_at"] for one in open_ones(world))
    with world.database.read() as view:
        due = {
            one.row.order.id
            for one in view.fulfillments.all_at("S001")
            if one.row.order.total("to_put_back") and one.row.order.total("cancelled")
        }
    told = [one["fulfillment_id"] for one in open_ones(world) if one["kind"] == "put_back_due"]
    assert len(told) == len(set(told))
    assert set(told) == due


def test_a_follow_up_written_down_offline_is_listed_at_once_and_at_central_later(world, store):
    """Owner, due time and order travel; given to somebody and done, it ends on both sides."""
    placed = world.place()
    store.settle()
    (order,) = world.fulfillments(placed.order_id)
    store.cut()
    desk = desk_of(store)
    wish = inbox.FollowUp("Call back about the color", order.order_number, 4, "lead")
    key = inbox.write_down(desk, wish, Random(1))
    (item,) = store.store.exceptions()
    assert (item.id, item.assignee, item.order_number) == (key, "lead", order.order_number)
    assert item.due_ms - item.opened_ms == 4 * HOUR_MS
    store.settle()
    (seen,) = open_ones(world)
    assert (seen["id"], seen["kind"], seen["assignee"]) == (key, "follow_up", "lead")
    assert (seen["order_id"], seen["location_id"]) == (placed.order_id, "S001")
    store.cut()
    inbox.assign(desk, key, "manager")
    (item,) = store.store.exceptions()
    assert item.assignee == "manager"
    store.settle()
    assert [one["assignee"] for one in open_ones(world)] == ["manager"]
    inbox.resolve(desk, key, "Called.")
    store.settle()
    assert (store.store.exceptions(), open_ones(world)) == ([], [])
    assert world.parts.central.exceptions.one(key)["note"] == "Called."


def test_a_follow_up_is_listed_between_the_answer_and_the_row(world, store):
    """Acknowledged, and the line is cut before the row comes: it stays; done, it goes for good."""
    key = inbox.write_down(desk_of(store), inbox.FollowUp("Look for the box"), Random(1))
    writer, report = store.store.writer, store.daemon.run_once
    pulled, writer.apply_page = writer.apply_page, refuse
    report()
    writer.apply_page = pulled
    assert store.store.journal.backlog() == 0
    assert [item.id for item in store.store.exceptions()] == [key]
    inbox.resolve(desk_of(store), key, "Found it.")
    store.settle()
    assert store.store.exceptions() == []


def refuse(*_, **__):
    raise OSError("the line is cut")


def test_all_of_a_follow_up_in_one_push(world, store):
    """Written down, given away and done while offline: closed at central, with who did it."""
    store.cut()
    desk = desk_of(store)
    key = inbox.write_down(desk, inbox.FollowUp("Sweep the floor", "SKU-1"), Random(1))
    inbox.assign(desk, key, "lead")
    inbox.resolve(desk, key, "Swept.")
    with pytest.raises(OperationRefused):
        inbox.assign(desk, key, "manager")
    store.settle()
    closed = world.parts.central.exceptions.one(key)
    assert (closed["state"], closed["assignee"], closed["closed_by"]) == (
        "closed",
        "lead",
        "S001/A1",
    )
    assert "SKU-1" in closed["text"]
    assert store.store.exceptions() == []


@pytest.mark.parametrize("wish", [
    inbox.FollowUp(" "), inbox.FollowUp("Call", "no such thing"), inbox.FollowUp("Call", owner="x"),
    inbox.FollowUp("Call", due_hours=inbox.HOURS_MAX + 1), inbox.FollowUp("Call", due_hours=0),
])  # fmt: skip
def test_a_follow_up_that_nobody_could_act_on_is_refused(store, wish):
    """In words; nothing is recorded."""
    with pytest.raises(OperationRefused):
        inbox.write_down(desk_of(store), wish)
    assert store.store.exceptions() == []
