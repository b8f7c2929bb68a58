"""Central promises less and less of a store that stays silent, and says so."""

from typing import Any, cast

from sync.domain.orders import Channel
from tests.escrow.test_sizing import remembered, stocked
from tests.support.central_world import World
from tests.support.store_side import StoreSide

MINUTE_MS = 60_000


def answer(world: World, sku: str = "SKU-1") -> dict[str, Any]:
    found = world.parts.central.availability.explain((sku,), ("S001",), Channel.WEB)
    (one,) = cast("list[dict[str, Any]]", found["availability"])
    return one


def learned(world: World, store: StoreSide) -> None:
    """Let the floors be sized by three weeks without an outage, and shared out."""
    stocked(world, 600)
    now = world.clock.now_ms()
    quarters = range(15, 21 * 1440, 15)
    remembered(world, (now - minutes * MINUTE_MS for minutes in quarters), units=4)
    world.parts.sizing.run()
    store.settle()


def test_central_holds_back_more_the_longer_a_store_is_silent(world: World, store: StoreSide):
    """Nothing while it answers as usual; then more with each look, until the lease is over."""
    learned(world, store)
    store.cut()
    seen = []
    for minutes in (0, 4, 6, 20, 50):
        world.clock.advance(minutes * MINUTE_MS - silence_ms(world))
        seen.append(answer(world)["terms"]["held_back"])
    assert seen[:2] == [0, 0]
    assert 0 < seen[2] < seen[4]
    assert seen == sorted(seen)


def silence_ms(world: World) -> int:
    """Return how old the newest of central's times is that the store is known to have seen."""
    with world.database.read() as view:
        lease = view.leases.get("S001")
    assert lease is not None
    return world.clock.now_ms() - lease.token_ms


def test_the_answer_explains_itself(world: World, store: StoreSide):
    """The terms add up, and the age of the data stands beside them."""
    learned(world, store)
    before = answer(world)
    store.cut()
    world.clock.advance(40 * MINUTE_MS)
    after = answer(world)
    terms = after["terms"]
    taken = terms["allocated"] + terms["floor"] + terms["safety_stock"] + terms["held_back"]
    assert terms["on_hand"] - taken == terms["raw"] == after["available_to_promise"]
    assert terms["floor"] == before["terms"]["floor"], "rights have not moved"
    assert after["data_age_seconds"] - before["data_age_seconds"] == 40 * 60
    assert after["available_to_promise"] < before["available_to_promise"]


def test_what_is_held_back_is_not_promised_either(world: World, store: StoreSide):
    """What is shown is what can be ordered: an order for more goes to another store."""
    learned(world, store)
    store.cut()
    whole = answer(world)["available_to_promise"]
    world.clock.advance(40 * MINUTE_MS)
    left = answer(world)["available_to_promise"]
    assert 0 < left < whole
    (moved,) = world.fulfillments(world.place(("SKU-5", 1), ("SKU-1", left)).order_id)
    assert (moved.location_id, answer(world)["available_to_promise"]) == ("S001", 0)


def test_contact_gives_everything_back(world: World, store: StoreSide):
    """The store is asked, not guessed at, as soon as it answers."""
    learned(world, store)
    before = answer(world)["available_to_promise"]
    store.cut()
    for clock in (world.clock, store.clock):
        clock.advance(40 * MINUTE_MS)
    assert answer(world)["available_to_promise"] < before
    store.settle()
    assert answer(world)["terms"]["held_back"] == 0
    assert answer(world)["available_to_promise"] == before


def test_a_store_without_connected_tills_keeps_its_fixed_share(world: World, store: StoreSide):
    """Nothing is learned of it, hence nothing more held back; the lease bounds the risk."""
    before = answer(world)["available_to_promise"]
    world.clock.advance(40 * MINUTE_MS)
    assert answer(world)["available_to_promise"] == before
