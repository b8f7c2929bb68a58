"""Promises in memory are those of the books, whatever happens, for each of two workers."""

from dataclasses import replace
from random import Random

import pytest

from central_server.records import Product
from central_server.services import plenty
from central_server.services.catalogue_intake import StockItem
from central_server.services.errors import NotReleased, PickupNotOffered
from central_server.services.kits import KitPromises
from central_server.services.promise_memory import PromiseMemory
from central_server.services.promises import ANYBODY, Promises
from central_server.sourcing.contact import NEVER_MS, Contact, heard, leased
from central_server.sourcing.promise_rules import Level, PromiseRule, RuleKind
from sync.domain import operations as op
from sync.domain.errors import InsufficientStock
from sync.domain.fulfillment import ShortReason
from sync.domain.inventory import StockReason
from sync.domain.silence import USUAL_MS
from tests.central_server.services.test_promise_rules import publish, reject
from tests.support.central_world import PLACES, SKUS, Device, World

MINUTE_MS = 60_000
STEPS = 60


OWN = replace(ANYBODY, is_own=True)
NAMES = [one[0] for one in PLACES]


def agree(world: World, *memories: PromiseMemory) -> None:
    """Of the network, and of places, which promise no more than the network does."""
    now = world.clock.now_ms()
    with world.database.read() as view:
        promises = Promises(view, now)
        books = promises.network(SKUS, ANYBODY)
        adds: dict[str, dict[str, int]] = {sku: {} for sku in SKUS}
        held, waited = promises.held(SKUS), promises.kept(SKUS, ANYBODY)
        for node in promises.nodes(SKUS):
            sku, place = node.position.sku, node.place.id
            kept = held[sku].get(place, 0) + waited.get(sku, {}).get(place, 0)
            if (units := promises.part(node, ANYBODY)[0] - kept) > 0:
                adds[sku][place] = units
        places = promises.at(SKUS, OWN, NAMES, network=promises.network)
        for least, margin in ((0, 1), (1, 1), (1, 0), (20, 2)):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(plenty, "PLACES_MIN", least)
                patch.setattr(plenty, "MARGIN", margin)
                assert Promises(view, now).at(SKUS, OWN, NAMES) == places
        for memory in memories:
            assert memory.network(Promises(view, now), SKUS, ANYBODY) == books
            assert memory.places(Promises(view, now), SKUS, ANYBODY) == adds
            assert KitPromises(Promises(view, now), SKUS, memory).at(OWN, NAMES) == places


class Story:
    """Things that happen to a network, drawn from a seed."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = Random(seed)
        self.devices: dict[str, Device] = {}
        self.events = (
            self.order, self.order, self.count, self.give_up, self.cancel, self.close_pickup,
            self.pass_time, self.publish, self.hear, self.classify, self.release,
        )  # fmt: skip

    def go_on(self) -> None:
        self.place, self.sku = self.random.choice(PLACES)[0], self.random.choice(SKUS)
        self.random.choice(self.events)()

    def order(self) -> str | None:
        try:
            return self.world.place((self.sku, self.random.randint(1, 3)), at=self.place).order_id
        except (InsufficientStock, PickupNotOffered, NotReleased):
            return None

    def count(self) -> None:
        item = StockItem(self.place, self.sku, self.random.randint(0, 15))
        self.world.parts.intake.stock([item], "count", StockReason.IMPORT)

    def give_up(self) -> None:
        order_id = self.order()
        if order_id is not None:
            (order,) = self.world.fulfillments(order_id)
            device = self.heard(order.location_id)
            device.do(op.FulfillmentRejected(order.id, ShortReason.STORE_BUSY))
            device.push(len(device.lines))

    def cancel(self) -> None:
        order_id = self.order()
        if order_id is not None:
            self.world.parts.central.cancelling.cancel(order_id, reason="", actor="web")

    def close_pickup(self) -> None:
        with self.world.database.read() as view:
            location = view.locations.get_many([self.place])[self.place]
        changed = replace(location, pickup_enabled=not location.pickup_enabled)
        self.world.parts.intake.locations([changed])

    def pass_time(self) -> None:
        self.world.clock.advance(self.random.choice((1, MINUTE_MS, 31 * MINUTE_MS)))

    def publish(self) -> None:
        until = self.world.clock.now_ms() + 20 * MINUTE_MS
        units = self.random.randint(0, 3)
        publish(
            self.world,
            PromiseRule("a", RuleKind.HOLDBACK, units=units, skus=(self.sku,),
                        effective_until_ms=until),
            PromiseRule("b", RuleKind.SAFETY_STOCK, level=Level.NETWORK, percent=20),
            *([PromiseRule("d", RuleKind.HOLDBACK, units=2, categories=("Wine",))]
              if units and self.has("Wine") else []),
            PromiseRule("c", RuleKind.SILENCE, after_minutes=30, percent=50),
        )  # fmt: skip

    def release(self) -> None:
        minutes = self.random.choice((None, 1, 25))
        at_ms = None if minutes is None else self.world.clock.now_ms() + minutes * MINUTE_MS
        self.world.parts.central.supply.set_release(self.sku, at_ms)

    def classify(self) -> None:
        category = self.random.choice(("Wine", "Beer"))
        product = Product(self.sku, f"Thing {self.sku}", category=category)
        self.world.parts.intake.products([product])

    def has(self, category: str) -> bool:
        with self.world.database.read() as view:
            return category in view.catalogue.categories(SKUS).values()

    def hear(self) -> None:
        self.heard(self.place)

    def heard(self, place: str) -> Device:
        if place not in self.devices:
            self.devices[place] = self.world.device(place)
        self.devices[place].hello()
        return self.devices[place]


@pytest.mark.parametrize("seed", range(3))
def test_memory_is_what_the_books_say(world, seed):
    """After any event two workers' memories answer what the books do, at the same moment."""
    story, first, second = Story(world, seed), PromiseMemory(), PromiseMemory()
    agree(world, first)
    for step in range(STEPS):
        story.go_on()
        agree(world, first)
        if step % 7 == 0:
            agree(world, second)


