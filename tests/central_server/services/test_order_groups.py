"""Orders that come at once: one transaction, each with the outcome that it alone would have."""

import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import replace
from random import Random
from threading import Event
from typing import Any, NoReturn

import pytest
from sqlalchemy.exc import TimeoutError as NoConnection

from central_server.records import Price, Product
from central_server.services import order_capture, plenty
from central_server.services.errors import IdempotencyKeyReused, UnknownSkus
from central_server.services.idempotency import RequestIdentity
from central_server.services.order_capture import Placed
from central_server.services.order_groups import OrderRequest
from central_server.services.order_queue import SIZE_MAX, OrderQueue
from central_server.sourcing.promise_rules import Level, PromiseRule, RuleKind
from central_server.storage.commits import LogInUse, OutOfService
from central_server.storage.conflicts import Conflict
from central_server.storage.database import Database, DatabaseClosed, Unavailable
from central_server.storage.group import GroupUnit
from central_server.storage.trouble import BUSY, FULL, IO_ERROR
from sync.domain.errors import InsufficientStock
from sync.protocol.rows import row_digest
from tests.central_server.services.test_promise_rules import publish
from tests.central_server.storage.test_trouble import of_postgresql, of_sqlite
from tests.support.central_world import PLACES, SKUS, World, build_world, second_worker
from tests.support.network import Size, fill
from tests.support.parcels import parcel_order

MANY = 20
NAMES = [name for name, _, _ in PLACES]


def request(world: World, key: str, *lines: tuple[str, int], at: str = "S001", body: str = "b"):
    return OrderRequest(world.new_order(*lines, at=at), RequestIdentity("test", key, body))


def outcomes(found: list) -> list[str]:
    return [
        "again" if isinstance(one, Placed) and one.is_replayed
        else "placed" if isinstance(one, Placed) else type(one).__name__
        for one in found
    ]  # fmt: skip


def check_feeds(world: World) -> None:
    """Assert that each store's feed is true to itself: checksum, count, revs without a hole."""
    with world.database.read() as view:
        for name in NAMES:
            state = view.feed.scope(f"store:{name}")
            rows = view.feed.rows_after(f"store:{name}", 0, 10_000)
            alive = [row for row in rows if row.body is not None]
            checksum = 0
            for row in alive:
                checksum ^= row_digest(row.entity, row.key, row.rev)
            assert (state.checksum, state.rows_live) == (checksum, len(alive)), name
            assert max(row.rev for row in rows) == state.rev


def test_each_order_has_its_own_outcome(world):
    """One that is refused takes nothing with it, and nothing of it stays."""
    found = world.parts.central.orders.place_many(
        [
            request(world, "a", ("SKU-1", 6)),
            request(world, "b", ("NOPE", 1)),
            request(world, "c", ("SKU-1", 11)),
            request(world, "d", ("SKU-1", 6), ("SKU-2", 1)),
            request(world, "e", ("SKU-1", 4)),
        ]
    )
    assert outcomes(found) == ["placed", "UnknownSkus", "InsufficientStock", "placed", "placed"]
    assert found[2].shortfall == {"SKU-1": 1}
    assert world.fulfillments(found[3].order_id)[0].location_id == "S002"
    assert (world.stock("S001"), world.stock("S002")) == ((10, 10), (10, 6))
    assert len(world.mails()) == 3
    assert world.order(found[0].order_id)["timeline"][0]["kind"] == "placed"
    world.check_books()
    check_feeds(world)


def test_a_key_names_one_order_in_a_group_too(world):
    """The same request twice in one group is one order; another body under the key is refused."""
    orders = world.parts.central.orders
    found = orders.place_many(
        [request(world, "k"), request(world, "k"), request(world, "k", body="other")]
    )
    assert outcomes(found) == ["placed", "again", IdempotencyKeyReused.__name__]
    assert found[0].body == found[1].body
    (again,) = orders.place_many([request(world, "k")])
    assert (again.is_replayed, again.body) == (True, found[0].body)
    assert world.stock("S001") == (10, 2)


def test_one_that_no_database_can_keep_spoils_no_other(world):
    """A value that the engine refuses is refused to its sender alone."""
    poison = request(world, "p", ("SKU-1", 1))
    customer = replace(poison.new.customer, name="\ud800")
    poison = replace(poison, new=replace(poison.new, customer=customer))
    found = world.parts.central.orders.place_many([request(world, "a"), poison])
    assert outcomes(found)[0] == "placed"
    assert isinstance(found[1], Exception)
    assert world.stock("S001") == (10, 2)


