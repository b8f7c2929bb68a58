"""Pickups through the real terminal, the real files and daemon, and the real central."""

from dataclasses import replace

import pytest

from store_client.flows.pickup import commands
from store_client.services import waves
from store_client.services.desk import Actor, Desk, Refusal, TerminalSettings
from store_client.services.open_orders import open_orders
from store_client.services.scanner import Code
from sync.domain.flows import status_of
from sync.domain.flows.pickup import NAME
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus
from sync.domain.ids import pickup_code_matches, read_pickup_qr
from sync.domain.people import Role
from sync.domain.pickups import HOUR_MS, PickupPolicy
from sync.domain.waves import PickMode
from sync.protocol.rows import AssociateRow
from tests.support.central_world import World
from tests.support.store_side import StoreSide
from tests.support.terminals import QUIET_SECONDS, Terminal, terminal

S = FulfillmentStatus
RAFAEL = Actor("A103", "Rafael C.", Role.ASSOCIATE)
SOFIA = Actor("A104", "Sofia V.", Role.ASSOCIATE)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def side(world: World, tmp_path) -> StoreSide:
    """The first store, in step with central; two people work there."""
    people = [AssociateRow(one.id, one.name, one.role, "") for one in (RAFAEL, SOFIA)]
    world.parts.intake.associates("S001", people)
    made = StoreSide(world, tmp_path / "S001", clock=world.clock)
    made.settle()
    return made


def desk_of(side: StoreSide, actor: Actor = RAFAEL) -> Desk:
    return Desk(side.store, side.clock, actor, "T1")


def here(side: StoreSide, key: str) -> FulfillmentOrder:
    found = side.store.fulfillment(key)
    assert found is not None
    return found


def order_of(world: World, order_id: str) -> FulfillmentOrder:
    (found,) = world.fulfillments(order_id)
    return found


def advance_to(world: World, at_ms: int) -> None:
    world.clock.advance(at_ms - world.clock.now_ms())


def assert_books_agree(world: World, side: StoreSide) -> None:
    """Assert that store and central say the same of everything, and stock is its ledger."""
    assert side.differences() == []
    world.check_books()


CONNECTED = pytest.mark.parametrize("connected", [True, False], ids=["connected", "cut off"])


async def pick_and_make_ready(term: Terminal, *skus: str) -> None:
    """The first order of Today: scanned, put at A1, and the customer told."""
    await term.press("enter")
    for sku in skus:
        await term.scan(sku)
    await term.press("enter")
    await term.scan("A1")
    assert "Put at A1" in term.text()
    await term.press("enter")
    assert "Ready: " in term.text()


@pytest.mark.anyio
@CONNECTED
async def test_from_the_order_to_the_hand_over(world: World, side: StoreSide, connected: bool):
    """Picked, shelved, ready, the customer's code scanned: each step at central after a round.

    With the network cut it is the same work: central hears all of it later, once.
    """
    placed = world.place(("SKU-1", 2), ("SKU-2", 1))
    side.settle()
    if not connected:
        side.cut()
        side.round()
    settings = TerminalSettings(poll_seconds=QUIET_SECONDS)
    async with terminal(side.store, side.clock, settings=settings) as term:
        await pick_and_make_ready(term, "SKU-1", "SKU-1", "SKU-2")
        if connected:
            side.settle()
            assert subjects(world) == ["is ready"]
        assert world.order(placed.order_id)["status"] == ("ready" if connected else "open")
        await term.press("f2")
        await term.scan(world.mails()[0].qr)
        await term.press("enter")
        assert "Handed over: all done" in term.text()
    side.settle()
    assert world.order(placed.order_id)["status"] == "fulfilled"
    assert status_of(order_of(world, placed.order_id)) is S.PICKED_UP
    assert subjects(world).count("is ready") == connected
    assert (world.stock("S001"), world.stock("S001", "SKU-2")) == ((8, 0), (9, 0))
    assert_books_agree(world, side)


@pytest.mark.anyio
async def test_connected_two_orders_are_picked_on_one_walk(world: World, side: StoreSide):
    """Central knows of the wave, of each pick, and of who has them after a round."""
    for lines in ((("SKU-1", 2),), (("SKU-1", 1), ("SKU-2", 1))):
        world.place(*lines)
    side.settle()
    settings = TerminalSettings(poll_seconds=QUIET_SECONDS)
    async with terminal(side.store, side.clock, settings=settings) as term:
        await term.press("f7", "f6", "1")
        for sku in ("SKU-1", "SKU-1", "SKU-1", "SKU-2"):
            await term.scan(sku)
        assert "ALL PICKED" in term.text()
    side.settle()
    with world.database.read() as view:
        orders = [one.row.order for one in view.fulfillments.open_at("S001")]
    assert [status_of(one) for one in orders] == [S.PICKED, S.PICKED]
    assert {one.wave.tote for one in orders if one.wave} == {1, 2}
    assert_books_agree(world, side)


