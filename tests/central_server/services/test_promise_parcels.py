"""Rules of promising hold for parcels: what is shown to be sent is what may be sent."""

from dataclasses import replace

import pytest

from central_server.services.promise_memory import PromiseMemory
from central_server.services.promises import Ask, Promises
from central_server.sourcing.promise_rules import Level, PromiseRule, RuleKind
from sync.domain.errors import InsufficientStock
from tests.central_server.services.test_parcels import place
from tests.central_server.services.test_promise_rules import publish
from tests.support.central_world import World
from tests.support.parcels import CARRIERS

BY_PARCEL = Ask(method="ship")


@pytest.fixture
def shipping(world: World) -> World:
    """The small central, with two carriers that come to every store."""
    memory = PromiseMemory()
    assert shown(world, memory) == 0
    world.parts.intake.carriers(CARRIERS)
    assert shown(world, memory) == 30
    return world


def shown(world: World, memory: PromiseMemory | None = None) -> int:
    now = world.clock.now_ms()
    with world.database.read() as view:
        if memory is not None:
            return memory.network(Promises(view, now), ["SKU-1"], BY_PARCEL)["SKU-1"].quantity
        return Promises(view, now).network(["SKU-1"], BY_PARCEL)["SKU-1"].quantity


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (PromiseRule("r", RuleKind.SAFETY_STOCK, units=2, methods=("ship",)), 24),
        (PromiseRule("r", RuleKind.SAFETY_STOCK, level=Level.NETWORK, units=7), 23),
        (PromiseRule("r", RuleKind.OFFER, offered=False, methods=("ship",),
                     locations=("S001",)), 20),
        (PromiseRule("r", RuleKind.PROTECT, locations=("S001", "S002")), 10),
    ],
)  # fmt: skip
def test_what_is_shown_is_what_may_be_sent(shipping: World, rule, expected):
    """All that is shown can be ordered, divided over stores, and not one unit more."""
    publish(shipping, rule)
    assert shown(shipping) == expected
    with pytest.raises(InsufficientStock):
        place(shipping, ("SKU-1", expected + 1))
    place(shipping, ("SKU-1", expected))
    assert shown(shipping) == 0
    with pytest.raises(InsufficientStock):
        place(shipping, ("SKU-1", 1))


def test_a_rule_offers_no_parcels_where_no_carrier_comes(world: World):
    """A list of who is open to a channel is none of who can send: not shown, and not published."""
    world.parts.intake.carriers(replace(CARRIERS, pickups={"S002": CARRIERS.pickups["*"]}))
    publish(
        world,
        PromiseRule("r", RuleKind.OFFER, offered=True, locations=("S001", "S002")),
        PromiseRule("s", RuleKind.OFFER, offered=False),
    )
    assert shown(world, PromiseMemory()) == shown(world) == 10
    with world.database.read() as view:
        promises = Promises(view, world.clock.now_ms())
        assert promises.free(["SKU-1"], BY_PARCEL) == {"S002": {"SKU-1": 10}}
        (term,) = [
            one for one in promises.at(["SKU-1"], BY_PARCEL)["S001"]["SKU-1"].terms if one.units
        ]
    assert term == ("not_offered", 10, None)
    with pytest.raises(InsufficientStock):
        place(world, ("SKU-1", 11))
    place(world, ("SKU-1", 10))
    world.place(("SKU-1", 10), at="S001")


def test_a_store_that_sends_nothing_lets_fetch(shipping: World):
    """Shipping and pickup are turned off each for itself."""
    publish(shipping, PromiseRule("r", RuleKind.OFFER, offered=False, methods=("ship",)))
    assert shown(shipping) == 0
    shipping.place(("SKU-1", 10))
