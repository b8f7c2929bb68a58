"""How a store shares is changed at central, and the store hears of it late."""

from dataclasses import replace
from random import Random

from central_server.records import EscrowRule
from tests.simulation.clocks import HOUR_MS, MINUTE_MS
from tests.simulation.events.orders import place
from tests.simulation.events.sales import sale
from tests.simulation.events.terms import takes_back
from tests.simulation.registry import EventKind
from tests.simulation.store import StoreMachine
from tests.simulation.template import POLICY
from tests.simulation.world import World

LEASES_MS = (POLICY.lease_ms // 3, POLICY.lease_ms, 6 * HOUR_MS)
ROUNDS = 3


def a_lease_is_changed(world: World, index: int, dice: Random) -> str:
    """Somebody at central makes a store's lease longer or shorter."""
    place_id, now_ms = world.stores[index].location_id, world.central.clock.now_ms()
    policy = replace(POLICY, lease_ms=dice.choice(LEASES_MS))
    rule = EscrowRule(place_id, now_ms, policy)
    _, problem = world.at_central(lambda central: central.escrow.add(rule))
    return problem or f"a lease of {policy.lease_ms // MINUTE_MS} min at {place_id}"


def a_changed_lease_is_half_heard(world: World, index: int, dice: Random) -> str:
    """A push arrives and the line breaks, somewhere near to where the store hears of it."""
    store = world.stores[index]
    store.endpoint.restore()
    said = [a_lease_is_changed(world, index, dice)]
    for _ in range(dice.randrange(ROUNDS)):
        _passes(world, store)
    said.append(place(world, index, dice))
    if dice.random() < 0.7:
        store.endpoint.cut_before(dice.choice(("pull", "push")))
    _passes(world, store)
    said.append(place(world, index, dice))
    store.endpoint.cut()
    return "; ".join([*said, takes_back(world, store), sale(world, index, dice)])


def _passes(world: World, store: StoreMachine) -> None:
    world.let_pass(MINUTE_MS // 2)
    store.round()
    world.remember(store)


KINDS = (
    EventKind("a_lease_is_changed", a_lease_is_changed, 1),
    EventKind("a_changed_lease_is_half_heard", a_changed_lease_is_half_heard, 1),
)
