"""Rounds of the daemon: what is sent, received, told and waited for."""

from random import Random

import pytest

from store_client.replica.models import FateState
from sync.domain.fulfillment import FulfillmentStatus
from sync.domain.operations import (
    ExtensionRequested,
    FulfillmentAccepted,
    LinePicked,
    MarkedReady,
    Staged,
)
from sync.edge.backoff import BUSY_CAP_S, CAP_S
from sync.edge.sqlite import OperationalError
from sync.protocol import errors
from sync.protocol.endpoint import PullPage
from sync.protocol.lines import OperationRecord
from sync.protocol.session import PushAnswer, PushHeader
from sync.protocol.verdicts import VerdictStatus
from sync.transport.faulty import Faults, FaultyEndpoint
from tests.support.builders import NOON_MS, an_order, daemon_of
from tests.sync.edge.worlds import SCOPE, World, refusing

ACCEPT = FulfillmentAccepted("F00001")


def test_a_first_round_brings_everything(world: World):
    """Hello, an empty push, and each scope: after one round the store can work."""
    world.central.place(an_order())
    report = world.round()
    assert (report.ok, report.sent, report.snapshots, report.error) == (True, 0, 2, "")
    world.check_equal()
    state = world.store.sync_state()
    assert (state.bootstrapped, state.backlog, state.last_contact_ms) == (
        True, 0, world.clock.now_ms(),
    )  # fmt: skip


def test_a_round_without_news_is_one_push(world: World):
    """An idle poll costs one call, and nothing is pulled."""
    world.quiet()
    pulls, pushes = world.central.pulls, world.central.pushes
    world.round()
    assert (world.central.pulls - pulls, world.central.pushes - pushes) == (0, 1)


def test_nothing_that_is_known_travels_in_an_idle_round(world: World):
    """The header says only where the store is, the answer only that central is there too."""
    world.central.place(an_order())
    world.quiet()
    seen = []
    whole = world.central.push

    def push(header: PushHeader, lines: tuple[bytes, ...]) -> PushAnswer:
        seen.append((header, whole(header, lines)))
        return seen[-1][1]

    refusing(world, None).__dict__["push"] = push
    assert world.round().ok
    header, answer = seen[-1]
    assert header.model_dump(exclude_defaults=True).keys() == {
        "first_seq", "prev_hash", "heads", "lease_ms", "terms",
    }  # fmt: skip
    assert answer.model_dump(exclude_defaults=True).keys() == {"acked_seq", "answered_at_ms"}


def test_what_changed_is_still_named_after_a_lost_answer(world: World):
    """The digest is of what this replica has, so an answer that never came costs nothing."""
    world.quiet()
    world.central.place(an_order())
    endpoint = refusing(world, None)

    def push(header: PushHeader, lines: tuple[bytes, ...]) -> PushAnswer:
        world.central.push(header, lines)
        raise errors.Unreachable("the answer was lost")

    endpoint.push = push  # type: ignore[attr-defined]
    assert not world.round().ok
    del endpoint.push
    assert world.round().ok
    world.check_equal()


def test_an_answer_about_operations_that_were_not_sent_must_say_its_hash(world: World):
    """Without a hash it would be believed unseen."""
    world.central.place(an_order())
    world.quiet()
    world.perform(ACCEPT)
    endpoint = refusing(world, None)
    endpoint.push = lambda header, lines: PushAnswer(acked_seq=len(lines) + 1)  # type: ignore[attr-defined]
    report = world.round()
    assert (report.ok, world.store.journal.acked_seq()) == (False, 0)
    assert "not sent" in report.error


def test_work_goes_up_and_comes_back_as_the_base(world: World):
    """After the round nothing is pending: the view is central's row."""
    world.central.place(an_order())
    world.quiet()
    world.perform(ACCEPT)
    world.perform(LinePicked("F00001", 1, 1))
    assert world.round().sent == 2
    world.check_equal()
    assert [fate.state for fate in world.store.operations()] == [FateState.ACCEPTED] * 2


