"""Versions of rules, and that what is shown is what may be taken, for each kind of rule."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from central_server.bootstrap import assemble
from central_server.config import CentralSettings
from central_server.services.availability import Question
from central_server.services.errors import (
    NeedsApproval,
    NotFound,
    PickupNotOffered,
    RulesInvalid,
    VersionFixed,
)
from central_server.services.idempotency import RequestIdentity
from central_server.services.promise_memory import PromiseMemory
from central_server.services.promises import ANYBODY, Ask, Promises
from central_server.services.rule_book import RuleBook
from central_server.sourcing.promise_rules import Level, PromiseRule, RuleKind
from sync.domain import operations as op
from sync.domain.errors import InsufficientStock
from sync.domain.fulfillment import ShortReason
from sync.domain.orders import Channel
from sync.domain.stock_operations import FloorSold, SkuUnits
from tests.support import rule_books
from tests.support.central_world import PLACES, SECRET, Device, World
from tests.support.rule_books import check_who_edits, check_who_publishes

SAFETY, HOLD = RuleKind.SAFETY_STOCK, RuleKind.HOLDBACK
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
ELSEWHERE = tuple(place for place, _, _ in PLACES if place != "S001")


def publish(world: World, *rules: PromiseRule) -> int:
    return rule_books.publish(world.parts.central.promise_rules, rules)


def publish_later(world: World, begins_ms: int, *rules: PromiseRule) -> dict[str, Any]:
    """Approve rules that begin then."""
    book = world.parts.central.promise_rules
    made: dict[str, Any] = book.draft(rules, note="", by="Kim")
    how: dict[str, Any] = {"effective_from_ms": begins_ms, "reading": made["reading"]}
    return book.publish(made["version"], note="sale", by="Lee", **how)


def shown(world: World, place: str = "S001", sku: str = "SKU-1") -> int:
    with world.database.read() as view:
        promises = Promises(view, world.clock.now_ms())
        return promises.at([sku], Ask(chosen=place), [place])[place][sku].quantity


def reject(world: World, order_id: str, place: str) -> None:
    """Let a store decline an order."""
    (order,) = world.fulfillments(order_id)
    store = world.device(place)
    store.do(op.FulfillmentRejected(order.id, ShortReason.STORE_BUSY))
    store.push()


ONLY_HERE = PromiseRule("only-here", RuleKind.OFFER, offered=False, locations=ELSEWHERE)
"""No other store can take what this one may not."""
CASES = {
    "fixed safety stock": ([PromiseRule("r", SAFETY, units=3)], 7),
    "percent": ([PromiseRule("r", SAFETY, percent=25)], 7),
    "weeks of supply": ([PromiseRule("r", SAFETY, weeks=2.0)], 5),
    "category": ([PromiseRule("r", SAFETY, units=2, skus=("SKU-1",), regions=("",))], 8),
    "holdbacks": ([PromiseRule("r", HOLD, units=2), PromiseRule("s", HOLD, units=1)], 7),
    "network safety stock": ([PromiseRule("r", SAFETY, level=Level.NETWORK, units=4)], 6),
    "network percent": ([PromiseRule("r", SAFETY, level=Level.NETWORK, percent=50)], 5),
    "network weeks": ([PromiseRule("r", SAFETY, level=Level.NETWORK, weeks=0.8)], 8),
    "channel threshold": (
        [PromiseRule("r", HOLD, level=Level.NETWORK, units=1, channels=("web",))], 9,
    ),
    "another channel's": ([PromiseRule("r", HOLD, units=9, channels=("agent",))], 10),
    "franchise": ([PromiseRule("r", RuleKind.PROTECT, locations=("S001",))], 10),
    "time box, over": ([PromiseRule("r", HOLD, units=9, effective_until_ms=5)], 10),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_is_shown_is_what_may_be_taken(world, case):
    """An order for what is shown succeeds, and one unit more does not, under every rule."""
    rules, expected = CASES[case]
    world.database.write(lambda unit: unit.demand.set_weekly("S001", {"SKU-1": 2500}))
    publish(world, ONLY_HERE, *rules)
    assert shown(world) == expected
    with pytest.raises(InsufficientStock):
        world.place(("SKU-1", expected + 1))
    world.place(("SKU-1", expected))
    with pytest.raises(InsufficientStock):
        world.place(("SKU-1", 1))


def test_unsourced_demand_is_kept(world):
    """Units that an order waits for are promised to nobody else, with or without rules."""
    placed = world.place(("SKU-1", 4), at="S002")
    world.place(("SKU-1", 10), at="S001")
    world.place(("SKU-1", 10), at="S003")
    assert shown(world, "S002") == 6
    reject(world, placed.order_id, "S002")
    assert world.order(placed.order_id)["lines"][0]["unsourced"] == 4
    free = world.stock("S002")[0] - 4
    assert shown(world, "S002") == free
    with pytest.raises(InsufficientStock):
        world.place(("SKU-1", free + 1), at="S002")
    if free:
        world.place(("SKU-1", free), at="S002")


def test_silence_of_a_store_without_escrow(world):
    """Units of a store that is not heard shrink by the clock, also for orders."""
    world.device("S001")
    publish(world, ONLY_HERE, PromiseRule("r", RuleKind.SILENCE, after_minutes=30, percent=60))
    assert shown(world) == 10
    world.clock.advance(30 * MINUTE_MS)
    assert shown(world) == 4
    with pytest.raises(InsufficientStock):
        world.place(("SKU-1", 5))
    world.place(("SKU-1", 4))


def test_a_store_whose_machine_is_shut_out_stays_silent(world):
    """Shutting out a stolen machine brings back nothing; a new one, or files, do once heard."""
    publish(world, ONLY_HERE, PromiseRule("r", RuleKind.SILENCE, after_minutes=30, percent=60))
    stolen, memory = world.device("S001"), PromiseMemory()

    def promised() -> int:
        with world.database.read() as view:
            whole = memory.network(Promises(view, world.clock.now_ms()), ["SKU-1"], ANYBODY)
        assert whole["SKU-1"].quantity == shown(world)
        return whole["SKU-1"].quantity

    world.clock.advance(30 * MINUTE_MS)
    assert promised() == 4
    world.parts.devices.revoke(stolen.replica_id)
    assert promised() == 4
    answer: Any = world.parts.central.availability.answer(Question(("SKU-1",), ("S001",)))
    assert answer["availability"][0]["data_age_seconds"] == 1800
    world.clock.advance(HOUR_MS)
    stolen.do(FloorSold("T1-1", (SkuUnits("SKU-2", 1),)))
    stolen.hello()
    stolen.push_all()
    assert promised() == 4, "what it hands in is not the store that speaks"
    told = partial(world.parts.intake.stock_told, location_ids=["S001"], source="file")
    world.database.write(told)
    assert promised() == 10, "by files, of which nobody knows yet when one is overdue"
    world.clock.advance(31 * MINUTE_MS)
    assert promised() == 10
    fresh = Device(world, "S001")
    fresh.replica_id = "R-new"
    fresh.enrol()
    world.clock.advance(30 * MINUTE_MS)
    assert promised() == 10, "it has said nothing yet"
    fresh.hello()
    assert promised() == 10
    world.clock.advance(30 * MINUTE_MS)
    assert promised() == 4


def test_a_file_of_stock_that_does_not_come_makes_it_worth_less(world):
    """A center tells its stock daily, weekends not: only what is overdue counts as silence."""
    rule = PromiseRule("r", RuleKind.SILENCE, after_minutes=60, percent=60)
    publish(world, ONLY_HERE, rule)

    def told(source: str) -> None:
        world.database.write(lambda unit: world.parts.intake.stock_told(unit, ["S001"], source))

    def age_s() -> float | None:
        answer: Any = world.parts.central.availability.answer(
            Question(("SKU-1",), ("S001",), explain=True)
        )
        return answer["availability"][0]["data_age_seconds"]

    assert age_s() is None
    told("friday")
    world.clock.advance(72 * HOUR_MS)
    assert (shown(world), age_s()) == (10, 72 * 3600), "what is usual nobody knows yet"
    told("monday")
    memory = PromiseMemory()
    for hours, expected in ((24, 10), (48, 10), (1, 4), (5, 4)):
        world.clock.advance(hours * HOUR_MS)
        assert shown(world) == expected
        with world.database.read() as view:
            promises = Promises(view, world.clock.now_ms())
            found = memory.network(promises, ["SKU-1"], ANYBODY)
            assert found["SKU-1"].quantity == expected
    with pytest.raises(InsufficientStock):
        world.place(("SKU-1", 5))
    told("friday again")
    assert (shown(world), age_s()) == (10, 0)
    world.place(("SKU-1", 5))


def test_network_stock_is_promised_once(world):
    """Orders at different stores together take no more than the network may promise."""
    publish(world, PromiseRule("r", SAFETY, level=Level.NETWORK, units=25))
    assert [shown(world, place) for place, _, _ in PLACES] == [5, 5, 5]
    world.place(("SKU-1", 3), at="S001")
    assert shown(world, "S003") == 2
    with pytest.raises(InsufficientStock):
        world.place(("SKU-1", 3), at="S003")
    world.place(("SKU-1", 2), at="S003")
    assert shown(world, "S002") == 0


def test_orders_at_once_share_what_the_network_may_promise(workers):
    """Twelve customers at three stores at the same time: just as many win as the network has."""
    publish(workers.first, PromiseRule("r", SAFETY, level=Level.NETWORK, units=25))

    def try_one(number: int) -> bool:
        world = workers.at(number)
        new = world.new_order(("SKU-1", 1), at=PLACES[number % 3][0])
        try:
            identity = RequestIdentity("test", f"at-once-{number}", "body")
            world.parts.central.orders.place(new, identity)
        except InsufficientStock:
            return False
        return True

    with ThreadPoolExecutor(12) as pool:
        won = list(pool.map(try_one, range(12)))
    assert sum(won) == 5
    assert [shown(world) for world in workers.worlds] == [0] * len(workers.worlds)


def test_franchise_stock_is_not_for_others(world):
    """Who chose another store never gets a protected store's units, however empty theirs is."""
    publish(world, PromiseRule("r", RuleKind.PROTECT, locations=("S002", "S003")))
    world.place(("SKU-1", 10), at="S001")
    with pytest.raises(InsufficientStock):
        world.place(("SKU-1", 1), at="S001")
    world.place(("SKU-1", 1), at="S002")


