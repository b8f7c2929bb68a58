"""Rules of routing that change, orders that wait by them, and stores that claim what is offered."""

from random import Random

from central_server.services.errors import NotFound, NotHeld, OfferGone, ServiceRefused
from central_server.sourcing.routing_rules import HoldKind, RoutingRule, RoutingRuleKind
from tests.simulation.events import shipping
from tests.simulation.registry import EventKind
from tests.simulation.world import World

ROUTE = RoutingRuleKind.ROUTE
SHIP = ("standard", "express")
CHOICES: tuple[tuple[RoutingRule, ...], ...] = (
    (),
    (RoutingRule("near", ROUTE, methods=SHIP, km_minor=5.0, shipments_max=1),),
    (RoutingRule("grace", ROUTE, methods=SHIP, grace_minutes=30),),
    (RoutingRule("look", ROUTE, methods=SHIP, hold_for=(HoldKind.FRAUD, HoldKind.ADDRESS)),),
    (RoutingRule("offer", ROUTE, methods=SHIP, offer_stores=2, offer_minutes=60),),
    (
        RoutingRule("slow", ROUTE, methods=SHIP, grace_minutes=10, hold_for=(HoldKind.PAYMENT,)),
        RoutingRule("quick", ROUTE, accept_minutes=45),
    ),
    (
        RoutingRule("day", RoutingRuleKind.CAPACITY, orders=4),
        RoutingRule("away", ROUTE, methods=SHIP, except_locations=("S001",)),
    ),
)
"""Sets of rules that a retailer may come to, one after the other."""
BY_HAND = (HoldKind.FRAUD, HoldKind.ADDRESS, HoldKind.PAYMENT, HoldKind.MANUAL)


def rules_change(world: World, index: int, dice: Random) -> str:
    """Rules are drafted by one and published by another, or rolled back; an order comes by them."""
    book = world.central.parts.central.routing_rules

    def change(_: object) -> int:
        held = [one["version"] for one in book.page(None, 20)[0] if one["effective_from"]]
        if held and dice.random() < 0.2:
            again = book.roll_back(int(str(dice.choice(held))), note="", by="Kim")
            return int(str(again["version"]))
        made = book.draft(dice.choice(CHOICES), note="", by="Kim")
        version, reading = int(str(made["version"])), str(made["reading"])
        book.publish(version, effective_from_ms=None, note="", by="Lee", reading=reading)
        return version

    try:
        version, problem = world.at_central(change)
    except ServiceRefused as refusal:  # a clock that was set back: nothing has held yet
        return f"refused: {refusal}"
    if problem:
        return problem
    sent = shipping.place(world, index, dice)
    return f"version {version} of the rules holds; by it: {sent}"


def release(world: World, index: int, dice: Random) -> str:
    """Central releases orders whose time of waiting is over."""
    released, problem = world.at_central(lambda central: central.waiting.run())
    return problem or f"{released} orders released"


def hold_or_clear(world: World, index: int, dice: Random) -> str:
    """A person clears what an order waits for, or finds one reason more to wait."""
    room = world.central.parts.central.waiting
    waiting = room.page(None, 20)
    if not waiting:
        return "nothing waits"
    chosen = dice.choice(waiting)
    order_id = str(chosen["order_id"])
    adds = dice.random() < 0.25
    kind = dice.choice(BY_HAND) if adds else HoldKind(str(chosen["kind"]))
    try:
        if adds:
            _, problem = world.at_central(
                lambda central: central.waiting.hold(order_id, kind, text="", by="Kim")
            )
        else:
            _, problem = world.at_central(
                lambda central: central.waiting.clear(order_id, kind, note="", by="Kim")
            )
    except (NotHeld, NotFound) as refusal:
        return str(refusal)
    return problem or f"{'held' if adds else 'cleared'} {kind} of {order_id[-4:]}"


def claim(world: World, index: int, dice: Random) -> str:
    """A store claims an order that is offered; an answer that is lost is asked for again."""
    places = [one.location_id for one in (world.stores[index], *world.stores)]
    desk = world.central.parts.central.offers
    place = next((one for one in places if desk.offers(one)), "")
    if not place:
        return "nothing is offered"
    offered = desk.offers(place)
    order_id = str(dice.choice(offered)["order_id"])
    for _ in range(3):
        try:
            claimed, problem = world.at_central(
                lambda central: central.offers.claim(order_id, place)
            )
        except (OfferGone, NotFound) as refusal:
            return str(refusal)
        if claimed is not None:
            return f"{place} claimed {order_id[-4:]}"
    return problem


KINDS = (
    EventKind("rules_change", rules_change, 2.5, at_central=True),
    EventKind("release", release, 2, at_central=True),
    EventKind("hold_or_clear", hold_or_clear, 2, at_central=True),
    EventKind("claim", claim, 3),
)
