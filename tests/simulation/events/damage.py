"""A row of central's to which nothing can be written: one operation of a push meets a constraint.

What is held back for it waits for a person, as with any other poison; the row is
mended at once, because no order and no job of central's is to meet it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from sync.protocol import errors
from sync.protocol.session import PushAnswer, PushHeader
from tests.simulation.events.sales import sale
from tests.simulation.registry import EventKind
from tests.simulation.store import StoreMachine
from tests.simulation.template import SKUS
from tests.simulation.world import BROKEN, World

SALES = 3
PUSHES = (1, 1, 2, 100)


def a_row_is_damaged(world: World, index: int, dice: Random) -> str:
    """Central can't write one SKU's stock while a store sends; perhaps the line breaks then."""
    store, sku = world.stores[index], dice.choice(SKUS)
    for _ in range(dice.randint(0, SALES)):
        sale(world, index, dice)
    pushes = dice.choice(PUSHES)
    with damaged(world, store.location_id, sku), breaks_after(store, pushes):
        report, problem = store.round()
    world.remember(store)
    return f"{sku}, {pushes} pushes at most: {problem or (report and report.error) or 'all sent'}"


@contextmanager
def damaged(world: World, location_id: str, sku: str) -> Iterator[None]:
    """Let a constraint forbid any change of one row of stock."""
    world.notes[BROKEN] = True
    _at_the_database(
        world,
        "CREATE TRIGGER damaged BEFORE UPDATE ON stock"
        f" WHEN OLD.location_id = '{location_id}' AND OLD.sku = '{sku}'"
        " BEGIN SELECT RAISE(ABORT, 'damaged'); END",
    )
    try:
        yield
    finally:
        _at_the_database(world, "DROP TRIGGER damaged")


def _at_the_database(world: World, sql: str) -> None:
    """Do something to central's file that is no part of central: no commit of its own fails."""
    fuse = world.central.fuse
    armed, fuse.is_armed = fuse.is_armed, False
    try:
        world.central.database.write(lambda unit: unit.connection.exec_driver_sql(sql))
    finally:
        fuse.is_armed = armed


@contextmanager
def breaks_after(store: StoreMachine, pushes: int) -> Iterator[None]:
    """Let the line break when so many pushes of a round have been answered."""
    send, sent = store.endpoint.push, 0

    def push(header: PushHeader, lines: tuple[bytes, ...]) -> PushAnswer:
        nonlocal sent
        sent += 1
        if sent > pushes:
            raise errors.Unreachable("the line breaks")
        return send(header, lines)

    store.endpoint.push = push  # type: ignore[method-assign]
    try:
        yield
    finally:
        store.endpoint.push = send  # type: ignore[method-assign]


KINDS = (EventKind("a_row_is_damaged", a_row_is_damaged, 0.8, is_fault=True),)
