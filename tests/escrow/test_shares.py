"""Who may promise what: grants, leases, recalls, taking back. On both engines."""

from dataclasses import replace

import pytest

from central_server.records import Lease, Product
from central_server.services.catalogue_intake import StockItem
from central_server.services.rights import extend_lease
from central_server.storage.unit import Unit
from sync.domain.escrow import Rights
from sync.domain.fulfillment import ShortReason
from sync.domain.orders import Channel
from sync.edge.escrow import ShareKeeper
from sync.protocol.rows import FulfillmentRow, StockRow
from tests.support.central_world import World
from tests.support.store_side import POLICY, StoreSide

MINUTE_MS = 60_000


def stock_row(world: World, location_id: str = "S001", sku: str = "SKU-1") -> StockRow:
    with world.database.read() as view:
        (row,) = view.stock.rows(location_id, [sku])
    return row


def promisable(world: World, location_id: str = "S001", sku: str = "SKU-1") -> int:
    found = world.parts.central.availability.explain((sku,), (location_id,), Channel.WEB)
    entries = found["availability"]
    assert isinstance(entries, list)
    return int(entries[0]["available_to_promise"])


def pass_time(world: World, milliseconds: int, *stores: StoreSide) -> None:
    world.clock.advance(milliseconds)
    for store in stores:
        store.clock.advance(milliseconds)


def test_nothing_is_promised_before_the_store_granted_it(world: World, tmp_path):
    """Central knows ten pieces, and none of them is its to promise."""
    store = StoreSide(world, tmp_path / "one")
    assert promisable(world, "S003") == 8  # no machine there: a fixed share
    store.daemon._push(store.daemon._hello())
    assert promisable(world) == 0
    (work,) = world.fulfillments(world.place(("SKU-1", 1)).order_id)
    assert work.location_id != "S001"
    store.store.close()


def test_a_store_grants_what_it_does_not_keep(world: World, store: StoreSide):
    """Two of ten stay with the store, eight are central's, and both sides say so."""
    assert stock_row(world).rights == Rights(1, 8)
    assert promisable(world) == 8
    share = store.share()
    assert (share.floor, share.online, share.allocated) == (2, 8, 0)
    assert store.differences() == []


def test_a_promise_spends_central_s_rights_and_none_of_the_floor(world: World, store: StoreSide):
    """The store's own share is the same before it hears of the order, and after."""
    world.place(("SKU-1", 3))
    assert promisable(world) == 5
    assert store.share().floor == 2
    store.settle()
    share = store.share()
    assert (share.floor, share.online, share.allocated) == (2, 5, 3)
    (work,) = world.fulfillments(world.place(("SKU-1", 6)).order_id)
    assert work.location_id == "S002", "the rest is not enough here"


def test_a_promise_is_confirmed_by_the_machine(world: World, store: StoreSide):
    """No person does it, and central then leaves the order where it is."""
    placed = world.place(("SKU-1", 1))
    (work,) = world.fulfillments(placed.order_id)
    assert work.confirm_by_ms is not None
    assert work.is_unconfirmed
    store.settle()
    (work,) = world.fulfillments(placed.order_id)
    assert not work.is_unconfirmed
    pass_time(world, 10 * POLICY.lease_ms)
    assert world.parts.promises.run() == 0
    assert store.store.shares.unacknowledged() == []


