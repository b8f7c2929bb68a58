"""Operations in quarantine: one exception each, retried or skipped by people, once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from central_server.records import ExceptionFilter
from central_server.services.errors import AlreadySettled, NotFound, WaitsBehind
from central_server.services.settling import RETRIED
from sync.domain import operations as op
from sync.domain.ids import OpId
from sync.domain.stock_operations import FloorSold, RightsGranted, SkuUnits
from sync.protocol import adapters
from sync.protocol.adapters import adapter
from sync.protocol.lines import OperationRecord
from sync.protocol.rows import ROWS, Entity
from sync.protocol.verdicts import VerdictStatus
from tests.support.central_world import whole_pickup

QUARANTINED = VerdictStatus.QUARANTINED


@pytest.fixture
def desk(world):
    return world.parts.central.quarantine


def only(world, placed):
    (work,) = world.fulfillments(placed.order_id)
    return work


def statuses(world, store):
    with world.database.read() as view:
        found = view.journal.operations(store.replica_id, 1, 1, 1000)
    return [one.status for one in found]


def open_ones(world):
    found, _ = world.parts.central.exceptions.page(ExceptionFilter(), None, 100)
    return [(one["kind"], one["source"]) for one in found]


def rows_of(world, entity, location_id="S001"):
    with world.database.read() as view:
        rows = view.feed.rows_after(f"store:{location_id}", 0, 1000)
    return {
        row.key: adapter(ROWS[entity]).validate_json(row.body)
        for row in rows
        if row.entity == entity and row.body is not None
    }


def set_allocated(world, units, sku="SKU-1"):
    world.database.write(
        lambda unit: unit.connection.execute(
            text("UPDATE stock SET allocated = :n WHERE location_id = 'S001' AND sku = :sku"),
            {"n": units, "sku": sku},
        )
    )


class Broken:
    """A handler that fails on hand-overs until it is mended."""

    def __init__(self, world, monkeypatch) -> None:
        from central_server.flows.pickup.handler import PickupHandler

        self._mended = PickupHandler.follow
        self._patch = monkeypatch
        monkeypatch.setattr(PickupHandler, "follow", self._fail)

    @staticmethod
    def _fail(_self, step, _ups):
        if step.operation.kind == "marked_ready":
            raise RuntimeError("a bug")
        return ()

    def mend(self) -> None:
        from central_server.flows.pickup.handler import PickupHandler

        self._patch.setattr(PickupHandler, "follow", self._mended)


@pytest.fixture
def stuck(world, monkeypatch):
    """A whole pickup whose fourth step central failed on: (device, bug, order)."""
    bug = Broken(world, monkeypatch)
    placed = world.place()
    store = world.device("S001")
    store.do(*whole_pickup(only(world, placed)))
    store.push()
    assert statuses(world, store)[3:] == ["quarantined", "quarantined"]
    return store, bug, placed


def test_each_has_one_exception_and_what_waits_has_none(world, stuck, desk):
    """The step that failed is somebody's; the one behind it only waits."""
    assert open_ones(world) == [("quarantined", "R-S001/1/4")]
    stuck[0].push()
    assert open_ones(world) == [("quarantined", "R-S001/1/4")]
    found, more = desk.page(None, None, 10)
    assert [(one["seq"], one["waits_behind"]) for one in found] == [(4, None), (5, 4)]
    assert more is None
    assert found[0]["exception_id"] == found[1]["exception_id"] != ""
    assert found[0]["order_number"] == only(world, stuck[2]).order_number
    assert '"kind":"marked_ready"' in found[0]["line"]


def test_the_store_is_told_of_it(world, stuck):
    """Central owns it; the store sees that it is held back."""
    (row,) = rows_of(world, Entity.EXCEPTION).values()
    assert (row.kind, row.owner) == ("quarantined", "central")
    assert "Operation 4 (marked ready)" in row.text
    assert stuck[2].order_id


def test_retry_settles_it_and_all_that_waited(world, stuck, desk):
    """By the normal rules, in order, in one transaction; every verdict reaches the store."""
    store, bug, placed = stuck
    bug.mend()
    done = desk.retry(OpId("R-S001", 1, 4), by="Ann")
    assert [(one["seq"], one["status"]) for one in done["settled"]] == [
        (4, "accepted"), (5, "accepted"),
    ]  # fmt: skip
    assert statuses(world, store) == ["accepted"] * 5
    assert world.order(placed.order_id)["status"] == "fulfilled"
    assert world.stock("S001") == (8, 0)
    assert open_ones(world) == []
    assert rows_of(world, Entity.EXCEPTION) == {}
    verdicts = rows_of(world, Entity.VERDICT)
    assert {key: row.verdict.text for key, row in verdicts.items()} == {
        "R-S001/1/4": RETRIED, "R-S001/1/5": RETRIED,
    }  # fmt: skip
    mark = rows_of(world, Entity.FULFILLMENT)[only(world, placed).id].watermark
    assert (mark.replica_id, mark.seq) == ("R-S001", 5)
    world.check_books()