def test_offline_a_wave_is_taken_over_after_a_power_cut_and_reconciles(
    world: World, side: StoreSide
):
    """Picked by one, sorted by another, on a machine that lost power; central hears it later."""
    for _ in range(2):
        world.place(("SKU-1", 1), ("SKU-2", 1))
    side.settle()
    side.cut()
    desk = desk_of(side)
    wave = waves.start(desk, NAME, mode=PickMode.SORT_AFTER_PICK)
    for sku in ("SKU-1", "SKU-1", "SKU-2"):
        waves.pick_row(desk, wave.key, sku)
    side.store.close()
    side.open()
    sofia = replace(desk_of(side, SOFIA), device="T2")
    waves.take_over(sofia, wave.key)
    waves.pick_row(sofia, wave.key, "SKU-2")
    for sku in ("SKU-1", "SKU-2", "SKU-2", "SKU-1"):
        sorted_now = waves.sort_scan(sofia, wave.key, Code(sku))
    assert sorted_now.wave.is_over
    side.settle()
    with world.database.read() as view:
        orders = [one.row.order for one in view.fulfillments.open_at("S001")]
    assert [status_of(one) for one in orders] == [S.PICKED, S.PICKED]
    assert {one.wave.picker for one in orders if one.wave} == {"A104"}
    assert_books_agree(world, side)


def test_an_order_cancelled_while_it_is_in_a_wave_goes_back_out_of_its_tote(
    world: World, side: StoreSide
):
    """Central cancels, the store sorts on without hearing of it: a put-back, nothing lost."""
    placed = world.place(("SKU-1", 2))
    world.place(("SKU-1", 1))
    side.settle()
    side.cut()
    desk = desk_of(side)
    wave = waves.start(desk, NAME, mode=PickMode.SORT_AFTER_PICK)
    waves.pick_row(desk, wave.key, "SKU-1")
    world.parts.central.cancelling.cancel(placed.order_id, reason="", actor="shop")
    for _ in range(2):
        waves.pick_row(desk, wave.key, "SKU-1")
    for _ in range(3):
        waves.sort_scan(desk, wave.key, Code("SKU-1"))
    side.settle()
    left = open_orders(desk, NAME)
    assert sorted((one.total("to_put_back"), status_of(one)) for one in left) == [
        (0, S.PICKED), (2, S.CANCELLED),
    ]  # fmt: skip
    assert_books_agree(world, side)


def make_ready(desk: Desk, key: str) -> FulfillmentOrder:
    for line in commands.load(desk, key).lines:
        commands.pick_by_hand(desk, key, line.line, line.to_pick)
    commands.stage(desk, key, "A1")
    return commands.mark_ready(desk, key)


def test_the_customer_is_reminded_once_each_and_again_after_an_extension(
    world: World, side: StoreSide
):
    """Two reminders before the date; an extension moves the date, and they begin anew."""
    order = order_of(world, world.place().order_id)
    side.settle()
    desk = desk_of(side)
    until_ms = make_ready(desk, order.id).expires_at_ms
    assert until_ms is not None
    side.settle()

    def reminded(at_ms: int) -> int:
        advance_to(world, at_ms)
        for _ in range(2):
            world.parts.reminders.run()
        return sum("still waits" in mail.text for mail in world.mails())

    assert reminded(until_ms - 60 * HOUR_MS) == 0
    assert reminded(until_ms - 47 * HOUR_MS) == 1
    assert reminded(until_ms - 11 * HOUR_MS) == 2
    commands.extend(desk, order.id, 3)
    side.settle()
    longer_ms = here(side, order.id).expires_at_ms
    assert longer_ms is not None
    assert longer_ms > until_ms
    assert reminded(longer_ms - 47 * HOUR_MS) == 3
    assert reminded(longer_ms + HOUR_MS) == 3
    assert_books_agree(world, side)


def test_an_extension_beyond_the_policy_is_refused_at_the_counter(world: World, side: StoreSide):
    """The store knows the limit: nobody asks central for what it cannot give."""
    world.parts.tills.set_pickup_policy("S001", PickupPolicy(wait_days_max=9))
    order = order_of(world, world.place().order_id)
    side.settle()
    desk = desk_of(side)
    make_ready(desk, order.id)
    with pytest.raises(Refusal, match="wait 9 days in all here"):
        commands.extend(desk, order.id, 3)
    commands.extend(desk, order.id, 1)
    side.settle()
    assert_books_agree(world, side)