def test_a_large_backlog_goes_in_pieces(world: World):
    """More than one push can hold is sent in one round all the same."""
    world.central.place(an_order())
    world.quiet()
    with world.store.journal.writing():
        for _ in range(2500):
            record = OperationRecord("A1", "T1", "B1", 0, NOON_MS, ACCEPT)
            world.store.journal.append(record, ())
    before = world.central.pushes
    assert world.round().sent == 2500
    assert world.central.pushes - before == 3
    world.check_once()


def test_a_lost_answer_is_no_harm(world: World):
    """Central acted; the same operations are sent again, and count once."""
    world.central.place(an_order())
    world.quiet()
    world.perform(ACCEPT)
    world.faulty.faults = Faults(lose_answer=1.0)
    assert not world.round().ok
    assert (len(world.central.applied), world.store.journal.acked_seq()) == (1, 0)
    world.quiet()
    world.check_equal()


def test_a_cancellation_that_came_too_late_is_told(world: World):
    """The verdict is in the store's words, after the answer that carried it was lost too."""
    world.central.place(an_order())
    world.quiet()
    world.faulty.cut()
    world.perform(LinePicked("F00001", 1, 1))
    world.central.cancel("F00001")
    world.faulty.restore()
    world.faulty.faults = Faults(lose_answer=1.0)
    world.round()
    world.quiet()
    (fate,) = world.store.operations()
    assert (fate.state, "put the goods back" in fate.text) == (FateState.AMENDED, True)
    assert world.view("F00001").total("to_put_back") == 1
    world.check_equal()


def test_a_refused_request_leaves_the_view(world: World):
    """The store showed it as granted until central said no; then it shows what is."""
    world.central.place(an_order(1, 1))
    world.quiet()
    world.perform(LinePicked("F00001", 1, 1))
    world.perform(Staged("F00001", "A1"))
    world.perform(MarkedReady("F00001", NOON_MS, NOON_MS + 1))
    world.perform(ExtensionRequested("F00001", NOON_MS + 2))
    assert world.store.board("pickup")[0].provisional
    world.central.cancel("F00001")
    world.quiet()
    assert not world.store.board("pickup")[0].provisional
    assert world.store.operations()[0].state is FateState.REFUSED
    world.check_equal()


def test_a_quarantined_operation_keeps_the_stores_view(world: World):
    """What the associate did stays visible; other orders are not held up."""
    world.central.place(an_order(1))
    world.central.place(an_order(2))
    world.quiet()
    hidden = world.central.orders.pop("F00001")
    world.perform(ACCEPT)
    world.perform(FulfillmentAccepted("F00002"))
    world.round()
    state = world.store.sync_state()
    assert (state.quarantined, state.backlog) == (1, 0)
    assert world.view("F00001").accepted_at_ms is not None
    assert world.central.orders["F00002"].accepted_at_ms is not None
    assert hidden.accepted_at_ms is None


def test_unreachable_is_told_and_tried_again_soon(world: World):
    """The error is in words, contact is not claimed, and the wait stays below its cap."""
    world.quiet()
    contact = world.store.sync_state().last_contact_ms
    world.faulty.cut()
    waits = [world.round().next_in_s for _ in range(12)]
    state = world.store.sync_state()
    assert state.last_error == "the network is cut"
    assert (state.last_contact_ms, state.halted) == (contact, False)
    assert all(0 <= wait <= CAP_S for wait in waits)
    world.faulty.restore()
    assert world.round().ok
    assert world.store.sync_state().last_error == ""


def test_a_busy_central_is_given_the_time_it_asks_for(world: World):
    """At least as told, and a little more, so that not all come back at once."""
    refusing(world, errors.TryLater(40), "push")
    reports = [world.round() for _ in range(15)]
    assert all(report.must_wait for report in reports)
    waits = [report.next_in_s for report in reports]
    assert all(40 <= wait <= 40 + BUSY_CAP_S for wait in waits)
    assert waits[0] <= 42
    assert len(set(waits)) == 15


def test_a_busy_load_balancer_is_no_contact_with_central(world: World):
    """The terminal says since when central has not been heard, whoever else answered."""
    world.quiet()
    heard = world.store.sync_state().last_contact_ms
    world.clock.advance(60_000)
    refusing(world, errors.TryLater(40, by_central=False), "push")
    assert world.round().must_wait
    assert world.store.sync_state().last_contact_ms == heard
    refusing(world, errors.TryLater(40), "push")
    world.round()
    assert world.store.sync_state().last_contact_ms != heard