class Refusing:
    """A writer that tries nothing: whatever it is asked, the engine says the same."""

    def __init__(self, problem: Exception) -> None:
        self._problem = problem
        self.asked = 0

    def write(self, command: object) -> NoReturn:
        self.asked += 1
        raise self._problem


@pytest.mark.parametrize(
    ("problem", "asked"),
    [
        (of_sqlite(FULL), 2), (of_sqlite(IO_ERROR), 2), (of_sqlite(BUSY), 2),
        (of_postgresql("53100"), 2), (of_postgresql("57P01"), 2), (NoConnection(), 2),
        (DatabaseClosed(), 2), (of_postgresql("40P01"), 1 + MANY), (Conflict(), 1 + MANY),
        (of_postgresql("55P03"), 1 + MANY), (of_postgresql("57014"), 1 + MANY),
        (of_postgresql("25P03"), 1 + MANY), (LogInUse(), 2), (ValueError(), 1 + MANY),
    ],
)  # fmt: skip
def test_a_database_that_is_full_or_away_is_not_asked_once_more_for_each_order(
    world: World, monkeypatch: pytest.MonkeyPatch, problem: Exception, asked: int
):
    """Each question may take as long as the engine waits: the group's and one more tell all."""
    writer = Refusing(problem)
    orders = [request(world, f"k{number}") for number in range(MANY)]
    with monkeypatch.context() as trouble:
        trouble.setattr(world.database, "_writer", writer)
        found = world.parts.central.orders.place_many(orders)
    assert len({(type(one), str(one)) for one in found}) == 1
    assert isinstance(found[-1], (Unavailable, type(problem)))
    assert writer.asked == asked
    assert outcomes(world.parts.central.orders.place_many(orders)[:5]) == ["placed"] * 5


def test_parcels_are_not_given_up_for_the_trouble_of_one_session(
    shipping: World, monkeypatch: pytest.MonkeyPatch
):
    """They have no group: the first one's connection is ended, the others' are there."""
    world, write, asked = shipping, shipping.database.write, Counter[str]()

    def ended_once(command: Any) -> Any:
        asked["all"] += 1
        if asked["all"] == 1:
            raise OutOfService("this one was ended")
        return write(command)

    monkeypatch.setattr(world.database, "write", ended_once)
    parcels = [
        OrderRequest(parcel_order(("SKU-1", 1)), RequestIdentity("test", f"p{number}", "b"))
        for number in range(4)
    ]
    found = world.parts.central.orders.place_many(parcels)
    assert outcomes(found) == ["OutOfService", "placed", "placed", "placed"]
    assert outcomes(world.parts.central.orders.place_many(parcels)) == ["placed", *["again"] * 3]


def test_what_was_placed_with_its_group_stays_placed_where_the_rest_is_refused(
    shipping: World, monkeypatch: pytest.MonkeyPatch
):
    """The pickups are durable; of the parcels two ask in vain, and the third does not."""
    world, write, asked = shipping, shipping.database.write, Counter[str]()

    def away(command: Any) -> Any:
        asked["all"] += 1
        if asked["all"] == 1:
            return write(command)  # the group's
        raise OutOfService("away")

    monkeypatch.setattr(world.database, "write", away)
    parcels = [
        OrderRequest(parcel_order(("SKU-1", 1)), RequestIdentity("test", f"p{number}", "b"))
        for number in range(3)
    ]
    mixed = [request(world, "a"), *parcels, request(world, "b")]
    found = world.parts.central.orders.place_many(mixed)
    assert outcomes(found) == ["placed", *["OutOfService"] * 3, "placed"]
    assert asked["all"] == 3


