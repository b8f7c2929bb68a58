"""Floors follow what the tills sold and how long the store is cut off: learned, not set."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from central_server.records import EscrowRule, LedgerEntry, Location, Product
from central_server.services.catalogue_intake import StockItem
from central_server.services.sizing import _counted, outages_of
from central_server.storage.unit import Unit
from store_client.replica.models import Sale
from sync.domain.escrow import EscrowPolicy
from sync.domain.inventory import StockReason
from sync.domain.silence import FloorBySilence
from sync.domain.stock_operations import SkuUnits
from sync.protocol.rows import store_scope
from tests.support.central_world import SKUS, World
from tests.support.store_side import POLICY, StoreSide, in_step, share_by_escrow

pytestmark = pytest.mark.slow
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
LONG_LEASE = replace(POLICY, lease_ms=24 * HOUR_MS)


def targets(world: World) -> dict[str, int]:
    with world.database.read() as view:
        return {row.sku: row.floor for row in view.stock.rows("S001")}


def weeks_of_sales(world: World, store: StoreSide, days: int = 14, daily: int = 6) -> None:
    """Sell SKU-1 every day, SKU-2 once a week, with deliveries that keep the shelf full."""
    for day in range(days):
        for _ in range(daily):
            world.clock.advance(DAY_MS // daily)
            store.clock.advance(DAY_MS // daily)
            store.sell(4, "SKU-1")
            store.settle()
        if day % 7 == 0:
            store.sell(1, "SKU-2")
        store.settle()


def place_of(world: World) -> Location:
    with world.database.read() as view:
        found = view.locations.get("S001")
    assert found is not None
    return found


def remembered(world: World, times_ms: Iterable[int], units: int = 1) -> None:
    """Let central know of sales of SKU-1 at S001, without the store that had them."""
    sold = [LedgerEntry("S001", "SKU-1", -units, 0, StockReason.FLOOR_SOLD, f"T@{at_ms}", at_ms)
            for at_ms in times_ms]  # fmt: skip
    world.database.write(lambda unit: unit.stock.append_ledger(sold))


def stocked(world: World, units: int = 2000) -> None:
    share_by_escrow(world, floor_percent=20, on_hand=units)


def test_what_sells_keeps_more_on_the_floor_than_what_does_not(world: World, store: StoreSide):
    """A store whose tills are connected keeps by demand; before that, a fixed share."""
    stocked(world)
    store.settle()
    assert world.parts.sizing.run() == 0
    assert targets(world)["SKU-1"] == 400
    weeks_of_sales(world, store)
    assert world.parts.sizing.run() > 0
    found = targets(world)
    assert found["SKU-1"] > found["SKU-2"] >= found["SKU-3"] >= 0
    assert found["SKU-1"] < 400
    store.settle()
    assert store.share().floor == found["SKU-1"]
    assert world.parts.sizing.run() == 0, "sizing again changes nothing"


def three_weeks(world: World) -> None:
    """Let central know of four units sold an hour, from ten to eight, on each of 21 days."""
    midnight = world.clock.now_ms() // DAY_MS * DAY_MS
    hours = [24 * day + hour for day in range(21) for hour in range(4, 14)]
    remembered(world, (midnight - hour * HOUR_MS for hour in hours), units=4)


def test_a_first_sale_does_not_take_the_share_off_all_skus(world: World, store: StoreSide):
    """Tills that were connected a moment ago, or a sale told by hand, say nothing of demand.

    What the store would grant at once does not come back.
    """
    stocked(world)
    store.settle()
    store.sell(1)
    store.settle()
    assert world.parts.sizing.run() == 0
    assert targets(world) == dict.fromkeys(SKUS, 400)


def test_a_store_whose_tills_fall_silent_gets_its_share_back(world: World):
    """After 200 days they are connected no more: floors, and files, are by the percentage."""
    stocked(world)
    three_weeks(world)
    assert size(world) < 400
    world.clock.advance(200 * DAY_MS)
    assert size(world) == 400
    assert silence_of(world) == ""
    world.parts.intake.stock([StockItem("S001", "SKU-1", 50)], "night", StockReason.IMPORT)
    assert targets(world)["SKU-1"] == 10
    assert world.parts.sizing.run() == 0


def test_a_floor_lasts_for_a_pick_while_the_store_is_open(world: World):
    """Of 24 a day within twelve hours, four go in the two hours until a pick: eight are enough.

    In two hours of a day in which as much were sold at night, four would be.
    """
    world.parts.intake.products([Product("SKU-1", "Thing", category="alone in it")])
    stocked(world)
    world.parts.intake.locations([replace(place_of(world), timezone="UTC")])
    closing = world.clock.now_ms() // HOUR_MS * HOUR_MS - 1
    halves = [48 * day + half for day in range(28) for half in range(24)]
    remembered(world, (closing - half * HOUR_MS // 2 for half in halves))
    assert 8 <= size(world) <= 9


def test_the_hours_of_a_store_are_by_its_own_calendar(world: World):
    """It sells from eight to eight on the wall, in summer and in winter: twelve hours, not 13."""
    zone = ZoneInfo("America/New_York")
    opened = [datetime(2025, 10, 20, 8, tzinfo=zone) + timedelta(days=day) for day in range(28)]
    sold = [("SKU-1", 1, int(start.timestamp()) * 1000 + half * HOUR_MS // 2)
            for start in opened for half in range(24)]  # fmt: skip
    now_ms = max(at_ms for _, _, at_ms in sold)
    place = replace(place_of(world), timezone="America/New_York")
    counted, day = _counted(sold, place, now_ms, is_known=False)
    assert (len(counted), day.hours_that_count(0, 2)) == (len(sold), 4.0)
    assert (day.hours_that_count(0, 12), day.hours_that_count(12, 12)) == (24.0, 0.0)


def often_cut_off(world: World) -> None:
    """Note forty outages of five hours, the store being heard for an hour between them."""
    now = world.clock.now_ms()
    starts = [now - (number + 1) * 6 * HOUR_MS for number in range(40)]

    def note(unit: Unit) -> None:
        for start in starts:
            unit.leases.add_gap("S001", start, start + 5 * HOUR_MS)

    world.database.write(note)


def size(world: World) -> int:
    """Size all floors; return that of SKU-1."""
    world.parts.sizing.run()
    return targets(world)["SKU-1"]


def share_by(world: World, policy: EscrowPolicy) -> None:
    rule = EscrowRule("S001", world.clock.now_ms(), policy, service_percent=95)
    world.parts.central.escrow.add(rule)


@pytest.mark.parametrize("strict", [{"strict": True}, {"strict_categories": ("outdoor",)}])
def test_a_strict_store_that_is_often_cut_off_keeps_more(world: World, store: StoreSide, strict):
    """A sale without a right is refused there, so the floor lasts until its rights are its own.

    Its own outages count, not a mean of all stores.
    """
    world.parts.intake.products([Product("SKU-1", "Thing", category="outdoor")])
    stocked(world)
    share_by(world, replace(LONG_LEASE, **strict))
    store.settle()
    three_weeks(world)
    before = size(world)
    often_cut_off(world)
    assert size(world) > before


def test_where_no_sale_is_refused_outages_hide_nothing_in_contact(world: World, store: StoreSide):
    """The floor lasts until a pick, however often a store is cut off and however long its lease.

    What may be promised once it falls silent is another matter, and hides more then.
    """
    stocked(world)
    store.settle()
    three_weeks(world)
    before = size(world)
    often_cut_off(world)
    assert size(world) == before > 0
    share_by(world, LONG_LEASE)
    assert size(world) == before
    with world.database.read() as view:
        silence = FloorBySilence.of(view.stock.silences("S001")["SKU-1"])
    assert silence.wanted(HOUR_MS) > before


def test_a_rule_that_asks_for_more_service_keeps_more(world: World, store: StoreSide):
    """The critical ratio is policy data."""
    stocked(world)
    store.settle()
    weeks_of_sales(world, store)
    world.parts.sizing.run()
    before = targets(world)["SKU-1"]
    rule = EscrowRule("S001", world.clock.now_ms(), replace(POLICY), service_percent=99)
    world.parts.central.escrow.add(rule)
    world.parts.sizing.run()
    assert targets(world)["SKU-1"] > before


def test_an_outage_is_kept_for_the_sizing(world: World, store: StoreSide):
    """Central notes from when to when a store was not heard."""
    store.cut()
    world.clock.advance(3 * HOUR_MS)
    store.settle()
    with world.database.read() as view:
        ((start, end),) = view.leases.gaps("S001", 0)
    assert end - start == 3 * HOUR_MS


def test_a_machine_that_was_replaced_teaches_its_store_no_outage(
    world: World, store: StoreSide, tmp_path: Path
):
    """Its last work comes when it is switched on again; its successor was in contact all along."""
    store.cut()
    store.sell()
    with in_step(world, tmp_path / "successor") as successor:
        for _ in range(10):
            world.clock.advance(4 * 60_000)
            successor.settle()
        store.faulty.restore()
        store.reboot("boot-2")
        store.round()
        assert store.store.journal.backlog() == 0
        with world.database.read() as view:
            assert view.leases.gaps("S001", 0) == []


def test_an_outage_of_long_ago_counts_less_than_a_young_one():
    """A line that was mended half a year ago is taken for a good one, bit by bit."""
    now = 200 * DAY_MS
    began = now - 180 * DAY_MS
    old = outages_of([(began, began + 5 * HOUR_MS)], began, now)
    young = outages_of([(now - 5 * HOUR_MS, now)], began, now)
    assert old.outages_per_hour() < young.outages_per_hour()
    assert old.length_hours().mean() < young.length_hours().mean()


def sold_times(world: World) -> list[int]:
    with world.database.read() as view:
        return [at_ms for _, _, at_ms in view.stock_ledger.sales("S001", 0)]


def test_sales_of_days_offline_count_when_they_were_sold(world: World, store: StoreSide):
    """A week that arrives at once is a week of sales, not one busy minute."""
    stocked(world)
    store.settle()
    store.cut()
    sold = []
    for _ in range(7):
        world.clock.advance(DAY_MS)
        store.clock.advance(DAY_MS)
        sold.append(store.clock.now_ms())
        store.sell(4)
    store.settle()
    assert sold_times(world) == sold


def test_the_time_of_the_till_stands_above_that_of_the_machine(world: World, store: StoreSide):
    """A till that queued its sales says when they were; the machine heard of them later."""
    stocked(world)
    store.settle()
    yesterday = store.clock.now_ms() - DAY_MS
    sale = Sale("T-late", (SkuUnits("SKU-1", 2),), sold_at_ms=yesterday)
    assert store.store.sell(sale, by="A1", dev="POS") is not None
    store.settle()
    assert sold_times(world) == [yesterday]


def test_an_impossible_time_of_sale_counts_when_central_heard_of_it(world: World, store: StoreSide):
    """A till in the year 1970 or 2099 teaches nothing about when, but it did sell."""
    stocked(world)
    store.settle()
    now = world.clock.now_ms()
    for number, said in enumerate((86_400_000, 4_070_908_800_000)):
        sale = Sale(f"T-{number}", (SkuUnits("SKU-1", 1),), sold_at_ms=said)
        assert store.store.sell(sale, by="A1", dev="POS") is not None
    store.settle()
    assert sold_times(world) == [now, now]


def test_a_file_of_stock_leaves_the_floors_that_were_sized(world: World, store: StoreSide):
    """What a store keeps by demand is its target on the next day, too: it grants no more.

    Units that central promises meanwhile would not come back with the next sizing.
    """
    world.parts.intake.products([Product("SKU-3", "Thing", category="nobody buys these")])
    stocked(world)
    store.settle()
    three_weeks(world)
    world.parts.sizing.run()
    store.settle()
    before = targets(world)
    assert before["SKU-1"] > before["SKU-3"] == 0, "sized to nothing is sized, too"
    items = [StockItem("S001", sku, 2100) for sku in SKUS]
    world.parts.intake.stock(items, "night", StockReason.IMPORT)
    assert targets(world) == before
    store.settle()
    assert store.share().floor == before["SKU-1"]


def sized(world: World, floor: int) -> None:
    """Write what sizing writes of SKU-1 where it sells."""

    def write(unit: Unit) -> None:
        unit.stock.set_floors("S001", {"SKU-1": floor})
        unit.stock.set_silences("S001", {"SKU-1": "300000:4"})

    world.database.write(write)


@pytest.mark.parametrize(
    ("floor", "sku", "told", "kept"),
    [(6, "SKU-1", 11, 6), (1, "SKU-1", 40, 1), (10, "SKU-1", 100, 20), (10, "SKU-1", 11, 10),
     (6, "SKU-2", 40, 8), (6, "SKU-9", 40, 8)],
    ids=["sized", "sized low", "all was floor", "all was floor, few come", "unsized", "unknown"],
)  # fmt: skip
def test_a_share_in_percent_is_for_what_was_never_sized(
    world: World, floor: int, sku: str, told: int, kept: int
):
    """And for goods that come where all there was was floor: sizing keeps no more than is free."""
    sized(world, floor)
    world.parts.intake.stock([StockItem("S001", sku, told)], "night", StockReason.IMPORT)
    assert targets(world)[sku] == kept


def head(world: World) -> int:
    with world.database.read() as view:
        return view.feed.scope(store_scope("S001")).rev


def silence_of(world: World) -> str:
    with world.database.read() as view:
        return view.stock.silences("S001")["SKU-1"]


def test_a_store_that_shares_no_more_gets_its_share_back(world: World):
    """What its tills sold while they were connected says less and less: it keeps a percentage.

    Of ten, that is two. The store hears of it, and sharing again begins with that.
    """
    sized(world, 6)
    share_by(world, EscrowPolicy())
    before = head(world)
    assert world.parts.sizing.run() == 1
    assert head(world) == before + 1
    assert (targets(world)["SKU-1"], silence_of(world)) == (2, "")
    assert world.parts.sizing.run() == 0


def test_a_machine_that_has_not_heard_that_nothing_is_shared_keeps_what_was_sized(
    world: World, store: StoreSide
):
    """Central promises what it granted until then, so it goes on holding back by its silence."""
    sized(world, 6)
    store.cut()
    share_by(world, EscrowPolicy())
    assert world.parts.sizing.run() == 0
    assert (targets(world)["SKU-1"], silence_of(world)) == (6, "300000:4")
    store.settle()
    store.settle()
    assert world.parts.sizing.run() == 1


def test_where_nothing_is_shared_a_file_sets_the_share(world: World):
    """A store whose tills are not connected keeps a percentage, whatever was sized before."""
    sized(world, 6)
    share_by(world, EscrowPolicy())
    world.parts.intake.stock([StockItem("S001", "SKU-1", 11)], "night", StockReason.IMPORT)
    assert targets(world)["SKU-1"] == 3
