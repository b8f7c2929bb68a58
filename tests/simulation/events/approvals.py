"""What an associate does with a second person's PIN: promises that break, cash that goes out."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

from store_client.replica.models import Sale
from store_client.services import drawer, sales
from store_client.services.desk import Actor, Desk
from sync.domain.errors import OperationRefused
from sync.domain.money_operations import CashReason
from sync.domain.people import Action, Approval, Role
from sync.domain.stock_operations import SkuUnits
from tests.simulation.registry import EventKind
from tests.simulation.store import StoreMachine
from tests.simulation.template import SKUS
from tests.simulation.world import World

HELPER = Actor("A3", "Bo", Role.ASSOCIATE)
"""Whoever does here what only somebody else may allow, and nothing else."""
LEAD = Actor("A1", "Kim", Role.MANAGER)


def promise_is_overridden(world: World, index: int, dice: Random) -> str:
    """The till sells what is promised; a lead answers for it, and may say which order gives way."""
    store = world.stores[index]
    sale = Sale(f"O{dice.getrandbits(40):x}", (SkuUnits(dice.choice(SKUS), dice.choice((1, 2))),))
    orders = store.orders() if dice.random() < 0.5 else []
    breaks = dice.choice(orders).order_number if orders else ""
    override = sales.Override(actor=LEAD, breaks=breaks)
    seller, now = sales.Seller(HELPER.id, "till-1"), store.clock.now_ms()
    return _do(world, store, lambda: sales.sell(store.store, sale, seller, now, override).operation)


def cash_goes_out(world: World, index: int, dice: Random) -> str:
    """An associate takes cash to the bank, which a lead has to approve."""
    store = world.stores[index]
    approval = Approval(LEAD.id, "bank run", Action.TAKE_CASH_OUT)
    desk = Desk(store.store, store.clock, HELPER, "till-1")
    if dice.random() < 0.8:  # else it is refused
        desk = replace(desk, approval=approval)
    amount = -dice.choice((100, 500, 5_000))
    return _do(world, store, lambda: drawer.move_cash(desk, amount, CashReason.DEPOSIT).number)


def _do(world: World, store: StoreMachine, act: Callable[[], object]) -> str:
    try:
        done, problem = store.guarded(act)
    except OperationRefused as refusal:
        world.tally.refusals += 1
        return f"refused: {refusal}"
    finally:
        world.remember(store)
    return problem or str(done)[:60]


KINDS = (
    EventKind("promise_is_overridden", promise_is_overridden, 1.5),
    EventKind("cash_goes_out", cash_goes_out, 1),
)