@pytest.mark.parametrize("seed", range(4))
def test_a_group_gets_what_its_orders_would_get_one_by_one(world, tmp_path, seed):
    """Any mix: the same outcomes at the same stores, the same stock, feeds that are true."""
    dice = Random(seed)
    wanted = [
        ([(sku, dice.randint(1, 4)) for sku in dice.sample(SKUS, dice.randint(1, 3))],
         dice.choice(NAMES))
        for _ in range(60)
    ]  # fmt: skip
    requests = [
        request(world, f"k{number}", *lines, at=at) for number, (lines, at) in enumerate(wanted)
    ]
    found = []
    while requests:
        size = dice.randint(1, 12)
        found += world.parts.central.orders.place_many(requests[:size])
        requests = requests[size:]
    left = {(name, sku): 10 for name in NAMES for sku in SKUS}
    for (lines, at), one in zip(wanted, found, strict=True):
        able = {name for name in NAMES if all(left[name, sku] >= units for sku, units in lines)}
        if not able:
            assert isinstance(one, InsufficientStock)
            continue
        (work,) = world.fulfillments(one.order_id)
        assert work.location_id == at if at in able else work.location_id in able
        for sku, units in lines:
            left[work.location_id, sku] -= units
    for (name, sku), units in left.items():
        assert world.stock(name, sku) == (10, 10 - units)
    world.check_books()
    check_feeds(world)


def test_what_is_kept_of_the_network_holds_within_a_group(world):
    """A rule that keeps units of all stores together counts what the group itself promised."""
    book = world.parts.central.promise_rules
    keep = PromiseRule("wide", RuleKind.HOLDBACK, level=Level.NETWORK, units=24)
    made = book.draft((keep,), note="", by="test")
    how = {"effective_from_ms": None, "note": "", "reading": made["reading"]}
    book.publish(made["version"], by="approver", **how)
    found = world.parts.central.orders.place_many(
        [request(world, f"k{number}", ("SKU-1", 2), at=NAMES[number % 3]) for number in range(6)]
    )
    assert Counter(outcomes(found)) == {"placed": 3, "InsufficientStock": 3}


@pytest.mark.postgres
@pytest.mark.parametrize("singly", [False, True], ids=["group", "one by one"])
def test_what_is_kept_of_the_network_is_kept_where_few_places_show_plenty(
    world, monkeypatch, *, singly
):
    """Units that orders of the same group took are gone, though no row of stock says so yet."""
    monkeypatch.setattr(plenty, "PLACES_MIN", 3)
    monkeypatch.setattr(plenty, "MARGIN", 0)  # all three places, and not by the exact way
    publish(world, PromiseRule("wide", RuleKind.HOLDBACK, level=Level.NETWORK, units=25))
    orders = [request(world, f"n{number}", ("SKU-1", 1)) for number in range(8)]
    for part in [[one] for one in orders] if singly else [orders]:
        world.parts.central.orders.place_many(part)
    assert sum(world.stock(name)[1] for name in NAMES) == 5
    world.check_books()


def test_an_order_never_waits_with_locks_in_its_hands(postgresql_database, tmp_path):
    """What a group wants beyond its own positions it takes only where nobody has it."""
    world = build_world(postgresql_database, tmp_path)
    is_held, may_end = Event(), Event()

    def hold(unit) -> None:
        GroupUnit(unit).hold([("S002", "SKU-1")], ())
        is_held.set()
        may_end.wait(10)

    def late(unit) -> bool | Exception | None:
        group = GroupUnit(unit)
        group.hold([("S001", "SKU-1")], ())
        return group.attempt(lambda one: one.stock.reserve("S002", [("SKU-1", 1)], "x", 0))

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(world.database.write, hold)
        assert is_held.wait(10)
        assert world.database.write(late) is None
        may_end.set()
        holding.result(10)
    assert world.database.write(late) is True


@pytest.mark.postgres
def test_two_centrals_on_one_database_promise_what_there_is(make_postgresql_url, tmp_path):
    """Both place for the same few units, and the same requests: each unit and key counts once."""
    url = make_postgresql_url()
    first = build_world(Database.open(url), tmp_path)
    second = Database.open(url)
    other = second_worker(first, second)

    def buy(number: int) -> list:
        world = (first, other)[number % 2]
        wanted = [
            request(world, f"k{number // 2}-{one}", ("SKU-1", 1), at=NAMES[(number + one) % 3])
            for one in range(5)
        ]
        return world.parts.central.orders.place_many(wanted)

    try:
        with ThreadPoolExecutor(6) as pool:
            found = [one for some in pool.map(buy, range(24)) for one in some]
        ids = {one.order_id for one in found if isinstance(one, Placed)}
        assert len(ids) == 30
        assert all(first.stock(name) == (10, 10) for name in NAMES)
        refused = {type(one) for one in found if isinstance(one, Exception)}
        assert refused <= {InsufficientStock, IdempotencyKeyReused}
        first.check_books()
        check_feeds(first)
    finally:
        second.close()
        first.database.close()


