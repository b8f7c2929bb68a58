"""How long a hold lasts at the counter: what the store was late for is added once."""

from store_client.flows.reserve import commands
from store_client.services.desk import Desk
from tests.support.central_world import World
from tests.support.conflicts import agree
from tests.support.counter import HOUR_MS, aside, online, pass_time
from tests.support.store_side import StoreSide


def test_a_hold_does_not_grow_by_being_called_ready_again(
    world: World, store: StoreSide, desk: Desk
):
    """Taken off the shelf by mistake and called ready again, it ends when the customer was told."""
    _, key = online(world, store)
    pass_time(world, store, 8 * HOUR_MS)
    aside(desk, key)
    told = commands.mark_ready(desk, key).expires_at_ms
    for _ in range(3):
        commands.unstage(desk, key)
        commands.stage(desk, key, "A1")
        assert commands.mark_ready(desk, key).expires_at_ms == told
    agree(world, store)
