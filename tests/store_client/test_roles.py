"""Roles: one table, every action, every role; what is missing can be approved by a PIN."""

from dataclasses import fields, replace

import pytest

from store_client.services import drawer, giving_back, inbox
from store_client.services.desk import Desk, NeedsRole, Refusal
from store_client.services.sign_in import Attempt, approve, unlock
from sync.domain.flows import ALL_OPERATIONS
from sync.domain.money_operations import CashReason
from sync.domain.people import (
    MAY,
    MAY_WORK,
    OPERATION_ACTIONS,
    Action,
    Approval,
    Role,
    action_of,
    may,
)
from tests.support.clocks import FrozenClock
from tests.support.fake_store import make_store
from tests.support.terminals import PIN, actor_of, hash_pin

KINDS = sorted(
    str(field.default) for kind in ALL_OPERATIONS for field in fields(kind) if field.name == "kind"
)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def store(clock):
    return make_store(clock, 1, hash_pin())


def desk_of(store, role: Role, approval: Approval | None = None) -> Desk:
    return Desk(store, store.clock, actor_of(role), "T1", approval=approval)


@pytest.mark.parametrize("kind", KINDS)
def test_every_operation_is_an_action(kind):
    """Nothing can be recorded of which nobody said who may."""
    assert kind in OPERATION_ACTIONS


def test_the_table_has_nothing_else():
    """A kind that is gone leaves no right behind, and every action is decided."""
    assert sorted(OPERATION_ACTIONS) == KINDS
    assert set(MAY) == set(Action)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", Action)
def test_every_action_is_allowed_or_refused_for_every_role(store, action, role):
    """The desk does what the table says, for each of the pairs."""
    desk = desk_of(store, role)
    if may(role, action) and role in MAY_WORK:
        assert desk.require(action) is None
    else:
        with pytest.raises(Refusal):
            desk.require(action)


@pytest.mark.parametrize("action", [one for one in Action if one is not Action.LOOK])
def test_an_auditor_does_nothing_not_even_with_an_approval(store, action):
    """Looking is all: nobody can lend an auditor hands."""
    assert not may(Role.AUDITOR, action)
    with pytest.raises(Refusal, match="may only read"):
        desk_of(store, Role.AUDITOR, Approval("A101", "because", action)).require(action)


def test_rights_grow_with_the_role():
    """What an associate may, a lead may; what a lead may, a manager may."""
    for action in Action:
        assert not may(Role.ASSOCIATE, action) or may(Role.LEAD, action)
        assert not may(Role.LEAD, action) or may(Role.MANAGER, action)


def test_what_nobody_listed_is_work():
    """A flow that is added may be worked on at once, by whoever works; never by an auditor."""
    assert action_of("levitated") is Action.PREPARE


def test_an_approval_counts_for_its_action_alone(store):
    """Approved cash is no approved refund; the operation carries who, and why."""
    approval = Approval("A102", "bank run", Action.TAKE_CASH_OUT)
    desk = desk_of(store, Role.ASSOCIATE, approval)
    with pytest.raises(NeedsRole, match="Giving money back needs a lead or manager"):
        desk.require(Action.GIVE_MONEY_BACK)
    assert desk.require(Action.TAKE_CASH_OUT) == approval
    assert desk.require(Action.PREPARE) is None


def test_cash_leaves_the_drawer_with_two_names(store):
    """An associate who was approved is who did it; the lead is who approved it."""
    desk = desk_of(store, Role.ASSOCIATE)
    drawer.open_drawer(desk, 10_000)
    with pytest.raises(NeedsRole):
        drawer.move_cash(desk, -5_000, CashReason.DEPOSIT)
    drawer.move_cash(desk, 500, CashReason.CHANGE)
    approved = replace(desk, approval=Approval("A102", "bank run", Action.TAKE_CASH_OUT))
    drawer.move_cash(approved, -5_000, CashReason.DEPOSIT)
    assert store.approvals == [("cash_moved", "A103", "A102", "bank run")]


def test_money_is_not_given_back_before_somebody_approved(store, clock):
    """The card is not voided, nothing is recorded."""
    with pytest.raises(NeedsRole):
        giving_back.give_back(desk_of(store, Role.ASSOCIATE), next(iter(store.orders)), 1)


@pytest.mark.parametrize(
    ("attempt", "why", "says"),
    [
        (Attempt("A103", PIN), "x", "for themselves"),
        (Attempt("A104", PIN), "x", "may not approve"),
        (Attempt("A109", PIN), "x", "may not approve"),
        (Attempt("A102", "0000"), "x", "Wrong PIN"),
        (Attempt("A102", PIN), "  ", "No reason"),
        (Attempt("A999", PIN), "x", "cannot sign in"),
    ],
)
def test_who_cannot_approve(store, clock, attempt, why, says):
    """A second person, with the right, the PIN and a reason: nothing less."""
    with pytest.raises(Refusal, match=says):
        approve(store, attempt, Action.TAKE_CASH_OUT, why,
                asker=actor_of(Role.ASSOCIATE), now_ms=clock.now_ms())  # fmt: skip


def test_wrong_pins_of_approvals_lock_out_as_at_the_sign_in(store, clock):
    """Five tries are five tries wherever they are made; a manager unlocks."""
    for _ in range(5):
        with pytest.raises(Refusal):
            approve(store, Attempt("A102", "0000"), Action.TAKE_CASH_OUT, "x",
                    asker=actor_of(Role.ASSOCIATE), now_ms=clock.now_ms())  # fmt: skip
    with pytest.raises(Refusal, match="locked out"):
        approve(store, Attempt("A102", PIN), Action.TAKE_CASH_OUT, "x",
                asker=actor_of(Role.ASSOCIATE), now_ms=clock.now_ms())  # fmt: skip
    locked, asker = store.people[1], actor_of(Role.LEAD)
    with pytest.raises(Refusal, match="may not approve"):
        approve(store, Attempt("A103", PIN), Action.UNLOCK_PERSON, "forgot it", asker=asker,
                now_ms=clock.now_ms())  # fmt: skip
    with pytest.raises(Refusal, match="something else"):
        unlock(store, locked, Approval("A101", "x", Action.TAKE_CASH_OUT))
    approval = approve(store, Attempt("A101", PIN), Action.UNLOCK_PERSON, "forgot it", asker=asker,
                       now_ms=clock.now_ms())  # fmt: skip
    unlock(store, locked, approval)
    assert store.lockout("A102").failures == 0
    assert store.alerts == ["A101 let Devi D. try PINs again: forgot it"]


def test_an_auditor_says_of_no_task_that_it_is_done(store):
    """Looking at the inbox is all."""
    with pytest.raises(Refusal, match="may only read"):
        inbox.resolve(desk_of(store, Role.AUDITOR), "E1", "done")
