"""What a second person approved at a store is in central's journal with both names, for good."""

import json
from dataclasses import replace

import pytest

from store_client.services import drawer
from store_client.services.desk import Actor, Desk, NeedsRole
from sync.domain import operations as op
from sync.domain.money_operations import CashReason
from sync.domain.people import Action, Approval, Role
from tests.support.central_world import World
from tests.support.store_side import StoreSide


def last_line(world: World, store: StoreSide) -> dict[str, object]:
    """Return the newest operation that central has of the store, as it was made there."""
    identity, head = store.store.identity, store.store.journal.head()
    with world.database.read() as view:
        (kept,) = view.journal.lines(identity.replica_id, identity.epoch, head.seq, 10)
    found: dict[str, object] = json.loads(kept.line)
    return found


def test_both_names_and_the_reason_reach_central(world: World, store: StoreSide):
    """Done while cut off, sent later; the store counts the same, and the chain holds."""
    desk = Desk(store.store, store.clock, Actor("A1", "Ann", Role.ASSOCIATE), "T1")
    drawer.open_drawer(desk, 10_000)
    store.cut()
    with pytest.raises(NeedsRole):
        drawer.move_cash(desk, -5_000, CashReason.DEPOSIT)
    approval = Approval("A2", "bank run", Action.TAKE_CASH_OUT)
    drawer.move_cash(replace(desk, approval=approval), -5_000, CashReason.DEPOSIT)
    store.settle()
    line = last_line(world, store)
    assert (line["by"], line["ok_by"], line["ok_why"]) == ("A1", "A2", "bank run")
    assert store.differences() == []
    assert store.store.operations(1)[0].approved_by == "A2"


def test_what_needed_no_approval_carries_none(world: World, store: StoreSide):
    """An approval that lies around is not written where nobody had to ask."""
    approval = Approval("A2", "bank run", Action.TAKE_CASH_OUT)
    desk = Desk(
        store.store, store.clock, Actor("A1", "Ann", Role.ASSOCIATE), "T1", approval=approval
    )
    drawer.open_drawer(desk, 10_000)
    store.settle()
    assert "ok_by" not in last_line(world, store)


def test_the_orders_timeline_at_central_names_who_approved(world: World, store: StoreSide):
    """Whoever is asked at head office sees both names and the reason, for that step alone."""
    placed = world.place(("SKU-1", 1))
    store.settle()
    (work,) = world.fulfillments(placed.order_id)
    approval = Approval("A2", "ID check: passport", Action.HAND_OVER_ON_ID)
    store.store.perform(op.FulfillmentAccepted(work.id), by="A1", dev="T1")
    store.store.perform(op.LinePicked(work.id, 1, 1), by="A1", dev="T1", approval=approval)
    store.settle()
    steps = {one["kind"]: one for one in world.order(placed.order_id)["timeline"]}
    picked, accepted = steps["line_picked"], steps["fulfillment_accepted"]
    assert (picked["by"], picked["approved_by"]) == ("A1", "A2")
    assert picked["approved_why"] == "ID check: passport"
    assert accepted["approved_by"] == ""
