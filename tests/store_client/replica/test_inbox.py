"""The store's exceptions and verdicts that were settled later, on disk."""

from dataclasses import replace

import pytest

from store_client.replica.models import FateState
from sync.domain.errors import OperationRefused
from sync.domain.operations import LinePicked
from sync.protocol.rows import (
    Entity,
    ExceptionRow,
    VerdictRow,
    row_digest,
    store_scope,
    verdict_key,
)
from sync.protocol.verdicts import Verdict, VerdictStatus
from tests.support.builders import NOON_MS, ManualClock, an_order, daemon_of, enrolled_store
from tests.support.memory_central import MemoryCentral

SCOPE = store_scope("S001")
TOLD = ExceptionRow(
    "E1", "promise_broken", "store", "Order K001: Store S002 takes over.", NOON_MS, NOON_MS + 9,
    "K001-0000", "F00001",
)  # fmt: skip


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def central():
    found = MemoryCentral()
    found.enrol("R1")
    found.place(an_order(1, 3))
    return found


@pytest.fixture
def store(tmp_path, clock):
    opened = enrolled_store(tmp_path, clock)
    yield opened
    opened.close()


@pytest.fixture
def daemon(store, central, clock):
    return daemon_of(store, central, clock)


def put(central, row=TOLD):
    central.put(SCOPE, Entity.EXCEPTION, row.id, row)


def settle(central, seq, status=VerdictStatus.ACCEPTED, text="", replica_id="R1"):
    verdict = Verdict(seq=seq, status=status, text=text)
    row = VerdictRow(replica_id, 1, verdict, NOON_MS)
    central.put(SCOPE, Entity.VERDICT, verdict_key(replica_id, 1, seq), row)


def test_exceptions_arrive_most_urgent_first_and_go(store, central, daemon):
    """Rows of the feed are listed by due time; a tombstone takes one away."""
    put(central)
    put(central, replace(TOLD, id="E2", due_ms=NOON_MS + 5, assignee="Ann"))
    assert daemon.run_once().ok
    assert [(one.id, one.is_done, one.assignee) for one in store.exceptions()] == [
        ("E2", False, "Ann"), ("E1", False, ""),
    ]  # fmt: skip
    central.remove(SCOPE, Entity.EXCEPTION, "E2")
    assert daemon.run_once().ok
    assert [one.id for one in store.exceptions()] == ["E1"]


def test_done_offline_stays_listed_until_central_has_heard(store, central, daemon):
    """Durable at once; the row shows as done, and goes when central's row does."""
    put(central)
    daemon.run_once()
    central.cut = True
    store.resolve_exception("E1", "Told them.", by="A1", dev="T1")
    daemon.run_once()
    (item,) = store.exceptions()
    assert (item.is_done, item.note) == (True, "Told them.")
    newest = store.operations(1)[0]
    assert (newest.kind, newest.state) == ("exception_resolved", FateState.WAITING)
    with pytest.raises(OperationRefused, match="already"):
        store.resolve_exception("E1", "Again.", by="A1", dev="T1")
    central.cut = False
    assert daemon.run_once().ok
    assert store.exceptions() == []
    assert store.sync_state().backlog == 0


def test_what_is_not_for_the_store_cannot_be_called_done(store, central, daemon):
    """Gone, central's, ending by itself, or without a note: refused, and nothing is journaled."""
    put(central, replace(TOLD, id="E2", owner="central", kind="quarantined"))
    put(central, replace(TOLD, id="E3", kind="put_back_due"))
    put(central)
    daemon.run_once()
    for key, note in (("E0", "x"), ("E2", "x"), ("E3", "x"), ("E1", "")):
        with pytest.raises(OperationRefused):
            store.resolve_exception(key, note, by="A1", dev="T1")
    assert store.operations() == []


def test_a_kind_of_a_newer_central_is_listed_too(store, central, daemon):
    """A store that is older than a kind still shows its sentence and can say done."""
    put(central, replace(TOLD, kind="of_the_future"))
    daemon.run_once()
    store.resolve_exception("E1", "Done as it says.", by="A1", dev="T1")
    assert store.exceptions()[0].is_done


def quarantined(store, central, daemon):
    """Let central hold the first of two steps back."""
    daemon.run_once()
    for _ in range(2):
        store.perform(LinePicked("F00001", 1, 1), by="A1", dev="T1")
    order = central.orders.pop("F00001")
    daemon.run_once()
    central.orders["F00001"] = order
    assert store.sync_state().quarantined == 2


def test_verdict_settled_later_reaches_the_journal(store, central, daemon):
    """The operation's final fate is shown, in words; it counts as held no more."""
    quarantined(store, central, daemon)
    settle(central, 1, text="It counts now.")
    settle(central, 2, VerdictStatus.REFUSED, "Set aside: counted twice")
    assert daemon.run_once().ok
    second, first = store.operations()
    assert (first.state, first.text) == (FateState.ACCEPTED, "It counts now.")
    assert (second.state, second.text) == (FateState.REFUSED, "Set aside: counted twice")
    assert store.sync_state().quarantined == 0


def test_verdict_that_is_read_again_says_the_same(store, central, daemon):
    """After the replica was thrown away, the same rows arrive again and change nothing."""
    quarantined(store, central, daemon)
    settle(central, 1, text="It counts now.")
    daemon.run_once()
    before = store.operations()
    store.writer.reset(SCOPE, "a test")
    assert daemon.run_once().ok
    assert store.operations() == before


def test_late_answer_does_not_put_it_back_into_quarantine(store, central, daemon):
    """Whatever comes in which order: what was settled stays settled."""
    quarantined(store, central, daemon)
    head = store.journal.head()
    settle(central, 1, text="It counts now.")
    daemon.run_once()
    from sync.protocol.session import PushAnswer

    late = Verdict(seq=1, status=VerdictStatus.QUARANTINED, text="an old answer")
    store.journal.settle(
        PushAnswer(acked_seq=head.seq, acked_hash=head.hash.hex(), verdicts=(late,))
    )
    assert store.operations()[-1].state == FateState.ACCEPTED


def test_verdicts_of_others_and_of_forgotten_operations_are_no_harm(store, central, daemon):
    """Another device's verdict, or one on what was pruned, has no place here."""
    quarantined(store, central, daemon)
    settle(central, 1, text="It counts now.", replica_id="R0")
    settle(central, 99, text="It counts now.")
    assert daemon.run_once().ok
    assert store.sync_state().quarantined == 2
    assert len(store.operations()) == 2


def test_checksum_counts_the_new_rows(store, central, daemon):
    """They are part of the scope: nothing is read twice because of them."""
    put(central)
    settle(central, 1)
    report = daemon.run_once()
    assert (report.ok, report.resets) == (True, 0)
    assert central.feed.scope(SCOPE).checksum ^ row_digest("exception", "E1", 0) != 0
