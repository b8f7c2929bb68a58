"""The one write path, boards, lock-outs, and what a crash leaves behind."""

import pytest

from store_client.replica.locks import held, is_held
from store_client.replica.models import FateState
from store_client.replica.store import LOCKED_MS, TRIES, Files, Store, UnknownOrder
from sync.domain.errors import OperationRefused
from sync.domain.fulfillment import FulfillmentStatus
from sync.domain.operations import FulfillmentAccepted, LinePicked, MarkedReady, Staged
from sync.edge.sqlite import CommitPoint, OperationalError, UnsafeDatabase
from sync.protocol.lines import LINE_BYTES_MAX, chain
from tests.support.builders import NOON_MS, an_order, enrolled_store
from tests.sync.edge.worlds import World


@pytest.fixture
def shop(world: World) -> World:
    for number in (1, 2, 3):
        world.central.place(an_order(number, 1))
    world.quiet()
    return world


def test_an_operation_is_journaled_before_it_is_shown(shop: World):
    """`perform` returns the order after it, and another process sees both."""
    shop.perform(LinePicked("F00001", 1, 1))
    other = enrolled_store(shop.folder, shop.clock)
    assert other.journal.head().seq == 1
    assert other.board("pickup", limit=1)[0].status is FulfillmentStatus.PICKED
    other.close()


def test_a_refused_operation_leaves_no_trace(shop: World):
    """Nothing is journaled that the rules do not allow here and now."""
    for operation in (LinePicked("F00001", 1, 5), Staged("F00001", "A1")):
        with pytest.raises(OperationRefused):
            shop.perform(operation)
    with pytest.raises(UnknownOrder):
        shop.perform(FulfillmentAccepted("F99999"))
    assert shop.store.journal.head().seq == 0


@pytest.mark.parametrize("spot", ["x" * LINE_BYTES_MAX, "A\0", "\ud800"])
def test_what_cannot_be_kept_is_refused_in_words(shop: World, spot: str):
    """A pasted novel or a scanner's noise is a refusal, not a crash, and the next one works."""
    shop.perform(LinePicked("F00001", 1, 1))
    with pytest.raises(OperationRefused, match="cannot be kept"):
        shop.perform(Staged("F00001", spot))
    shop.perform(Staged("F00001", "A1"))
    shop.quiet()
    shop.check_equal()


def test_a_crash_before_the_view_is_repaired_by_the_journal(shop: World):
    """The journal has it, the view does not: whoever comes next folds it."""
    before = shop.store._database.one("SELECT view FROM fulfillments WHERE id = 'F00001'")
    shop.perform(LinePicked("F00001", 1, 1))
    with shop.store._database.writing() as connection:
        connection.execute("UPDATE fulfillments SET view = ? WHERE id = 'F00001'", before)
        connection.execute("UPDATE included SET seq = 0")
    shop.reopen()
    with pytest.raises(OperationRefused):
        shop.perform(LinePicked("F00001", 1, 1))
    assert shop.view("F00001").total("picked") == 1
    shop.quiet()
    shop.check_equal()


def test_a_lost_replica_is_built_again_and_nothing_was_lost(shop: World):
    """replica.db is gone with work unsent: central and the journal give everything back."""
    shop.perform(LinePicked("F00001", 1, 1))
    shop.reopen(forget=True)
    assert shop.store.fulfillment("F00001") is None
    assert shop.store.sync_state().backlog == 1
    shop.quiet()
    shop.check_equal()
    assert shop.central.orders["F00001"].total("picked") == 1


def test_a_full_disk_refuses_the_operation_and_later_takes_it(shop: World):
    """The associate is told; nothing is half done."""
    connection = shop.store.journal._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    shop.perform(FulfillmentAccepted("F00001"))
    with pytest.raises(OperationalError, match="full"):
        shop.perform(LinePicked("F00001", 1, 1, "9" * 60_000))
    connection.execute("PRAGMA max_page_count = 100000")
    shop.perform(LinePicked("F00001", 1, 1))
    shop.quiet()
    shop.check_equal()