@pytest.mark.postgres
@pytest.mark.process
def test_two_processes_promise_exactly_what_there_is(make_postgresql_url, tmp_path):
    """Two thousand units, six thousand reservations from two processes: two thousand promised."""
    url = make_postgresql_url()
    size = Size(stores=2, skus=5, stocked=5, on_hand=200)
    database = Database.open(url)
    try:
        fill(build_world(database, tmp_path).parts, size, people=False)
        arguments = [str(size.stores), str(size.skus), "3000"]
        workers = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.support.contended", url, str(seed), *arguments],
                stdout=subprocess.PIPE,
            )
            for seed in (1, 2)
        ]
        counts = [int(worker.communicate(timeout=100)[0]) for worker in workers]
        with database.read() as view:
            books = {
                key: units for key, units in view.stock.everywhere().items() if "SKU-0" in key[1]
            }
            sums = view.stock_ledger.sums()
        assert sum(counts) == sum(allocated for _, allocated in books.values()) == 2_000
        assert all(on_hand == allocated for on_hand, allocated in books.values())
        assert all(sums[key] == units for key, units in books.items())
    finally:
        database.close()


class Clerk:
    """Places what the queue hands over, when the test says so."""

    def __init__(self) -> None:
        self.groups: list[int] = []
        self.begun, self.may_end = Event(), Event()
        self.problem: Exception | None = None

    def place_many(self, requests) -> list[Any]:
        self.groups.append(len(requests))
        self.begun.set()
        assert self.may_end.wait(10)
        if self.problem is not None:
            raise self.problem
        return [one.identity.key for one in requests]


def order(number: int) -> OrderRequest:
    nothing: Any = None
    return OrderRequest(nothing, RequestIdentity("test", str(number), "b"))


def test_who_comes_meanwhile_goes_with_the_next_group():
    """One at work, any number waiting: the next transaction takes them together, in order."""
    clerk = Clerk()
    queue: Any = OrderQueue(clerk.place_many)
    first = queue.put(order(0))
    assert clerk.begun.wait(10)
    others = [queue.put(order(number)) for number in range(1, SIZE_MAX + 3)]
    assert others[0].cancel()
    clerk.may_end.set()
    assert first.result(10) == "0"
    assert [one.result(10) for one in others[1:]] == [str(n) for n in range(2, SIZE_MAX + 3)]
    assert clerk.groups == [1, SIZE_MAX, 1]
    with pytest.raises(CancelledError):
        others[0].result()


def test_what_befalls_a_group_its_callers_hear():
    """A failure is everybody's, and the next order is placed all the same."""
    clerk = Clerk()
    clerk.may_end.set()
    queue: Any = OrderQueue(clerk.place_many)
    clerk.problem = UnknownSkus(("x",))
    with pytest.raises(UnknownSkus):
        queue.put(order(1)).result(10)
    clerk.problem = None
    assert queue.put(order(2)).result(10) == "2"


def test_lines_of_a_kit_are_held_as_its_parts(world):
    """A kit's components are locked and promised like anything else in the group."""
    world.parts.intake.products([Product("KIT", "Set")])
    world.parts.intake.prices([Price("EAST", "KIT", 2500, "USD")])
    world.parts.central.supply.set_bundle("KIT", {"SKU-1": 2, "SKU-2": 1})
    found = world.parts.central.orders.place_many(
        [request(world, f"k{number}", ("KIT", 1)) for number in range(6)]
    )
    assert outcomes(found) == ["placed"] * 6
    assert world.stock("S001", "SKU-1") == (10, 10)
    assert world.fulfillments(found[5].order_id)[0].location_id == "S002"


def test_a_number_that_is_taken_is_drawn_again(world, monkeypatch):
    """A group finds out at its end; its orders are placed one by one, each under a free number."""
    first = world.place(("SKU-1", 1))
    taken = json.loads(first.body)["number"]
    drawn = iter([taken, "AAAA-0001", taken, "AAAA-0002", "AAAA-0003"])
    monkeypatch.setattr(order_capture, "new_order_number", lambda _: next(drawn))
    found = world.parts.central.orders.place_many(
        [request(world, "a", ("SKU-1", 1)), request(world, "b", ("SKU-1", 1))]
    )
    assert outcomes(found) == ["placed", "placed"]
    assert [json.loads(one.body)["number"] for one in found] == ["AAAA-0002", "AAAA-0003"]
    assert world.stock("S001") == (10, 3)
    world.check_books()
    check_feeds(world)