def test_pickup_is_turned_off_and_on(world):
    """A rule turns a store's pickup off, for everything or for one SKU."""
    publish(world, PromiseRule("r", RuleKind.OFFER, offered=False, locations=("S001",)))
    with pytest.raises(PickupNotOffered):
        world.place(("SKU-1", 1))
    one = PromiseRule("r", RuleKind.OFFER, offered=False, locations=("S001",), skus=("SKU-1",))
    publish(world, one)
    world.place(("SKU-2", 1))
    with pytest.raises(PickupNotOffered):
        world.place(("SKU-1", 1))


def test_a_channel_has_its_stores(world):
    """Stores that are no members of a channel sell nothing to it."""
    publish(world, PromiseRule("r", RuleKind.OFFER, offered=False, channels=(Channel.AGENT.value,)))
    with world.database.read() as view:
        promises = Promises(view, world.clock.now_ms())
        assert promises.network(["SKU-1"], Ask("agent"))["SKU-1"].quantity == 0
        assert promises.network(["SKU-1"], Ask("web"))["SKU-1"].quantity == 30


def test_a_moved_promise_may_use_what_the_network_keeps(world):
    """What is kept of the network is there for promises that a store gives up."""
    placed = world.place(("SKU-1", 4), at="S001")
    publish(world, PromiseRule("r", SAFETY, level=Level.NETWORK, units=30))
    reject(world, placed.order_id, "S001")
    assert {one.location_id for one in world.fulfillments(placed.order_id)} == {"S001", "S002"}


