"""Narrow passes of escrow: central lacks, or holds back, that a store took back what it gave."""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from central_server.services.replication import Replication
from store_client.replica.models import Sale
from sync.domain.ids import OpId
from sync.domain.operations import kind_of
from sync.domain.stock_operations import GenerationClosed, SkuUnits, StockOperation
from sync.domain.transitions import Consequence
from tests.simulation.events.damage import breaks_after, damaged
from tests.simulation.events.network import line_gets_good, mend
from tests.simulation.events.quarantine import set_aside_all
from tests.simulation.events.sales import sale
from tests.simulation.events.terms import takes_back
from tests.simulation.registry import EventKind
from tests.simulation.store import StoreMachine
from tests.simulation.template import SKUS
from tests.simulation.world import ALONE, BROKEN, World

EARLIER_SALES = 3
A_MOMENT_MS = 5_000
LITTLE = 2


def half_of_a_push_is_taken(world: World, index: int, dice: Random) -> str:
    """A store that took back what it gave is heard: the first half, and then the line breaks."""
    store = world.stores[index]
    _speaks(world, index, dice)
    for _ in range(EARLIER_SALES):
        sale(world, index, dice)
    said = _takes_back(world, store)
    for share in store.store.shares.shares(SKUS):
        _sell(store, dice, share.sku, share.floor)
    world.remember(store)
    _starts_anew(world, index, dice)
    sku = dice.choice(SKUS)
    with damaged(world, store.location_id, sku), breaks_after(store, 1):
        store.round()
    world.remember(store)
    return f"{said} and sells it; {sku} is damaged"


def the_end_of_rights_is_held_back(world: World, index: int, dice: Random) -> str:
    """A store that took back what it gave is heard, and central fails to understand that it did."""
    store = world.stores[index]
    _speaks(world, index, dice)
    said = _takes_back(world, store)
    _starts_anew(world, index, dice)
    store.endpoint.cut_before("pull")  # or it grants anew what it took back
    with _closes_no_generation(world):
        for _ in range(2):
            world.let_pass(A_MOMENT_MS)
            store.round()
            world.remember(store)
            world.look()
            mend(world, index, dice)
    return said


def the_end_of_rights_is_set_aside(world: World, index: int, dice: Random) -> str:
    """Central does not understand that a store took back what it gave, and never will.

    The store has so little left that it gives none of it anew.
    """
    store = world.stores[index]
    _speaks(world, index, dice)
    said = _takes_back(world, store)
    for share in store.store.shares.shares(SKUS):
        _sell(store, dice, share.sku, share.floor - dice.randint(1, LITTLE))
    world.remember(store)
    mend(world, index, dice)
    store.endpoint.cut_before("pull")
    with _closes_no_generation(world):
        store.round()
    world.remember(store)
    mend(world, index, dice)
    settled = set_aside_all(world, kind_of(GenerationClosed))
    for _ in range(2):
        world.look()
        world.let_pass(A_MOMENT_MS)
        store.round()
        world.remember(store)
    return f"{said} and sells most of it; {settled} settled"


def _speaks(world: World, index: int, dice: Random) -> None:
    """Let a store hear all there is, and then nothing any more."""
    store = world.stores[index]
    line_gets_good(world, index, dice)
    mend(world, index, dice)
    store.round()
    world.remember(store)
    store.endpoint.cut()


def _takes_back(world: World, store: StoreMachine) -> str:
    said = takes_back(world, store)
    world.look()
    world.notes.pop(ALONE + store.location_id, None)
    return said


def _starts_anew(world: World, index: int, dice: Random) -> None:
    """Start a process, which has central's time from its hello when it pushes first."""
    world.stores[index].restart()
    mend(world, index, dice)


@contextmanager
def _closes_no_generation(world: World) -> Iterator[None]:
    """Let central's program have a fault that shows where a store ends its rights.

    Before anything has changed: what fails half-way ends its push, which then extends no lease.
    """
    known, world.notes[BROKEN] = Replication._apply_stock, True

    def apply_stock(
        applier: Replication, operation: StockOperation, op_id: OpId, at_ms: int
    ) -> tuple[Consequence, ...]:
        if isinstance(operation, GenerationClosed):
            raise TypeError("a fault in the program")
        return known(applier, operation, op_id, at_ms)

    Replication._apply_stock = apply_stock  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        Replication._apply_stock = known  # type: ignore[method-assign]


def _sell(store: StoreMachine, dice: Random, sku: str, units: int) -> None:
    if units > 0:
        bought = Sale(f"T{dice.getrandbits(40):x}", (SkuUnits(sku, units),))
        store.guarded(lambda: store.store.sell(bought, by="A1", dev="POS"))


KINDS = (
    EventKind("half_of_a_push_is_taken", half_of_a_push_is_taken, 3),
    EventKind("the_end_of_rights_is_held_back", the_end_of_rights_is_held_back, 3),
    EventKind("the_end_of_rights_is_set_aside", the_end_of_rights_is_set_aside, 3),
)
