"""Roles of the people in a store, and the one table of who may do what.

Every operation that a person records is one action; some are a harder action when
they are done in a certain way (goods that leave on an ID check). What an action
asks for is looked up here and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """Roles, from the fewest rights to the most; an auditor reads everything and does nothing."""

    ASSOCIATE = "associate"
    LEAD = "lead"
    MANAGER = "manager"
    AUDITOR = "auditor"


class Action(StrEnum):
    """What a person may be allowed to do."""

    LOOK = "look"
    PREPARE = "prepare"
    GIVE_UP = "give_up"
    HAND_OVER = "hand_over"
    HAND_OVER_ON_ID = "hand_over_on_id"
    HAND_OVER_IN_DOUBT = "hand_over_in_doubt"
    RELEASE = "release"
    RESERVE = "reserve"
    TAKE_MONEY = "take_money"
    GIVE_MONEY_BACK = "give_money_back"
    RUN_DRAWER = "run_drawer"
    TAKE_CASH_OUT = "take_cash_out"
    SELL = "sell"
    BREAK_PROMISE = "break_promise"
    SHIP = "ship"
    RESOLVE = "resolve"
    PRINT = "print"
    UNLOCK_PERSON = "unlock_person"
    MACHINE = "machine"


_ALL = frozenset({Role.ASSOCIATE, Role.LEAD, Role.MANAGER})
_LEADING = frozenset({Role.LEAD, Role.MANAGER})

MAY: Mapping[Action, frozenset[Role]] = {
    Action.LOOK: frozenset(Role),
    Action.PREPARE: _ALL,
    Action.GIVE_UP: _ALL,
    Action.HAND_OVER: _ALL,
    Action.HAND_OVER_ON_ID: _LEADING,
    Action.HAND_OVER_IN_DOUBT: _LEADING,
    Action.RELEASE: _ALL,
    Action.RESERVE: _ALL,
    Action.TAKE_MONEY: _ALL,
    Action.GIVE_MONEY_BACK: _LEADING,
    Action.RUN_DRAWER: _ALL,
    Action.TAKE_CASH_OUT: _LEADING,
    Action.SELL: _ALL,
    Action.BREAK_PROMISE: _LEADING,
    Action.SHIP: _ALL,
    Action.RESOLVE: _ALL,
    Action.PRINT: _ALL,
    Action.UNLOCK_PERSON: frozenset({Role.MANAGER}),
    Action.MACHINE: frozenset(),
}
"""Action -> roles that may do it without asking anybody."""

OPERATION_ACTIONS: Mapping[str, Action] = {
    "promise_confirmed": Action.MACHINE,
    "fulfillment_accepted": Action.PREPARE,
    "line_picked": Action.PREPARE,
    "line_unpicked": Action.PREPARE,
    "line_short_picked": Action.GIVE_UP,
    "fulfillment_rejected": Action.GIVE_UP,
    "staged": Action.PREPARE,
    "marked_ready": Action.PREPARE,
    "unstaged": Action.PREPARE,
    "handed_over": Action.HAND_OVER,
    "line_refused": Action.HAND_OVER,
    "hold_expired": Action.RELEASE,
    "put_back": Action.PREPARE,
    "extension_requested": Action.RELEASE,
    "wave_assigned": Action.PREPARE,
    "units_sorted": Action.PREPARE,
    "customer_arrived": Action.PREPARE,
    "customer_left": Action.PREPARE,
    "box_packed": Action.SHIP,
    "box_unpacked": Action.SHIP,
    "label_printed": Action.SHIP,
    "label_requested": Action.SHIP,
    "label_voided": Action.SHIP,
    "manifested": Action.SHIP,
    "handed_to_carrier": Action.SHIP,
    "reservation_made": Action.RESERVE,
    "wait_requested": Action.RESERVE,
    "wait_served": Action.MACHINE,
    "reservation_released": Action.RELEASE,
    "tender_taken": Action.TAKE_MONEY,
    "card_asked": Action.TAKE_MONEY,
    "card_answered": Action.TAKE_MONEY,
    "value_asked": Action.TAKE_MONEY,
    "value_answered": Action.MACHINE,
    "tender_returned": Action.GIVE_MONEY_BACK,
    "reservation_converted": Action.HAND_OVER,
    "rights_granted": Action.MACHINE,
    "rights_recalled": Action.MACHINE,
    "generation_closed": Action.MACHINE,
    "floor_sold": Action.SELL,
    "drawer_opened": Action.RUN_DRAWER,
    "drawer_counted": Action.RUN_DRAWER,
    "cash_moved": Action.RUN_DRAWER,
    "card_settled": Action.MACHINE,
    "exception_resolved": Action.RESOLVE,
    "exception_assigned": Action.RESOLVE,
    "follow_up_opened": Action.RESOLVE,
}
"""Kind of an operation -> the action that recording it is, unless its command asks for more.

One that a flow brings along and nobody has listed is work like any other; a test
wants every operation of ours listed.
"""

MAY_WORK = _ALL
"""Roles that may change anything at all."""

MAY_OVERRIDE = MAY[Action.HAND_OVER_ON_ID]
"""Roles that may hand over without a pickup code that matches, on an ID check."""


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody with the right answered with their PIN for what another person does."""

    by: str
    """The associate who approved; never the one who acts."""
    why: str
    """The reason that was given."""
    action: Action
    """What was approved; it counts for nothing else."""


def action_of(kind: str) -> Action:
    """Return the action that recording an operation of this kind is."""
    return OPERATION_ACTIONS.get(kind, Action.PREPARE)


def may(role: Role, action: Action) -> bool:
    """Return whether a role may do this without asking anybody."""
    return role in MAY[action]