def test_retry_twice_is_harmless(world, stuck, desk):
    """The second one finds it settled and says so."""
    store, bug, _ = stuck
    bug.mend()
    first = desk.retry(OpId("R-S001", 1, 4), by="Ann")
    again = desk.retry(OpId("R-S001", 1, 4), by="Ben")
    assert (again["operation"], again["settled"]) == (first["operation"], [])
    assert world.stock("S001") == (8, 0)
    found, _ = world.parts.central.exceptions.page(ExceptionFilter(is_open=False), None, 10)
    assert [one["closed_by"] for one in found] == ["Ann"]
    assert statuses(world, store) == ["accepted"] * 5


def test_retry_that_fails_again_changes_nothing_but_the_words(world, stuck, desk):
    """Still in quarantine, still one exception, which says who tried."""
    store, _, placed = stuck
    done = desk.retry(OpId("R-S001", 1, 4), by="Ann")
    assert (done["operation"]["status"], done["settled"]) == ("quarantined", [])
    assert statuses(world, store)[3:] == ["quarantined", "quarantined"]
    found, _ = world.parts.central.exceptions.page(ExceptionFilter(), None, 10)
    assert [(one["kind"], "tried again by Ann" in one["text"]) for one in found] == [
        ("quarantined", True)
    ]
    assert world.order(placed.order_id)["status"] != "fulfilled"
    world.check_books()


def test_skip_sets_it_aside_and_lets_the_rest_go_on(world, stuck, desk):
    """Refused by a person, with the reason; the store's view lets go of it."""
    store, _, placed = stuck
    done = desk.skip(OpId("R-S001", 1, 4), by="Ann", reason="it was handed over at once")
    assert [(one["seq"], one["status"], one["code"]) for one in done["settled"]] == [
        (4, "refused", "skipped"), (5, "accepted", ""),
    ]  # fmt: skip
    assert "it was handed over at once" in done["operation"]["text"]
    assert world.order(placed.order_id)["status"] == "fulfilled"
    assert open_ones(world) == []
    assert desk.skip(OpId("R-S001", 1, 4), by="Ann", reason="it was handed over at once")
    assert statuses(world, store)[3:] == ["refused", "accepted"]
    world.check_books()


def test_what_fails_behind_a_skip_becomes_its_own_exception(world, desk):
    """Without the pick there is nothing to hand over: the next step is the next one's worry."""
    placed = world.place()
    key = only(world, placed).id
    store = world.device("S001")
    store.do(
        op.LinePicked(key, 1, 99), op.LinePicked(key, 1, 98), op.LinePicked(key, 1, 2),
    )  # fmt: skip
    store.push()
    assert open_ones(world) == [("quarantined", "R-S001/1/1")]
    done = desk.skip(OpId("R-S001", 1, 1), by="Ann", reason="a typing error")
    assert [(one["seq"], one["status"], one["code"]) for one in done["settled"]] == [
        (1, "refused", "skipped"), (2, "quarantined", "quantity_refused"),
    ]  # fmt: skip
    assert open_ones(world) == [("quarantined", "R-S001/1/2")]
    assert rows_of(world, Entity.VERDICT)["R-S001/1/2"].verdict.code == "quantity_refused"
    desk.skip(OpId("R-S001", 1, 2), by="Ann", reason="a typing error")
    assert statuses(world, store) == ["refused", "refused", "accepted"]
    assert only(world, placed).lines[0].picked == 2
    assert open_ones(world) == []


def test_skipped_operation_is_included_in_the_row(world, desk):
    """With nothing behind it, the row's watermark still tells the store to fold it no more."""
    placed = world.place()
    key = only(world, placed).id
    store = world.device("S001")
    store.journal(b'{"op":{"kind":"of_the_future","fulfillment_id":"%s"}}' % key.encode())
    store.push()
    desk.skip(OpId("R-S001", 1, 1), by="Ann", reason="no such step")
    assert rows_of(world, Entity.FULFILLMENT)[key].watermark.seq == 1