def test_boards_show_the_most_urgent_first(shop: World):
    """What is to be put back, then what is to be done, then what waits for the customer."""
    for step in (LinePicked("F00001", 1, 1), Staged("F00001", "A1"),
                 MarkedReady("F00001", NOON_MS, NOON_MS + 1),
                 LinePicked("F00003", 1, 1)):  # fmt: skip
        shop.perform(step)
    shop.quiet()
    shop.central.cancel("F00003")
    shop.central.cancel("F00002")
    shop.central.place(an_order(4, 1))
    shop.quiet()
    rows = shop.store.board("pickup")
    assert [row.id for row in rows] == ["F00003", "F00004", "F00001"]
    assert rows[0].units_to_put_back == 1
    assert len(shop.store.board("pickup", include_closed=True)) == 4
    assert shop.store.counts("pickup") == {
        FulfillmentStatus.CANCELLED: 1, FulfillmentStatus.NEW: 1,
        FulfillmentStatus.READY_FOR_PICKUP: 1,
    }  # fmt: skip


@pytest.mark.parametrize("text", ["K001-0000", "k001", "K0010000", "jordan", "F00001", "f00001"])
def test_orders_are_found_by_number_name_and_id(shop: World, text: str):
    """With or without the dash, in any case, by the beginning."""
    assert "F00001" in [row.id for row in shop.store.find_orders(text)]


@pytest.mark.parametrize("text", ["", "%", "_", "%%__", "' OR 1=1 --", "nobody"])
def test_wildcards_are_not_a_search(shop: World, text: str):
    """What means everything to the database means nothing here."""
    assert shop.store.find_orders(text) == []


def test_the_fifth_wrong_try_locks(shop: World):
    """Durably, for half an hour, and for this subject only."""
    for number in range(1, TRIES + 1):
        lockout = shop.store.record_failure("pin:A1", NOON_MS)
        assert lockout.locked(NOON_MS) == (number == TRIES)
    shop.reopen()
    lockout = shop.store.lockout("pin:A1")
    assert lockout.locked(NOON_MS + LOCKED_MS - 1)
    assert not lockout.locked(NOON_MS + LOCKED_MS)
    assert not shop.store.lockout("pin:A2").locked(NOON_MS)
    shop.store.clear_failures("pin:A1")
    assert shop.store.lockout("pin:A1").failures == 0


def test_wrong_tries_lock_on_a_full_disk_too(shop: World, monkeypatch: pytest.MonkeyPatch):
    """What the disk does not take is counted in memory, on top of what it took before."""

    def full(*_told: object) -> None:
        raise OSError(28, "No space left on device")

    shop.store.record_failure("pin:A1", NOON_MS)
    monkeypatch.setattr(shop.store.journal, "count_failure", full)
    for number in range(2, TRIES + 1):
        with pytest.raises(OSError, match="No space"):
            shop.store.record_failure("pin:A1", NOON_MS)
        assert shop.store.lockout("pin:A1").locked(NOON_MS) == (number == TRIES)
    monkeypatch.undo()
    assert shop.store.record_failure("pin:A1", NOON_MS).locked(NOON_MS)
    shop.store.clear_failures("pin:A1")
    assert shop.store.lockout("pin:A1").failures == 0


def test_the_fate_of_an_operation_is_told_in_order(shop: World):
    """Newest first for the sync screen, oldest first for one order."""
    shop.perform(FulfillmentAccepted("F00001"))
    shop.quiet()
    shop.perform(LinePicked("F00001", 1, 1))
    fates = shop.store.operations()
    assert [(fate.seq, fate.state) for fate in fates] == [
        (2, FateState.WAITING), (1, FateState.ACCEPTED),
    ]  # fmt: skip
    assert (fates[0].order_number, fates[0].line, fates[0].quantity) == ("K001-0000", 1, 1)
    assert [fate.seq for fate in shop.store.fates_of("F00001")] == [1, 2]


