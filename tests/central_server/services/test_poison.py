"""An operation whose effect cannot be written is held back by itself."""

from sqlalchemy import text

from sync.protocol.verdicts import VerdictStatus
from tests.support.central_world import whole_pickup


def only(world, placed):
    (work,) = world.fulfillments(placed.order_id)
    return work


def test_impossible_row_holds_up_nothing_behind_it(world):
    """Stock that a constraint protects: one hand-over is quarantined, all others are applied."""
    first, spoiled, last = (
        world.place(("SKU-2", 1)), world.place(("SKU-1", 2)), world.place(("SKU-3", 1)),
    )  # fmt: skip
    world.database.write(
        lambda unit: unit.connection.execute(
            text("UPDATE stock SET allocated = 0 WHERE location_id = 'S001' AND sku = 'SKU-1'")
        )
    )
    store = world.device("S001")
    for placed in (first, spoiled, last):
        store.do(*whole_pickup(only(world, placed)))
    held = {}
    sent = 0
    while sent < len(store.lines):
        answer = store.push(sent + 1, known=sent)
        assert answer.acked_seq > sent
        sent = answer.acked_seq
        held.update({one.seq: one.status for one in answer.verdicts})
    assert set(held.values()) == {VerdictStatus.QUARANTINED}
    assert len(held) == 1
    assert world.order(first.order_id)["status"] == "fulfilled"
    assert world.order(last.order_id)["status"] == "fulfilled"
    assert world.order(spoiled.order_id)["status"] != "fulfilled"
