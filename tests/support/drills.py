"""Work and agreement in drills of restores: a store's machine before a real central."""

from central_server.services.digest import digest_of
from central_server.services.verification import verify
from sync.protocol.digest import differences
from tests.support.bridge import Machine
from tests.support.central_world import World, whole_pickup


def serve(machine: Machine, count: int = 1) -> list[str]:
    """Place orders, hear of them and hand them over; return the fulfillment orders' ids."""
    world = machine.side.world
    keys = []
    for _ in range(count):
        (work,) = world.fulfillments(world.place(("SKU-1", 2)).order_id)
        machine.quiet()
        machine.do(*whole_pickup(work))
        keys.append(work.id)
    return keys


def pass_time(machine: Machine, seconds: int) -> None:
    machine.side.world.clock.advance(seconds * 1000)


def check_agreed(machine: Machine) -> None:
    """Both sides have the same, central's books and chains are true, nothing counts twice."""
    machine.quiet()
    world = machine.side.world
    with world.database.read() as view:
        there = digest_of(view, machine.location_id)
    assert differences(machine.digest(), there) == []
    assert verify(world.database) == []


def handed_over(world: World) -> int:
    """Return how many units of SKU-1 have left S001, by its book."""
    return 100 - world.stock("S001")[0]
