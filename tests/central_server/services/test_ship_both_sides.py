"""Parcels through the real terminal, the real files and daemon, and the real central."""

from dataclasses import replace

import pytest

from store_client.adapters.paper_files import PaperFiles
from store_client.flows.ship import commands, manifests
from store_client.flows.ship.arrived import ArrivedLabels
from store_client.services import waves
from store_client.services.desk import Actor, Desk, TerminalSettings
from store_client.services.shelf import load
from sync.domain.flows import status_of
from sync.domain.flows.ship import NAME, shipment_of
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus, ShortReason
from sync.domain.people import Role
from sync.protocol.rows import AssociateRow
from tests.central_server.services.test_parcels import place
from tests.support.central_world import World
from tests.support.parcels import CARRIERS
from tests.support.store_side import StoreSide
from tests.support.terminals import QUIET_SECONDS, terminal

S = FulfillmentStatus


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def shipping(world: World) -> World:
    """The small central with carriers, and somebody who works at the first store."""
    world.parts.intake.carriers(CARRIERS)
    world.parts.intake.associates("S001", [AssociateRow("A103", "Rafael", Role.ASSOCIATE, "")])
    return world


@pytest.fixture
def side(shipping: World, tmp_path) -> StoreSide:
    """The first store, in step with central."""
    made = StoreSide(shipping, tmp_path / "S001", clock=shipping.clock)
    made.settle()
    return made


def desk_of(side: StoreSide) -> Desk:
    actor = Actor("A103", "Rafael", Role.ASSOCIATE)
    return Desk(side.store, side.clock, actor, "T1", PaperFiles(side.folder / "paper"))


def here(side: StoreSide, key: str) -> FulfillmentOrder:
    found = side.store.fulfillment(key)
    assert found is not None
    return found


def to_label(desk: Desk, key: str) -> None:
    """Pick, pack and label an order."""
    for line in load(desk, key).lines:
        commands.pick_by_hand(desk, key, line.line, line.to_pick)
    commands.pack(desk, key, "1.2kg")
    commands.label(desk, key)


def assert_books_agree(world: World, side: StoreSide) -> None:
    """Assert that store and central say the same of everything, and stock is its ledger."""
    assert side.differences() == []
    world.check_books()


@pytest.mark.anyio
async def test_connected_from_the_shop_to_the_carrier(shipping: World, side: StoreSide):
    """The order is on the screen after a round; what is done there is at central after the next."""
    order_id, (order,) = place(shipping)
    side.settle()
    settings = TerminalSettings(poll_seconds=QUIET_SECONDS, paper=PaperFiles(side.folder / "paper"))
    async with terminal(side.store, side.clock, settings=settings) as term:
        assert order.order_number in term.text()
        await term.press("enter", "enter", "f4", "f4", "enter")
        await term.type("900")
        await term.press("enter", "enter", "enter")
        assert "WAITS FOR THE CARRIER" in term.text()
        side.settle()
        await term.press("enter", "enter")
    side.settle()
    assert shipping.order(order_id)["status"] == "fulfilled"
    assert shipping.order(order_id)["fulfillments"][0]["shipment"]["boxes"][0]["tracking"]
    assert shipping.stock("S001") == (8, 0)
    assert_books_agree(shipping, side)


@pytest.mark.anyio
async def test_a_whole_day_with_the_network_cut_then_reconciled(shipping: World, side: StoreSide):
    """Wave, pick, pack, label, manifest and hand-over without a network; central knows it once."""
    orders = [place(shipping, ("SKU-1", 1), ("SKU-2", 1)) for _ in range(3)]
    side.settle()
    side.cut()
    desk = desk_of(side)
    settings = TerminalSettings(poll_seconds=QUIET_SECONDS, paper=desk.paper)
    async with terminal(side.store, side.clock, settings=settings) as term:
        await term.press("f4", "f6")
        for _ in range(6):
            await term.press("f4")
        assert "ALL PICKED" in term.text()
        for _, (order,) in orders:
            commands.pack(desk, order.id, "800")
            commands.label(desk, order.id)
        await term.press("escape", "f7")
        assert "3 boxes listed" in term.text()
        await term.press("f8", "enter")
        assert "The carrier has 3" in term.text()
        assert "Central hears of it later" in term.text()
    assert not side.round().ok
    side.settle()
    for order_id, (order,) in orders:
        assert shipping.order(order_id)["status"] == "fulfilled"
        assert status_of(here(side, order.id)) is S.SHIPPED
    assert len([*(side.folder / "paper" / "labels").glob("*.pdf")]) == 3
    assert shipping.stock("S001") == (7, 0)
    assert sum("on its way" in mail.text for mail in shipping.mails()) == 3
    assert_books_agree(shipping, side)


