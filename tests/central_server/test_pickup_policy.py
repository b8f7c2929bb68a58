"""What a store may do with pickups: set at central, known to the store, used for promises."""

from dataclasses import replace

import pytest

from central_server.services.errors import NotFound, UnknownLocation
from central_server.services.promising import open_hours
from central_server.sourcing.calendar import promised_by
from sync.domain.pickups import PickupPolicy, SpotCapacity
from tests.central_server.test_cli_till import run
from tests.support.central_world import World, build_world

__all__ = ["run"]


@pytest.fixture
def world(database, tmp_path) -> World:
    """Three stores with ten of everything."""
    return build_world(database, tmp_path)


def test_the_target_of_a_store_moves_what_is_promised(world: World):
    """Thirty minutes of opening time instead of everybody's two hours; the limit travels too."""
    world.parts.tills.set_pickup_policy("S001", PickupPolicy(ready_minutes=30, wait_days_max=9))
    (order,) = world.fulfillments(world.place().order_id)
    with world.database.read() as view:
        place = view.locations.get("S001")
    assert place is not None
    by_ms = promised_by(open_hours(place), world.clock.now_ms(), 30 * 60_000)
    assert order.promised_by_ms == by_ms
    assert order.wait_days_max == 9


def test_an_import_of_locations_keeps_the_policy(world: World):
    """A file of addresses says nothing of pickups: what was set stays."""
    policy = PickupPolicy(capacities=(SpotCapacity("A1", 2),))
    world.parts.tills.set_pickup_policy("S001", policy)
    with world.database.read() as view:
        place = view.locations.get("S001")
    assert place is not None
    world.parts.intake.locations([replace(place, pickup=PickupPolicy(), name="New name")])
    assert world.parts.tills.pickup_policy("S001") == policy


def test_a_store_that_nobody_knows_has_no_policy(world: World):
    """A mistyped location is told so."""
    with pytest.raises(UnknownLocation):
        world.parts.tills.set_pickup_policy("NOPE", PickupPolicy())


@pytest.mark.slow
def test_the_command_line_shows_and_changes_it(run):
    """Only what is given changes; what cannot be read is a usage error."""
    told = run("pickup-policy", "S001", "--spot", "A1=4", "--remind", "24", "--json")
    assert told["policy"]["capacities"] == [{"spot": "A1", "orders": 4}]
    assert told["policy"]["reminder_hours"] == [24]
    kept = run("pickup-policy", "S001", "--wait-days", "10", "--json")["policy"]
    assert (kept["wait_days_max"], kept["reminder_hours"]) == (10, [24])
    run("pickup-policy", "S001", "--spot", "A1", code=2)
    run("pickup-policy", "NOPE", code=3)


def test_a_limit_is_that_of_a_spot_of_the_store_however_it_is_written(world: World):
    """A limit for a spot that is not there would limit nothing, without a word."""
    with world.database.read() as view:
        place = view.locations.get("S001")
    assert place is not None
    world.parts.intake.locations([replace(place, spots=("A1", "A2"))])
    limited = PickupPolicy(capacities=(SpotCapacity("a1", 2),))
    world.parts.tills.set_pickup_policy("S001", limited)
    assert world.parts.tills.pickup_policy("S001").capacity_of("A1") == 2
    mistyped = PickupPolicy(capacities=(SpotCapacity("A9", 2),))
    with pytest.raises(NotFound, match="A9"):
        world.parts.tills.set_pickup_policy("S001", mistyped)
    assert world.parts.tills.pickup_policy("S001") == limited