def test_a_change_shows_in_the_token(shop: World):
    """A terminal redraws when, and only when, something was written, by whomever."""
    other = World(shop.folder, central=shop.central)
    token = shop.store.change_token()
    assert shop.store.change_token() == token
    other.perform(FulfillmentAccepted("F00001"))
    assert shop.store.change_token() != token
    other.store.close()


def test_an_encrypted_store_shows_nothing_on_the_disk(tmp_path):
    """Names and operations need the key, and a wrong key opens nothing."""
    world = World(tmp_path, key="ab" * 32)
    world.central.place(an_order(1, 1))
    world.quiet()
    world.perform(LinePicked("F00001", 1, 1))
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("*.db*"))
    assert b"Jordan Pike" not in stored
    assert b"line_picked" not in stored
    world.store.close()
    with pytest.raises(UnsafeDatabase):
        enrolled_store(tmp_path, world.clock, key="cd" * 32)
    world.open()
    world.quiet()
    world.check_equal()
    world.store.close()


def test_a_lock_is_seen_by_others(tmp_path):
    """Whether a daemon runs is a lock, which a killed process cannot leave behind."""
    path = tmp_path / "daemon.lock"
    assert not is_held(path)
    with held(path):
        assert is_held(path)
    assert not is_held(path)


def test_a_store_that_opens_shows_all_that_was_done(shop: World):
    """A crash between journal and view: nobody is shown, or does again, what is done already."""
    shop.perform(LinePicked("F00001", 1, 1))
    with shop.store._database.writing() as connection:
        connection.execute("UPDATE fulfillments SET view = '' WHERE id = 'F00001'")
        connection.execute("UPDATE included SET seq = 0")
    shop.reopen()
    assert shop.view("F00001").total("picked") == 1
    assert shop.store.find_orders("F00001")[0].status is FulfillmentStatus.PICKED


def test_a_store_whose_disk_is_full_still_opens(shop: World):
    """What cannot be written now is read as it was: looking must be possible."""
    shop.perform(LinePicked("F00001", 1, 1))
    with shop.store._database.writing() as connection:
        connection.execute("UPDATE included SET seq = 0")
    shop.store.close()

    def no_room(file: str, point: CommitPoint) -> None:
        raise OperationalError("database or disk is full")

    full = Store(Files(shop.folder), shop.clock, key="", boot_id="boot-2", hook=no_room)
    assert len(full.board("pickup")) == 3
    full.close()
    shop.open()


def test_operations_of_a_newer_version_do_not_stop_an_older_one(shop: World):
    """After a downgrade: the older program works on, sends them, and shows them by their kind."""
    journal = shop.store.journal
    shop.perform(LinePicked("F00001", 1, 1))
    line = b'{"v":1,"op":{"kind":"gift_wrapped","fulfillment_id":"F00001","paper":"red"}}'
    with journal.writing():
        journal._connection.execute(
            "INSERT INTO operations (epoch, seq, line, hash, kind, aggregate, actor, at_ms)"
            " VALUES (1, 2, ?, ?, 'gift_wrapped', 'F00001', 'A7', 5)",
            (line, chain(journal.head().hash, line)),
        )
    shop.perform(Staged("F00001", "A1"))
    assert shop.round().ok
    assert shop.view("F00001").staging_spot == "A1"
    newest, wrapped, *_ = shop.store.operations()
    assert (newest.kind, newest.state) == ("staged", FateState.QUARANTINED)
    assert (wrapped.kind, wrapped.by, wrapped.at_ms) == ("gift_wrapped", "A7", 5)
    assert (wrapped.fulfillment_id, wrapped.state) == ("F00001", FateState.QUARANTINED)