def test_versions_follow_one_another(world):
    """At any moment one version holds; a later start takes over by the clock."""
    book, clock = world.parts.central.promise_rules, world.clock
    first = publish(world, PromiseRule("r", HOLD, units=1))
    start = clock.now_ms() + 60 * MINUTE_MS
    made = publish_later(world, start, PromiseRule("r", HOLD, units=2))
    later = made["version"]
    assert (made["state"], made["in_force"]) == ("active", False)
    assert (shown(world), book.show(first)["in_force"]) == (9, True)
    now = publish(world, PromiseRule("r", HOLD, units=3))
    assert (shown(world), book.show(first)["state"]) == (7, "archived")
    assert book.show(now)["effective_until"] == made["effective_from"]
    clock.advance(60 * MINUTE_MS)
    assert (shown(world), book.show(later)["in_force"]) == (8, True)
    book.archive(later, note="over", by="Kim")
    assert shown(world) == 10
    assert [(one["action"], one["version"]) for one in book.audit(9)][:2] == [
        ("archived", later), ("published", now),
    ]  # fmt: skip


def test_a_version_that_is_withdrawn_before_it_begins_leaves_no_gap(world):
    """The one that would have ended for it goes on, until whatever comes after."""
    book, start = world.parts.central.promise_rules, world.clock.now_ms() + 60 * MINUTE_MS
    first = publish(world, PromiseRule("r", HOLD, units=1))
    versions = []
    for units, begins in ((2, start), (3, start + 60 * MINUTE_MS)):
        made = publish_later(world, begins, PromiseRule("r", HOLD, units=units))
        versions.append(made["version"])
    book.archive(versions[0], note="not this year", by="Kim")
    assert book.show(first)["effective_until"] == book.show(versions[1])["effective_from"]
    world.clock.advance(90 * MINUTE_MS)
    assert shown(world) == 9
    book.archive(versions[1], note="nor that", by="Kim")
    assert book.show(first)["effective_until"] is None
    world.clock.advance(90 * MINUTE_MS)
    assert shown(world) == 9


