"""A machine that crashes while it looks after its shares."""

import pytest

from store_client.replica.store import Files, Store
from sync.edge.escrow import ShareKeeper
from sync.edge.sqlite import CommitPoint
from tests.support.central_world import World
from tests.support.store_side import POLICY, StoreSide


class Crash(BaseException):
    """The process ended."""


def test_a_crash_while_taking_back_leaves_no_trace_in_the_view(world: World, store: StoreSide):
    """The view follows the journal: it never shows what the journal has rolled back."""
    placed = world.place(("SKU-1", 2))
    (work,) = world.fulfillments(placed.order_id)
    session = store.daemon._hello()
    store.daemon._pull(session, session.heads)  # the promise is seen, and not confirmed yet
    store.cut()
    store.clock.advance(POLICY.reclaim_after_ms)
    store.store.close()

    def hook(file: str, point: CommitPoint) -> None:
        if file == "journal.db" and point is CommitPoint.BEFORE:
            raise Crash

    crashing = Store(Files(store.folder), store.clock, key="", boot_id=store.boot, hook=hook)
    before = crashing.journal.head().seq
    with pytest.raises(Crash):
        ShareKeeper(crashing.journal, crashing.shares, store.clock, store.boot).take_back()
    crashing.close()
    store.open()
    assert store.store.journal.head().seq == before
    assert store.store._database.one("SELECT seq FROM included") == (before,)
    view = store.store.fulfillment(work.id)
    assert view is not None
    assert view.total("open") == 2