def test_an_older_snapshot_is_answered_from_the_books(world):
    """A reader that began before a commit gets numbers of its own snapshot, and spoils nothing."""
    memory, now = PromiseMemory(), world.clock.now_ms()
    agree(world, memory)
    with world.database.read() as old:
        before = memory.network(Promises(old, now), ["SKU-1"], ANYBODY)
        world.place(("SKU-1", 4))
        agree(world, memory)
        assert memory.network(Promises(old, now), ["SKU-1"], ANYBODY) == before
        assert sum(memory.places(Promises(old, now), ["SKU-1"], ANYBODY)["SKU-1"].values()) == 30
        assert memory.network(Promises(old, now), ["SKU-2"], ANYBODY)["SKU-2"].quantity == 30
    agree(world, memory)


def overtaken(world: World, memory: PromiseMemory) -> None:
    """Ask about SKU-2, then let somebody go on who asks about SKU-1 and read the clock before."""
    now = world.clock.now_ms()
    with world.database.read() as view:
        memory.network(Promises(view, now), ["SKU-2"], ANYBODY)
        before = Promises(view, now - 1).network(["SKU-1"], ANYBODY)
        assert memory.network(Promises(view, now - 1), ["SKU-1"], ANYBODY) == before
    agree(world, memory)


@pytest.mark.parametrize("edge", ["released", "begins", "ends"])
def test_a_question_from_before_an_edge_leaves_nothing_behind(world, edge):
    """Who waited for a connection across a release date or a time box spoils nobody's numbers."""
    memory, at_ms = PromiseMemory(), world.clock.now_ms() + MINUTE_MS
    off = PromiseRule("r", RuleKind.OFFER, offered=False, skus=("SKU-1",))
    if edge == "released":
        world.parts.central.supply.set_release("SKU-1", at_ms)
    elif edge == "begins":
        publish(world, replace(off, effective_from_ms=at_ms))
    else:
        publish(world, replace(off, effective_until_ms=at_ms))
    agree(world, memory)
    world.clock.advance(MINUTE_MS)
    overtaken(world, memory)


def test_a_question_from_before_a_silence_leaves_nothing_behind(world):
    """The same where a store has just been silent for too long."""
    memory = PromiseMemory()
    world.device("S001")
    publish(world, PromiseRule("r", RuleKind.SILENCE, after_minutes=30, percent=100))
    agree(world, memory)
    world.clock.advance(30 * MINUTE_MS)
    overtaken(world, memory)


def test_unsourced_demand_is_asked_each_time(world):
    """Demand that nobody carries leaves no row in a store's feed, and counts all the same."""
    memory = PromiseMemory()
    placed = world.place(("SKU-1", 4), at="S002")
    world.place(("SKU-1", 10), at="S001")
    world.place(("SKU-1", 10), at="S003")
    agree(world, memory)
    reject(world, placed.order_id, "S002")
    agree(world, memory)


def test_contacts_change_only_where_promises_do():
    """A lease that is extended in time changes nothing; silence and its end do."""
    fresh, due = leased(3, 1000, 10_000_000, 2000)
    assert (fresh, due) == (Contact(3, is_alive=True), 1000 + USUAL_MS + 1)
    assert leased(3, 1500, 10_000_500, 2500)[0] == fresh
    silent, until = leased(3, 1000, 10_000_000, due)
    assert (silent.is_silent, until) == (True, 10_000_000)
    assert leased(3, 1000, 10_000_000, 10_000_000) == (Contact(3), NEVER_MS)
    minutes = (30, 240)
    assert heard(0, minutes, 29 * MINUTE_MS) == (Contact(steps=0), 30 * MINUTE_MS)
    assert heard(0, minutes, 30 * MINUTE_MS) == (Contact(steps=1), 240 * MINUTE_MS)
    assert heard(0, minutes, 240 * MINUTE_MS) == (Contact(steps=2), NEVER_MS)