def test_a_store_that_is_cut_off_is_promised_from_until_its_lease_ends(
    world: World, store: StoreSide
):
    """The lease counts from central's own time in the last answer that the store saw."""
    store.cut()
    pass_time(world, POLICY.lease_ms * 97 // 100)
    assert promisable(world) == 8
    pass_time(world, POLICY.lease_ms * 3 // 100)
    assert promisable(world) == 0


def extend(world: World, token_ms: int) -> None:
    now = world.clock.now_ms()

    def late(unit: Unit) -> None:
        location = unit.locations.get("S001")
        assert location is not None
        extend_lease(unit, location, token_ms, now)

    world.database.write(late)


def lease(world: World) -> Lease:
    with world.database.read() as view:
        found = view.leases.get("S001")
    assert found is not None
    return found


def test_a_delayed_push_extends_nothing(world: World, store: StoreSide):
    """A push that was under way for two hours carries an old token."""
    token = store.store.shares.token().token_ms
    pass_time(world, 2 * POLICY.lease_ms)
    before = lease(world)
    extend(world, token)
    after = lease(world)
    assert before.until_ms <= after.until_ms <= world.clock.now_ms() - POLICY.lease_ms
    assert promisable(world) == 0


def test_a_token_from_the_future_is_not_central_s(world: World, store: StoreSide):
    """Nobody can lend themselves a longer lease."""
    extend(world, world.clock.now_ms() + 10 * POLICY.lease_ms)
    pass_time(world, POLICY.lease_ms + MINUTE_MS)
    assert promisable(world) == 0
    assert store.share().online == 8


def test_what_is_not_confirmed_in_time_goes_elsewhere(
    world: World, store: StoreSide, neighbor: StoreSide
):
    """The customer is told of another store; the first one gets a task of nothing."""
    store.cut()
    pass_time(world, 50 * MINUTE_MS, store, neighbor)
    neighbor.settle()
    placed = world.place(("SKU-1", 2))
    (work,) = world.fulfillments(placed.order_id)
    assert work.location_id == "S001"
    pass_time(world, 30 * MINUTE_MS, store, neighbor)
    neighbor.settle()
    assert world.parts.promises.run() == 1
    first, second = world.fulfillments(placed.order_id)
    assert (first.location_id, first.total("short")) == ("S001", 2)
    assert (second.location_id, second.total("open")) == ("S002", 2)
    assert any("S002" in mail.text for mail in world.mails())
    store.settle()
    neighbor.settle()
    assert store.differences() == neighbor.differences() == []
    world.check_books()


def test_a_store_takes_back_what_was_never_promised(world: World, store: StoreSide):
    """Cut off for longer than lease and confirmation time, it sells all ten by itself."""
    store.cut()
    store.clock.advance(POLICY.reclaim_after_ms - 1)
    store.round()
    assert store.share().floor == 2
    store.clock.advance(1)
    store.round()
    assert (store.share().floor, store.share().online) == (10, 0)
    for _ in range(10):
        store.sell()
    assert store.share().over(1) == 1
    world.clock.advance(POLICY.reclaim_after_ms)
    store.settle()
    assert store.differences() == []
    assert promisable(world) == 0
    world.check_books()


def test_a_promise_that_it_never_confirmed_ties_nothing_after_that(
    world: World, store: StoreSide, monkeypatch: pytest.MonkeyPatch
):
    """The process fell when it had heard of it, and the new one never reaches central."""

    def falls(_: ShareKeeper) -> int:
        raise RuntimeError("the process ends here")

    (work,) = world.fulfillments(world.place(("SKU-1", 3)).order_id)
    with monkeypatch.context() as patch:
        patch.setattr(ShareKeeper, "share_out", falls)
        with pytest.raises(RuntimeError):
            store.round()
    store.store.close()
    store.open()
    store.cut()
    assert store.share().allocated == 3
    pass_time(world, POLICY.reclaim_after_ms, store)
    store.round()
    assert (store.share().floor, store.share().allocated) == (10, 0)
    assert world.parts.promises.run() == 1
    store.settle()
    assert store.differences() == []
    (moved,) = (one for one in world.fulfillments(work.order_id) if one.total("open"))
    assert moved.location_id != "S001"
    world.check_books()


def test_after_taking_back_a_store_shares_anew(world: World, store: StoreSide):
    """A new generation begins; rights of the old one are worth nothing."""
    store.cut()
    pass_time(world, POLICY.reclaim_after_ms, store)
    store.round()
    store.sell(4)
    store.settle()
    row = stock_row(world)
    assert row.rights == Rights(2, 4)
    assert promisable(world) == 4
    assert store.share().floor == 2


def test_a_reboot_starts_the_count_again(world: World, store: StoreSide):
    """Nobody knows how long a machine was off: it waits the whole time from its start."""
    store.cut()
    store.clock.advance(POLICY.reclaim_after_ms - 1)
    store.round()
    store.reboot("boot-2")
    store.cut()
    store.clock.wall_ms += 10 * POLICY.lease_ms
    store.round()
    assert store.share().floor == 2
    store.clock.advance(POLICY.reclaim_after_ms)
    store.round()
    assert store.share().floor == 10
    assert world.clock.now_ms() < store.clock.now_ms()


def test_a_sale_that_eats_the_floor_asks_rights_back(world: World, store: StoreSide):
    """Connected, the store gets back what central has not used; central lowers its own first."""
    store.sell(1)
    store.settle()
    assert (store.share().floor, store.share().online) == (2, 7)
    assert stock_row(world).rights == Rights(1, 8, 0, 1)
    assert promisable(world) == 7
    assert store.differences() == []


def test_rights_that_central_has_used_do_not_come_back(world: World, store: StoreSide):
    """All eight are promised: the floor stays empty, and nothing is asked again and again."""
    world.place(("SKU-1", 8))
    store.settle()
    store.sell(2)
    store.settle()
    before = store.store.journal.head().seq
    store.settle()
    assert store.store.journal.head().seq == before
    assert (store.share().floor, store.share().online) == (0, 0)


def test_units_that_are_free_again_are_granted_again(world: World, store: StoreSide):
    """A cancelled order's units fall to the store, which shares what it does not keep."""
    placed = world.place(("SKU-1", 5))
    store.settle()
    world.parts.central.cancelling.cancel(placed.order_id, reason="mind changed", actor="test")
    store.settle()
    assert stock_row(world).rights == Rights(1, 13, 5, 0)
    assert promisable(world) == 8
    assert store.share().floor == 2


def test_sales_are_journaled_once_by_the_number_of_the_till(world: World, store: StoreSide):
    """A file that is read twice, or a call that is repeated, sells nothing twice."""
    store.sell(1)
    store.sales -= 1
    with pytest.raises(AssertionError):
        store.sell(1)
    store.settle()
    assert stock_row(world).on_hand == 9


def test_a_new_machine_begins_with_a_generation_of_its_own(
    world: World, store: StoreSide, tmp_path
):
    """What the retired one had granted is void; the new one counts all ten as its own first."""
    store.cut()
    other = StoreSide(world, tmp_path / "replacement")
    assert promisable(world) == 0
    other.settle()
    assert stock_row(world).rights == Rights(2, 8)
    assert (other.share().floor, other.share().online) == (2, 8)
    other.store.close()


def test_a_promise_of_a_retired_reason_is_never_offered_to_an_associate():
    """Reasons of central's own are not on the screens of a store."""
    from store_client.services.words import SHORT_REASONS

    own = {ShortReason.SOLD_ON_FLOOR, ShortReason.PROMISE_LAPSED}
    assert own.isdisjoint(SHORT_REASONS)


def test_a_count_at_central_lowers_what_may_be_promised(world: World, store: StoreSide):
    """Eight rights are worth nothing where central itself has counted three pieces."""
    world.parts.intake.stock([StockItem("S001", "SKU-1", 3)], "count")
    assert promisable(world) == 3
    store.settle()
    assert store.share().floor >= 0
    assert stock_row(world).rights.online + store.share().floor <= 3
    assert store.differences() == []


def test_a_first_sharing_of_a_whole_store_holds_nobody_up(world: World, store: StoreSide):
    """Many SKUs are divided a few hundred at a time, each time with the journal free between."""
    items = [StockItem("S001", f"BULK-{number}", 5) for number in range(1200)]
    world.parts.intake.products([Product(one.sku, one.sku) for one in items])
    world.parts.intake.stock(items, "opening")
    store.settle()
    with world.database.read() as view:
        rows = view.stock.rows("S001", [one.sku for one in items])
    assert {row.rights.granted for row in rows} == {4}
    kinds = [one.kind for one in store.store.operations(limit=50)]
    assert kinds.count("rights_granted") >= 3


def test_a_clock_of_central_that_is_set_back_ends_every_lease(world: World, store: StoreSide):
    """In an hour that central lives through twice nothing is promised until the store speaks."""
    store.cut()
    (work,) = world.fulfillments(world.place(("SKU-1", 1)).order_id)
    assert work.location_id == "S001"
    world.clock.advance(POLICY.lease_ms // 2)
    assert world.parts.promises.run() == 0
    world.clock.wall_ms -= POLICY.lease_ms // 2
    world.place(("SKU-1", 1), at="S003")
    assert promisable(world) == 0
    assert world.parts.promises.run() == 1, "nobody has confirmed it by this clock"
    pass_time(world, 1_000, store)
    store.settle()
    assert promisable(world) > 0
    assert store.differences() == []


def test_a_promise_that_lapsed_with_the_clock_stays_lapsed(world: World, store: StoreSide):
    """What is written about the order before it is moved does not bring its old term back."""
    store.cut()
    (work,) = world.fulfillments(world.place(("SKU-1", 1)).order_id)
    world.clock.advance(POLICY.lease_ms // 2)
    world.parts.promises.run()
    world.clock.wall_ms -= POLICY.lease_ms // 2
    world.place(("SKU-1", 1), at="S003")
    with world.database.read() as view:
        (stored,) = view.fulfillments.get_many([work.id]).values()
    world.database.write(lambda unit: unit.fulfillments.upsert_many([stored.row]))
    assert world.parts.promises.run() == 1


def test_a_cancelled_promise_does_not_lapse_as_well(world: World, store: StoreSide):
    """Nobody has to confirm what nobody waits for, even while picked units are to be put back."""
    store.cut()
    placed = world.place(("SKU-1", 1))
    (work,) = world.fulfillments(placed.order_id)
    held = replace(work, lines=(replace(work.lines[0], picked=1, cancelled=1),))
    world.database.write(lambda unit: unit.fulfillments.upsert_many([FulfillmentRow(held)]))
    with world.database.read() as view:
        assert view.fulfillments.lapsed(POLICY.confirm_by_ms(world.clock.now_ms()) + 1) == []