def test_a_row_never_falls_behind_what_it_includes(world, desk):
    """An older operation that is settled late leaves the watermark where later ones put it."""
    placed = world.place()
    key = only(world, placed).id
    store = world.device("S001")
    store.journal(b'{"op":{"kind":"of_the_future"}}')
    store.do(op.LinePicked(key, 1, 1))
    store.push()
    assert rows_of(world, Entity.FULFILLMENT)[key].watermark.seq == 2
    with world.database.read() as view:
        line = view.journal.operations("R-S001", 1, 2, 1)[0].line
    world.database.write(
        lambda unit: unit.connection.execute(
            text("UPDATE op_log SET line = :line WHERE seq = 1"), {"line": line}
        )
    )
    desk.retry(OpId("R-S001", 1, 1), by="Ann")
    assert only(world, placed).lines[0].picked == 2
    assert rows_of(world, Entity.FULFILLMENT)[key].watermark.seq == 2


def test_who_tries_again_too_early_tries_no_more_than_twice(world, desk, monkeypatch):
    """All that a store granted since waits behind one operation, and its fault is still there."""
    from central_server.services.rights import SharedStock

    store, known = world.device("S001"), SharedStock.apply
    store.do(*(RightsGranted(1, (SkuUnits("SKU-1", 1 + number % 3),)) for number in range(20)))

    def broken(self, operation, op_id):
        if op_id.seq == 1:
            raise RuntimeError("a bug")
        return known(self, operation, op_id)

    monkeypatch.setattr(SharedStock, "apply", broken)
    store.push_all()
    tries, work = [], desk._work

    def counted(*arguments):
        tries.append(arguments)
        return work(*arguments)

    monkeypatch.setattr(desk, "_work", counted)
    done = desk.retry(OpId("R-S001", 1, 1), by="Ann")
    assert (done["operation"]["status"], len(tries)) == ("quarantined", 2)


def test_a_sale_that_is_settled_late_leaves_newer_stock_rows_newer(world, desk, monkeypatch):
    """Retried: it counts, and no row goes back to it. Skipped: rows still include it."""
    from central_server.services.rights import SharedStock

    mended = SharedStock.apply

    def apply(self, operation, op_id):
        if op_id.seq != 2:
            raise RuntimeError("a bug")
        return mended(self, operation, op_id)

    monkeypatch.setattr(SharedStock, "apply", apply)
    store = world.device("S001")
    store.do(
        FloorSold("T-1", (SkuUnits("SKU-1", 1), SkuUnits("SKU-3", 1))),
        FloorSold("T-2", (SkuUnits("SKU-1", 1),)),
        FloorSold("T-3", (SkuUnits("SKU-2", 1),)),
    )
    store.push_all()
    assert [one[1] for one in open_ones(world)] == ["R-S001/1/1", "R-S001/1/3"]
    assert rows_of(world, Entity.STOCK)["SKU-1"].watermark.seq == 2
    monkeypatch.setattr(SharedStock, "apply", mended)
    desk.retry(OpId("R-S001", 1, 1), by="Ann")
    assert (world.stock("S001"), world.stock("S001", "SKU-3")) == ((8, 0), (9, 0))
    rows = rows_of(world, Entity.STOCK)
    assert (rows["SKU-1"].watermark.seq, rows["SKU-3"].watermark.seq) == (2, 1)
    desk.skip(OpId("R-S001", 1, 3), by="Ann", reason="a training till")
    assert world.stock("S001", "SKU-2") == (10, 0)
    assert rows_of(world, Entity.STOCK)["SKU-2"].watermark.seq == 3
    world.check_books()


def test_a_waiting_one_is_not_settled_before_its_turn(world, stuck, desk):
    """The error says which one comes first."""
    for settle in (
        lambda key: desk.retry(key, by="Ann"),
        lambda key: desk.skip(key, by="Ann", reason="x"),
    ):
        with pytest.raises(WaitsBehind, match="operation 4"):
            settle(OpId("R-S001", 1, 5))
    assert stuck


def test_of_two_at_once_one_wins(world, stuck, desk):
    """A retry and a skip at the same moment: one verdict, and the other learns of it."""
    store, bug, _ = stuck
    bug.mend()
    key = OpId("R-S001", 1, 4)
    tries = [lambda: desk.retry(key, by="Ann"), lambda: desk.skip(key, by="Ben", reason="odd")]

    def attempt(work):
        try:
            work()
        except AlreadySettled as told:
            return str(told)
        return "won"

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(attempt, tries))
    assert sorted(one == "won" for one in outcomes) == [False, True]
    told = next(one for one in outcomes if one != "won")
    assert ("Ann" in told) != ("Ben" in told)
    assert open_ones(world) == []
    assert "quarantined" not in statuses(world, store)


def test_skip_with_another_reason_is_told_of_the_first(world, stuck, desk):
    """Who, and why."""
    desk.skip(OpId("R-S001", 1, 4), by="Ann", reason="counted twice")
    with pytest.raises(AlreadySettled, match="Ann has settled it already: skipped"):
        desk.skip(OpId("R-S001", 1, 4), by="Ben", reason="no idea")
    with pytest.raises(AlreadySettled):
        desk.retry(OpId("R-S001", 1, 4), by="Ben")
    assert stuck