def test_a_label_asked_for_offline_is_bought_on_reconnect_and_put_on_paper(
    shipping: World, side: StoreSide
):
    """Provisional until central has it; then it comes with the feed and prints itself."""
    _, (order,) = place(shipping, method="express")
    side.settle()
    side.cut()
    desk = desk_of(side)
    to_label(desk, order.id)
    assert side.store.board("ship_from_store")[0].provisional
    side.settle()
    assert not side.store.board("ship_from_store")[0].provisional
    assert shipping.parts.labels.run() == 1
    side.settle()
    follower = ArrivedLabels(side.store, side.clock, desk.paper, "T1")
    assert len(follower.look()) == 1
    assert follower.look() == []
    assert status_of(here(side, order.id)) is S.LABELED
    manifests.close(desk, "harbor")
    manifests.hand_over(desk, "harbor")
    side.settle()
    assert status_of(shipping.fulfillments(order.order_id)[0]) is S.SHIPPED
    assert_books_agree(shipping, side)


def test_cancelled_at_central_while_it_was_packed_offline(shipping: World, side: StoreSide):
    """The cancellation wins: out of the box, back on the shelf, and the number is void."""
    order_id, (order,) = place(shipping)
    side.settle()
    side.cut()
    desk = desk_of(side)
    to_label(desk, order.id)
    number = shipment_of(here(side, order.id)).boxes[0].tracking
    shipping.parts.central.cancelling.cancel(order_id, reason="", actor="test")
    side.settle()
    assert here(side, order.id).total("to_put_back") == 2
    commands.put_back_all(desk, order.id)
    side.settle()
    shipping.parts.labels.run()
    carriers = shipping.parts.labels._carriers
    assert carriers.void_numbers == {number}  # type: ignore[attr-defined]
    assert shipping.stock("S001") == (10, 0)
    assert_books_agree(shipping, side)


def test_cancelled_at_central_and_shipped_offline(shipping: World, side: StoreSide):
    """The carrier has it: it counts as shipped on both sides, once."""
    order_id, (order,) = place(shipping)
    side.settle()
    side.cut()
    desk = desk_of(side)
    to_label(desk, order.id)
    manifests.close(desk, "swift")
    manifests.hand_over(desk, "swift")
    shipping.parts.central.cancelling.cancel(order_id, reason="", actor="test")
    side.settle()
    assert status_of(here(side, order.id)) is S.SHIPPED
    assert shipping.order(order_id)["status"] == "fulfilled"
    assert shipping.stock("S001") == (8, 0)
    assert_books_agree(shipping, side)
    assert not any("is cancelled" in mail.subject for mail in shipping.mails())


def test_rejected_offline_goes_elsewhere_and_not_here_again_until_the_stated_time(
    shipping: World, side: StoreSide
):
    """The store says what it could not find; the count waits in its inbox, the stock is less."""
    order_id, (order,) = place(shipping)
    side.settle()
    side.cut()
    desk = desk_of(side)
    commands.reject(desk, order.id, ShortReason.NOT_FOUND)
    side.settle()
    parts = {one.location_id: status_of(one) for one in shipping.fulfillments(order_id)}
    assert parts == {"S001": S.REJECTED, "S002": S.NEW}
    assert [item.kind for item in side.store.exceptions()] == ["count_due"]
    (fate,) = side.store.fates_of(order.id)
    assert "is not asked for these goods again before" in fate.text
    assert place(shipping)[1][0].location_id == "S002"
    assert shipping.stock("S001") == (8, 0)
    assert_books_agree(shipping, side)


def test_a_wave_and_a_manifest_survive_a_power_cut(shipping: World, side: StoreSide):
    """What was recorded is there again after the machine starts anew, at the same place."""
    for _ in range(2):
        place(shipping)
    side.settle()
    desk = desk_of(side)
    wave = waves.start(desk, NAME)
    waves.pick_row(desk, wave.key, "SKU-1")
    side.store.close()
    side.open()
    desk = replace(desk, store=side.store)
    assert waves.find(desk, wave.key).picked == 1
    for _ in range(3):
        waves.pick_row(desk, wave.key, "SKU-1")
    for row in side.store.board("ship_from_store"):
        commands.pack(desk, row.id, "900")
        commands.label(desk, row.id)
    manifests.close(desk, "swift")
    side.store.close()
    side.open()
    desk = replace(desk, store=side.store)
    assert manifests.hand_over(desk, "swift").count == 2
    side.settle()
    assert_books_agree(shipping, side)