def test_a_session_that_ended_is_opened_again_in_the_same_round(world: World):
    """The token ran out: hello, and the push goes on."""
    world.quiet()
    endpoint = refusing(world, None)
    world.round()
    endpoint.problem, endpoint.calls = errors.NotAuthentic("over"), ("push",)
    endpoint.told.clear()
    assert not world.round().ok
    assert endpoint.told == ["push", "challenge", "hello", "push"]
    endpoint.problem = None
    assert world.round().ok


@pytest.mark.parametrize(
    "problem",
    [errors.Fork("f", seq=1), errors.EpochStale("e"), errors.DuplicateReplica("d"),
     errors.ReplicaDisabled("r"), errors.VersionUnsupported("v")],
    ids=lambda problem: problem.code,
)  # fmt: skip
def test_sending_halts_where_somebody_must_act_and_receiving_goes_on(world: World, problem):
    """A halted store says so, keeps its operations, and still hears what is new."""
    world.central.place(an_order(1))
    world.quiet()
    world.perform(ACCEPT)
    endpoint = refusing(world, problem, "push")
    world.central.place(an_order(2))
    report = world.round()
    state = world.store.sync_state()
    assert (report.ok, state.halted, state.backlog) == (False, True, 1)
    assert state.last_error == str(problem)
    assert world.store.fulfillment("F00002") is not None
    endpoint.problem = None
    world.quiet()
    world.check_equal()
    assert not world.store.sync_state().halted


def test_a_central_that_takes_nothing_and_does_not_say_why_ends_the_round(world: World):
    """No progress is an error, not a reason to push for ever."""
    world.central.place(an_order())
    world.quiet()
    world.perform(ACCEPT)
    endpoint = refusing(world, None)
    empty = world.central.push
    endpoint.push = lambda header, lines: empty(  # type: ignore[attr-defined]
        header.model_copy(update={"count": 0}), ()
    )
    report = world.round()
    assert (report.ok, world.store.journal.backlog()) == (False, 1)
    assert "took nothing" in report.error


def test_an_answer_without_heads_takes_nothing_away(world: World):
    """A push answer that lists no scope says nothing about scopes."""
    world.central.place(an_order())
    world.quiet()
    endpoint = refusing(world, None)
    whole = world.central.push
    endpoint.push = lambda header, lines: whole(header, lines).model_copy(  # type: ignore[attr-defined]
        update={"heads": ()}
    )
    assert world.round().ok
    assert world.store.fulfillment("F00001") is not None
    assert len(world.scopes()) == 3


def test_a_scope_that_is_not_listed_any_more_is_forgotten(world: World):
    """The store moved to another price zone: the old prices go."""
    world.quiet()
    world.central.scopes = ("catalogue", SCOPE)
    world.round()
    assert set(world.scopes()) == {"catalogue", SCOPE}
    assert world.store.products("lamp")[0].price_minor is None


def test_our_own_disk_is_told_and_does_not_end_the_daemon(world: World):
    """A full or locked file is an error of this round; the next may find it well."""
    world.quiet()
    endpoint = refusing(world, OperationalError("database or disk is full"), "push")
    report = world.round()
    assert (report.ok, "disk is full" in report.error) == (False, True)
    assert 0 <= report.next_in_s <= CAP_S
    endpoint.problem = None
    assert world.round().ok


def no_room(*_: object) -> None:
    raise OperationalError("database or disk is full")


@pytest.mark.parametrize("problem", [errors.Unreachable("cut"), errors.TryLater(5.0)])
def test_what_cannot_be_noted_either_is_told_and_does_not_end_the_daemon(
    world: World, monkeypatch: pytest.MonkeyPatch, problem: errors.ProtocolError
):
    """Central is away and the disk is full: the round says so, and is no exception."""
    world.quiet()
    endpoint = refusing(world, problem, "push")
    with monkeypatch.context() as patch:
        patch.setattr(world.store.writer, "report", no_room)
        report = world.round()
    assert (report.ok, report.error) == (False, str(problem))
    endpoint.problem = None
    assert world.round().ok


