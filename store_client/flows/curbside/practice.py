"""An associate who works curbside orders off by the book, and customers who drive up and away."""

from random import Random

from store_client.flows.curbside import commands
from store_client.services.desk import Desk
from store_client.services.fetching_practice import BY_THE_BOOK, Habits
from store_client.services.fetching_practice import work_next as work_on_shelf
from sync.domain.errors import OperationRefused
from sync.domain.flows.curbside import NAME

ARRIVES, LEAVES = 0.3, 0.1
CARS = ("red van", "blue hatchback", "")


def work_next(desk: Desk, random: Random, habits: Habits = BY_THE_BOOK) -> str | None:
    """Do one step and say what was done; None when nothing is to do."""
    try:
        said = _outside(desk, random)
    except OperationRefused as refusal:
        return f"refused: {refusal}"
    return said or work_on_shelf(desk, random, habits, NAME)


def _outside(desk: Desk, random: Random) -> str:
    waiting = commands.outside(desk)
    others = commands.not_here(desk, waiting)
    if waiting and random.random() < LEAVES:
        gone = random.choice(waiting).order
        commands.left(desk, gone.id)
        return f"{gone.order_number}: drove away"
    if others and random.random() < ARRIVES:
        order = random.choice(others)
        store = desk.store.store_row()
        spots = store.pickup.parking if store is not None else ()
        commands.arrived(desk, order.id, random.choice(spots or ("P1",)), random.choice(CARS))
        return f"{order.order_number}: waits outside"
    return ""