def test_a_no_show_goes_back_while_the_store_is_cut_off(world: World, side: StoreSide):
    """After the date, offline: closed, goods free at once here, and at central when it hears."""
    placed = world.place(("SKU-1", 2))
    order = order_of(world, placed.order_id)
    side.settle()
    desk = desk_of(side)
    until_ms = make_ready(desk, order.id).expires_at_ms
    side.settle()
    side.cut()
    with pytest.raises(Refusal, match="promised to wait"):
        commands.no_show(desk, order.id)
    assert until_ms is not None
    advance_to(world, until_ms + HOUR_MS)
    after = commands.no_show(desk, order.id)
    assert (status_of(after), after.total("held")) == (S.EXPIRED, 0)
    assert world.stock("S001") == (10, 2)
    side.settle()
    assert world.stock("S001") == (10, 0)
    assert "went back to the shelf" in world.mails()[-1].text
    assert world.order(placed.order_id)["status"] == "cancelled"
    assert_books_agree(world, side)


def subjects(world: World) -> list[str]:
    told = [mail.subject for mail in world.mails()]
    return [subject.split(" ", 2)[-1] for subject in told if "we have it" not in subject]


def test_ready_by_mistake_is_taken_back_offline_and_the_customer_is_told(
    world: World, side: StoreSide
):
    """The clocks stop with it: no reminder for the old date; ready again, it all begins anew."""
    placed = world.place()
    order = order_of(world, placed.order_id)
    side.settle()
    desk = desk_of(side)
    until_ms = make_ready(desk, order.id).expires_at_ms
    assert until_ms is not None
    side.settle()
    assert subjects(world) == ["is ready"]
    side.cut()
    commands.unstage(desk, order.id)
    side.settle()
    central = order_of(world, placed.order_id)
    assert (status_of(central), central.staging_spot, central.expires_at_ms) == (S.PICKED, "", None)
    assert subjects(world) == ["is ready", "is not ready yet"]
    assert "it is not ready after all" in str(world.order(placed.order_id)["timeline"])
    advance_to(world, until_ms - HOUR_MS)
    world.parts.reminders.run()
    commands.stage(desk, order.id, "A1")
    commands.mark_ready(desk, order.id)
    side.settle()
    assert subjects(world) == ["is ready", "is not ready yet", "is ready"]
    assert_books_agree(world, side)


def test_the_message_that_it_is_ready_has_the_code_in_words_and_for_scanners(
    world: World, side: StoreSide
):
    """As in the first message; another store that takes over tells a code of its own."""
    order = order_of(world, world.place().order_id)
    side.settle()
    desk = desk_of(side)
    make_ready(desk, order.id)
    side.settle()
    first, ready = world.mails()[0], world.mails()[-1]
    number, code = read_pickup_qr(ready.qr)
    assert (number, ready.qr) == (order.order_number, first.qr)
    assert pickup_code_matches(order.id, code, order.pickup_code_hash)
    assert f"Your pickup code: {code}" in ready.text


def test_what_the_customer_has_not_been_told_is_not_taken_back_in_words(
    world: World, side: StoreSide
):
    """A message that has not left is called off; nobody hears of either. A pick undone says it."""
    order = order_of(world, world.place().order_id)
    side.settle()
    desk = desk_of(side)
    make_ready(desk, order.id)
    side.settle()
    commands.unstage(desk, order.id)
    side.settle()
    assert subjects(world) == []
    commands.stage(desk, order.id, "A1")
    commands.mark_ready(desk, order.id)
    commands.unstage(desk, order.id)
    side.settle()
    assert subjects(world) == []
    commands.stage(desk, order.id, "A1")
    commands.mark_ready(desk, order.id)
    side.settle()
    assert subjects(world) == ["is ready"]
    commands.unpick(desk, order.id, 1)
    side.settle()
    assert subjects(world) == ["is ready", "is not ready yet"]
    assert_books_agree(world, side)


@pytest.mark.anyio
async def test_a_no_show_at_the_terminal_stands_on_the_put_back_list(world: World, side: StoreSide):
    """The date is over: the order is work to put back; the first scan closes it."""
    order = order_of(world, world.place(("SKU-1", 2)).order_id)
    side.settle()
    until_ms = make_ready(desk_of(side), order.id).expires_at_ms
    assert until_ms is not None
    advance_to(world, until_ms + HOUR_MS)
    side.settle()
    settings = TerminalSettings(poll_seconds=QUIET_SECONDS)
    async with terminal(side.store, side.clock, settings=settings) as term:
        await term.press("right")
        assert "No-show: put back 2" in term.text()
        await term.press("enter")
        await term.scan("SKU-2")
        assert "not in this order" in term.text()
        assert status_of(here(side, order.id)) is S.READY_FOR_PICKUP
        await term.scan("SKU-1")
        assert "Put back 1" in term.text()
        await term.scan("SKU-1")
    side.settle()
    assert status_of(here(side, order.id)) is S.EXPIRED
    assert_books_agree(world, side)