def test_what_is_published_is_fixed(world):
    """Only a draft changes; findings keep it from being published; the audit has who and why."""
    book = world.parts.central.promise_rules
    wrong = book.draft([PromiseRule("r", HOLD, skus=("no",))], note="", by="Kim")
    assert [one["field"] for one in wrong["findings"]] == ["units", "skus"]
    how: dict[str, Any] = {"effective_from_ms": None, "note": "go", "by": "Lee"}
    with pytest.raises(RulesInvalid, match="were agreed"):
        book.publish(wrong["version"], **how, reading=wrong["reading"])
    right = book.edit(wrong["version"], [PromiseRule("r", HOLD, units=1)], note="better", by="Kim")
    book.publish(wrong["version"], **how, reading=right["reading"])
    with pytest.raises(VersionFixed, match="draft a new one"):
        book.edit(wrong["version"], [], note="", by="Kim")
    with pytest.raises(NotFound):
        book.show(99)
    audit = book.show(wrong["version"])["audit"]
    assert [(one["action"], one["by"], one["note"]) for one in audit] == [
        ("published", "Lee", "go"), ("edited", "Kim", "better"), ("drafted", "Kim", ""),
    ]  # fmt: skip


def test_who_wrote_a_draft_does_not_publish_it(world):
    """Somebody else approves, and what they have read; whoever edited it wrote it too."""
    book = world.parts.central.promise_rules
    check_who_publishes(book, PromiseRule("r", HOLD, units=1), PromiseRule("r", HOLD, units=2))
    check_who_edits(book, PromiseRule("r", HOLD, units=1), PromiseRule("r", HOLD, units=2))
    assert shown(world) == 8


@pytest.mark.parametrize("kind", ["promise", "routing"])
def test_one_person_may_publish_where_the_setting_allows_it(sqlite_database, tmp_path, kind):
    """Each kind of rules has a setting of its own, and only that one counts."""
    said: dict[str, Any] = {f"{kind}_self_approval": True}
    settings = CentralSettings(data_dir=tmp_path, server_secret=SECRET, **said)
    central = assemble(settings, sqlite_database).central
    books: dict[str, RuleBook[Any]] = {
        "promise": central.promise_rules, "routing": central.routing_rules,
    }  # fmt: skip
    how: dict[str, Any] = {"effective_from_ms": None, "note": "", "by": "Kim"}
    for name, book in books.items():
        version = int(str(book.draft([], note="", by="Kim")["version"]))
        if name == kind:
            assert book.publish(version, **how)["in_force"]
        else:
            with pytest.raises(NeedsApproval):
                book.publish(version, **how)


def test_rolling_back_brings_an_earlier_version_into_force(world):
    """As a new version, without a second person, and the audit names what it went back to."""
    book = world.parts.central.promise_rules
    first = publish(world, PromiseRule("r", HOLD, units=1))
    publish(world, PromiseRule("r", HOLD, units=4))
    assert shown(world) == 6
    again = book.roll_back(first, note="too little for sale", by="Kim")
    assert (again["version"], again["in_force"], shown(world)) == (first + 2, True, 9)
    assert book.audit(1)[0]["action"] == f"rolled back to {first}"
    later = publish_later(world, world.clock.now_ms() + MINUTE_MS, PromiseRule("r", HOLD, units=9))
    with pytest.raises(VersionFixed, match="ever held"):
        book.roll_back(later["version"], note="", by="Kim")


@pytest.mark.parametrize("is_rolled_back", [True, False])
def test_what_is_published_for_now_ends_what_a_faster_clock_published(world, is_rolled_back):
    """Processes' clocks are ten seconds apart at most: nothing takes over again by itself."""
    book = world.parts.central.promise_rules
    good = PromiseRule("r", HOLD, units=1)
    first = publish(world, good)
    world.clock.advance(MINUTE_MS)
    world.clock.advance(8_000)
    publish(world, PromiseRule("r", HOLD, units=4))
    world.clock.advance(-5_000)
    again = book.roll_back(first, note="", by="Kim") if is_rolled_back else None
    if again is None:
        publish(world, good)
    for _ in range(2):
        world.clock.advance(MINUTE_MS)
        assert shown(world) == 9
