"""A counter with a drawer and devices, before a real central: what tests of paying need."""

from dataclasses import replace
from pathlib import Path

from central_server.money_records import StoredValue
from central_server.services.idempotency import RequestIdentity
from store_client.adapters.payment_terminals import SimulatedTerminal
from store_client.flows.reserve import commands
from store_client.replica.models import ProductHit
from store_client.services.desk import Desk
from store_client.services.drawer_book import entries_of
from sync.domain import operations as op
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus
from sync.domain.money_ledger import balances
from sync.domain.orders import PaymentPlace
from sync.domain.reservations import ReservePolicy
from sync.domain.tenders import TenderKind, account_of
from tests.support.builders import NOON_MS
from tests.support.central_world import World
from tests.support.store_side import StoreSide

HOUR_MS = 3_600_000
CODE = "GC7Q-29ZX-MK0P"
S = FulfillmentStatus
HIT = ProductHit(
    "SKU-1", "One", "", "Kitchen", (), 1000, "USD", on_hand=10, allocated=0, available=10, aisle=""
)


def allow(world: World, store: StoreSide, policy: ReservePolicy) -> None:
    """Let the store work by a policy."""
    with world.database.read() as view:
        place = view.locations.get("S001")
    assert place is not None
    world.parts.intake.locations([replace(place, reserve=policy)])
    store.settle()


def online(world: World, store: StoreSide, units: int = 2) -> tuple[str, str]:
    """Reserve online and let the store hear of it; return order and fulfillment order."""
    new = replace(world.new_order(("SKU-1", units)), payment=PaymentPlace.IN_STORE)
    world.keys += 1
    placed = world.parts.central.orders.place(new, RequestIdentity("t", f"r{world.keys}", "b"))
    store.settle()
    (work,) = world.fulfillments(placed.order_id)
    return placed.order_id, work.id


def aside(desk: Desk, key: str) -> FulfillmentOrder:
    """Set everything aside and put it on the shelf."""
    order = commands.load(desk, key)
    for line in order.lines:
        commands.pick_by_hand(desk, key, line.line, line.to_pick)
    return desk.perform(op.Staged(key, "A1"))


def all_of(desk: Desk, key: str) -> tuple[tuple[int, int], ...]:
    return tuple((line.line, line.deliverable) for line in commands.load(desk, key).lines)


def pass_time(world: World, store: StoreSide, ms: int) -> None:
    world.clock.advance(ms)
    store.clock.advance(ms)


def books(world: World, desk: Desk) -> dict[str, int]:
    """Assert that both ledgers agree, account by account; return them."""
    here = balances(posting for entry in entries_of(desk.store) for posting in entry.postings)
    with world.database.read() as view:
        assert view.money.unbalanced() == []
        assert view.money.value_differences() == []
        there = view.money.balances("S001")
    assert here == there
    return here


def gift_card(world: World, minor: int) -> None:
    card = StoredValue(account_of(CODE), TenderKind.GIFT_CARD, "USD", minor, NOON_MS)
    world.database.write(lambda unit: unit.money.issue(card, "test"))


def left_on_card(world: World) -> int:
    account = account_of(CODE)
    with world.database.read() as view:
        return view.money.stored_values([account], lock=False)[account].balance_minor


def charges(folder: Path) -> dict[str, int]:
    """Return what the payment terminal has charged and not given back."""
    return SimulatedTerminal(folder / "psp.json").charges()


def with_device(desk: Desk, device: SimulatedTerminal) -> Desk:
    """Return the counter with another payment terminal."""
    return replace(desk, devices=replace(desk.devices, payment_terminal=device))
