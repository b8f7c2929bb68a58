"""What is kept in memory of stores that share by escrow is what the books say."""

from central_server.services.promise_memory import SILENT_MS, PromiseMemory
from tests.central_server.services.test_promise_memory import agree, overtaken
from tests.escrow.test_silence import MINUTE_MS, learned
from tests.support.central_world import World
from tests.support.store_side import StoreSide


def test_rights_leases_and_silence_are_followed(world: World, store: StoreSide):
    """Grants, sales, orders, a long silence to the lease's end, and the store's return."""
    memory = PromiseMemory()
    agree(world, memory)
    learned(world, store)
    agree(world, memory)
    world.place(("SKU-1", 1))
    agree(world, memory)
    store.settle()
    agree(world, memory)
    store.cut()
    for minutes in (1, 4, 1, 3, 10, 20, 60, 20, 5):
        world.clock.advance(minutes * MINUTE_MS)
        agree(world, memory)
    world.clock.advance(SILENT_MS - 1)
    store.settle()
    agree(world, memory)
    store.sell(2)
    store.settle()
    agree(world, memory)


def test_a_question_from_before_the_end_of_a_lease_leaves_nothing_behind(
    world: World, store: StoreSide
):
    """Who read the clock just before a lease ended does not leave its promises to the others."""
    memory = PromiseMemory()
    learned(world, store)
    store.cut()
    agree(world, memory)
    with world.database.read() as view:
        lease = view.leases.get("S001")
    assert lease is not None
    world.clock.advance(lease.until_ms - 1 - world.clock.now_ms())
    agree(world, memory)
    world.clock.advance(1)
    overtaken(world, memory)