def test_what_was_done_goes_out_while_there_is_no_room_for_rows(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """The view cannot be written: central hears of the work all the same; the pull comes later."""
    world.central.place(an_order(1))
    world.quiet()
    world.perform(FulfillmentAccepted("F00001"))
    world.central.place(an_order(2))
    with monkeypatch.context() as patch:
        patch.setattr(world.store.writer, "refold", no_room)
        report = world.round()
    assert (report.ok, "disk is full" in report.error) == (False, True)
    assert world.store.journal.backlog() == 0
    assert world.store.fulfillment("F00002") is None
    assert world.round().ok
    assert world.store.fulfillment("F00002") is not None


def test_the_clocks_difference_is_measured_at_hello(world: World):
    """Central's clock minus ours, without the way between counted."""
    world.central.now_ms = world.clock.now_ms() + 500_000
    world.round()
    assert world.store.sync_state().clock_offset_ms == pytest.approx(499_000, abs=1000)


@pytest.mark.parametrize("seed", range(8))
def test_any_line_is_good_enough_in_the_end(world: World, seed: int):
    """With every fault at once, work arrives, once, as soon as some calls get through."""
    rates = dict.fromkeys(Faults.__dataclass_fields__, 0.25)
    noisy = FaultyEndpoint(world.central, Random(seed), Faults(**rates))
    world.daemon = daemon_of(world.store, noisy, world.clock, seed)
    world.central.place(an_order(1, 3))
    for _ in range(200):
        world.round()
        if world.store.fulfillment("F00001") is not None:
            break
    for _ in range(3):
        world.perform(LinePicked("F00001", 1, 1))
        world.round()
    for _ in range(200):
        if world.store.journal.backlog() == 0:
            break
        world.round()
    noisy.faults = Faults()
    noisy.deliver_late()
    world.round()
    assert world.round().ok
    world.check_equal()
    assert world.store.journal.count_verdicts(VerdictStatus.QUARANTINED) == 0


def test_a_disk_without_room_for_a_snapshot_is_told_and_tried_again(world: World):
    """Parts of a snapshot are plain files: where they cannot be written, the daemon lives on."""
    parts = world.store.files.parts
    parts.write_bytes(b"in the way, as a full disk is")
    report = world.round()
    assert not report.ok
    assert "this store's files" in report.error
    parts.unlink()
    assert world.round().ok
    world.check_equal()


class LosesRows:
    """An endpoint whose first page lacks a row, and that is gone when the scope is read again."""

    def __init__(self, world: World) -> None:
        self._inner = world.central
        self.pulls = 0

    def __getattr__(self, name: str):
        return getattr(self._inner, name)

    def pull(self, scope: str, incarnation: int, after: int, limit: int) -> PullPage:
        self.pulls += 1
        if self.pulls == 2:
            raise errors.Unreachable("cut")
        page = self._inner.pull(scope, incarnation, after, limit)
        return PullPage(page.header, page.lines[:-1]) if self.pulls == 1 else page


def test_a_difference_is_not_forgotten_when_reading_again_fails(world: World):
    """A checksum differed and the network went: the next round reads again, though no row moved."""
    world.quiet()
    world.central.place(an_order())
    world.daemon = daemon_of(world.store, LosesRows(world), world.clock)
    assert not world.round().ok
    assert world.round().ok
    world.check_equal()


class ChangesThenFails:
    """An endpoint in whose greeting another process records something, and that then fails."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __getattr__(self, name: str):
        return getattr(self._world.central, name)

    def hello(self, request):
        journal = self._world.store.journal
        with journal.writing():
            record = OperationRecord("A1", "T2", "boot", 0, 1, FulfillmentAccepted("F00001"))
            journal.append(record, [])
        raise errors.Unreachable("cut")


def test_a_round_that_fails_leaves_no_view_behind_the_journal(world: World):
    """What it changed is on the screens at once, not with the next round (seed 9000948)."""
    world.central.place(an_order())
    world.quiet()
    world.daemon = daemon_of(world.store, ChangesThenFails(world), world.clock)
    assert not world.round().ok
    assert world.store.board("pickup")[0].status is FulfillmentStatus.ACCEPTED