def test_unknown_operations_are_not_found(desk):
    """Neither a replica nor a place that nobody has."""
    with pytest.raises(NotFound):
        desk.retry(OpId("R9", 1, 1), by="Ann")


def test_impossible_row_is_one_exception_and_can_be_retried(world, desk):
    """What a constraint refuses stays in quarantine, retried in vain, until the row is mended."""
    placed = world.place()
    set_allocated(world, 0)
    store = world.device("S001")
    store.do(*whole_pickup(only(world, placed)))
    sent = 0
    while sent < len(store.lines):
        sent = store.push(sent + 1, known=sent).acked_seq
    assert open_ones(world) == [("quarantined", "R-S001/1/5")]
    done = desk.retry(OpId("R-S001", 1, 5), by="Ann")
    assert (done["operation"]["status"], done["operation"]["code"]) == ("quarantined", "fault")
    assert len(open_ones(world)) == 1
    set_allocated(world, 2)
    desk.retry(OpId("R-S001", 1, 5), by="Ann")
    assert world.order(placed.order_id)["status"] == "fulfilled"
    assert open_ones(world) == []


def test_one_impossible_row_behind_another_does_not_hold_the_first(world, stuck, desk):
    """What can be written is settled; what cannot gets an exception of its own."""
    store, bug, _ = stuck
    bug.mend()
    set_allocated(world, 0)
    done = desk.retry(OpId("R-S001", 1, 4), by="Ann")
    assert [(one["seq"], one["status"]) for one in done["settled"]] == [
        (4, "accepted"), (5, "quarantined"),
    ]  # fmt: skip
    assert open_ones(world) == [("quarantined", "R-S001/1/5")]
    assert statuses(world, store)[3:] == ["accepted", "quarantined"]


def test_pages_of_the_quarantine(world, desk):
    """In the order of the journals, by location, page after page."""
    for name in ("S001", "S002"):
        store = world.device(name)
        for _ in range(3):
            store.journal(b"not even JSON")
        store.push()
    first, after = desk.page(None, None, 4)
    second, last = desk.page(None, after, 4)
    assert [(one["location_id"], one["seq"]) for one in first + second] == [
        ("S001", 1), ("S001", 2), ("S001", 3), ("S002", 1), ("S002", 2), ("S002", 3),
    ]  # fmt: skip
    assert last is None
    assert len(desk.page("S002", None, 10)[0]) == 3
    assert len(open_ones(world)) == 6


def test_lost_answers_tell_the_settled_verdict(world, stuck, desk):
    """A store that asks again gets the verdict as it is now, not as it was."""
    store, _, _ = stuck
    desk.skip(OpId("R-S001", 1, 4), by="Ann", reason="counted twice")
    verdicts = {one.seq: one for one in store.push().verdicts}
    assert (verdicts[4].status, verdicts[4].code) == (VerdictStatus.REFUSED, "skipped")


class Older:
    """What reads operations at a central from before one kind of them existed."""

    def __init__(self, unknown: str) -> None:
        self._unknown = unknown
        self._present = adapter(OperationRecord)

    def __getattr__(self, name: str) -> object:
        return getattr(self._present, name)

    def validate_json(self, line: bytes) -> OperationRecord:
        """Read a line; one of a kind that is not known is as unreadable as any other."""
        record = self._present.validate_json(line)
        if record.op.kind == self._unknown:
            raise ValueError(f"no operation is called {self._unknown}")
        return record


def test_a_kind_that_is_not_known_yet_waits_for_the_upgrade(world, desk, monkeypatch):
    """A store that is ahead: its work is kept whole, delays no other order, and counts later."""
    placed, other = world.place(), world.place(("SKU-2", 1))
    store = world.device("S001")
    with monkeypatch.context() as before:
        before.setitem(adapters._BUILT, OperationRecord, Older("marked_ready"))
        store.do(*whole_pickup(only(world, placed)))
        store.do(op.LinePicked(only(world, other).id, 1, 1))
        store.push()
        assert statuses(world, store) == [
            *["accepted"] * 3, "quarantined", "quarantined", "accepted",
        ]  # fmt: skip
        assert open_ones(world) == [("quarantined", "R-S001/1/4")]
        desk.retry(OpId("R-S001", 1, 4), by="Ann")
        assert statuses(world, store)[3:5] == ["quarantined", "quarantined"]
    desk.retry(OpId("R-S001", 1, 4), by="Ann")
    assert statuses(world, store) == ["accepted"] * 6
    assert world.order(placed.order_id)["status"] == "fulfilled"
    assert open_ones(world) == []
