"""What associates do with parcel orders, by the commands of the terminal."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from store_client.adapters.paper_files import PaperFiles
from store_client.adapters.pdf import latin, modules_of, slip_pdf
from store_client.adapters.zpl import label_zpl
from store_client.flows.ship import commands, manifests, practice
from store_client.flows.ship.board import Step, describe, facts_of, next_step
from store_client.paper import PackingSlip, PaperProblem, ParcelLabel, SlipLine
from store_client.services import waves
from store_client.services.cutoffs import Parcels, clocks, parcels_of
from store_client.services.desk import Desk, Refusal
from store_client.services.open_orders import open_orders
from store_client.services.pick_path import aisle_key
from store_client.services.rejecting import Here, everything_open, preview
from store_client.services.scanner import read_code
from store_client.services.shelf import load
from sync.domain.flows import status_of
from sync.domain.flows.ship import NAME, label_arrived, shipment_of
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus, ShortReason
from sync.domain.operations import LineQuantity
from sync.domain.people import Role
from tests.support.clocks import FrozenClock
from tests.support.fake_store import FakeStore, gtin_of, make_order
from tests.support.filled_store import fill, open_filled
from tests.support.ship_store import busy_ship_store, parcel, ship_store
from tests.support.terminals import actor_of


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def store(clock) -> FakeStore:
    return ship_store(clock)


@pytest.fixture
def desk(store, clock, tmp_path) -> Desk:
    return Desk(store, clock, actor_of(Role.ASSOCIATE), "T1", PaperFiles(tmp_path))


def add(store: FakeStore, number: int = 1, **how) -> str:
    order = parcel(number, store.clock.now_ms(), **how)
    store.add(order)
    return order.id


def picked(desk: Desk, key: str) -> None:
    for line in load(desk, key).lines:
        commands.pick_by_hand(desk, key, line.line, line.to_pick)


def test_scanning_picks_and_says_how_far(desk, store):
    """Each scan is one unit, by any of the product's barcodes."""
    key = add(store)
    said = commands.scan_item(desk, key, read_code(gtin_of(1)))
    assert said.says.startswith("Picked 1 of 2")
    with pytest.raises(Refusal, match="not in this order"):
        commands.scan_item(desk, key, read_code(gtin_of(6)))


@pytest.mark.parametrize(
    ("text", "grams"), [("1250", 1250), ("1.25 kg", 1250), ("1,5KG", 1500), ("800g", 800)]
)
def test_a_weight_is_grams_or_kilos(text, grams):
    """People type what the scale shows."""
    assert commands.grams(text) == grams


@pytest.mark.parametrize("text", ["", "heavy", "0", "51000", "1.5", "-3"])
def test_what_is_no_weight_is_refused_in_words(text):
    """Nothing, nonsense, nothing at all, too heavy, grams with a point."""
    with pytest.raises(Refusal):
        commands.grams(text)


def test_one_order_in_two_boxes_with_a_label_and_a_slip_each(desk, store, tmp_path):
    """Each box has its number, its files, and the slip says what comes in the other one."""
    key = add(store)
    picked(desk, key)
    commands.pack(desk, key, "900", (LineQuantity(1, 1),))
    commands.pack(desk, key, "1.1kg")
    first, second = commands.label(desk, key), commands.label(desk, key)
    assert {first.number, second.number} == {"SW001000000", "SW001000001"}
    assert len([*(tmp_path / "labels").glob("*.zpl")]) == 2
    assert len([*(tmp_path / "labels").glob("*.pdf")]) == 2
    assert commands.slip_of(desk, second.order, 1).rest == 2
    assert next_step(facts_of(second.order)) is Step.LIST


def test_a_label_without_a_number_ahead_is_asked_for_and_follows_by_itself(desk, store):
    """The provisional state is said; when the number comes, label and slip are made unasked."""
    key = add(store, carrier="harbor")
    picked(desk, key)
    commands.pack(desk, key, "900")
    labeled = commands.label(desk, key)
    assert (labeled.number, "asked of central" in labeled.says) == ("", True)
    assert next_step(facts_of(labeled.order)) is Step.WAIT_FOR_LABEL
    assert commands.follow_up(desk, open_orders(desk, NAME)) == []
    arrived = label_arrived(store.orders[key], 1, "HA77")
    assert arrived is not None
    store.add(arrived)
    (made,) = commands.follow_up(desk, open_orders(desk, NAME))
    assert "HA77.zpl" in made
    assert commands.follow_up(desk, open_orders(desk, NAME)) == []


def test_numbers_that_are_used_up_are_followed_by_a_request(desk, store):
    """Four labels torn off: the fifth is asked of central, never printed under an old number."""
    key = add(store)
    picked(desk, key)
    commands.pack(desk, key, "900")
    numbers = set()
    for _ in range(4):
        numbers.add(commands.label(desk, key).number)
        commands.void(desk, key, 1)
    assert len(numbers) == 4
    assert commands.label(desk, key).number == ""


@pytest.mark.parametrize(
    ("number", "said"), [("SÜ-71", "no number"), ("北7", "no number"), ("SW-9", "used already")]
)
def test_a_number_that_is_none_of_this_box_is_refused(desk, store, number, said):
    """A scanner with the wrong keyboard, the label of another box: nothing is written down."""
    key = add(store)
    picked(desk, key)
    (line, *_) = load(desk, key).lines
    commands.pack(desk, key, "900", (LineQuantity(line.line, 1),))
    commands.label_by_hand(desk, key, 1, "sw-9")
    commands.pack(desk, key, "900")
    with pytest.raises(Refusal, match=said):
        commands.label_by_hand(desk, key, 2, number)


def test_a_number_without_bars_stops_no_screen(desk, tmp_path):
    """Written down before it was refused, or sent so by a carrier: it is said, not raised."""
    label = ParcelLabel("SÜ-71", "Swift", "standard", ("Jo",), "S", "K1", 1, 1, 500)
    with pytest.raises(PaperProblem, match="no bars"):
        desk.paper.label(label)


def test_a_long_packing_slip_goes_on_on_the_next_page():
    """Sixty lines: none is printed below the edge of the paper."""
    lines = tuple(SlipLine(1, f"SKU-{number}", "Thing") for number in range(60))
    made = slip_pdf(PackingSlip("K1", 1, "Store", ("Jo",), lines, 3))
    assert made.count(b"/Type /Page\n") == 3


def test_no_paper_stops_nobody(desk, store):
    """A folder that cannot be written: the label counts, and the reason is said."""

    class Broken(PaperFiles):
        def label(self, label):
            raise PaperProblem("no room")

    key = add(store)
    picked(desk, key)
    commands.pack(desk, key, "900")
    labeled = commands.label(replace(desk, paper=Broken(Path("nowhere"))), key)
    assert "not on paper: no room" in labeled.says
    assert status_of(labeled.order) is FulfillmentStatus.LABELED


def test_a_wave_merges_orders_and_walks_the_aisles(desk, store):
    """One row a place, in walking order; each scan says into which tote."""
    first, second = add(store, 1), add(store, 9)
    wave = waves.start(desk, NAME)
    assert [tote.order.id for tote in wave.totes] == [first, second]
    assert [row.shelf.aisle for row in wave.rows] == sorted(row.shelf.aisle for row in wave.rows)
    assert wave.to_pick == 6
    scan = waves.scan(desk, wave.key, read_code(gtin_of(1)))
    assert "Tote 1" in scan.says
    waves.scan(desk, wave.key, read_code(gtin_of(1)))
    assert "Tote 2" in waves.scan(desk, wave.key, read_code(gtin_of(1))).says
    assert waves.find(desk, wave.key).picked == 3
    assert aisle_key("2-A") < aisle_key("10-A") < aisle_key("")


def test_a_wave_survives_and_is_over_when_nothing_is_to_pick(desk, store):
    """What is left can be given up or given back; an order is in one wave at a time."""
    key = add(store)
    wave = waves.start(desk, NAME)
    with pytest.raises(Refusal):
        waves.start(desk, NAME)
    after = waves.short_row(desk, wave.key, wave.rows[0].sku, ShortReason.NOT_FOUND)
    assert after.to_pick == wave.to_pick - wave.rows[0].to_pick
    assert waves.leave(desk, wave.key).orders == 1
    assert store.orders[key].wave is None
    assert waves.start(desk, NAME).name == wave.name


def test_a_manifest_lists_what_is_labeled_and_the_carrier_takes_it(desk, store, tmp_path):
    """Boxes of one carrier, one list on paper, and nothing of another carrier."""
    for number in (1, 2):
        key = add(store, number)
        picked(desk, key)
        commands.pack(desk, key, "900")
        commands.label(desk, key)
    done = manifests.close(desk, "swift")
    assert done.count == 2
    assert len([*(tmp_path / "manifests").iterdir()]) == 1
    with pytest.raises(Refusal, match="manifest"):
        manifests.hand_over(desk, "harbor")
    assert manifests.hand_over(desk, "swift").count == 2
    assert {status_of(one) for one in store.orders.values()} == {FulfillmentStatus.SHIPPED}


def test_a_manifest_is_made_again_without_what_was_taken_off_it(desk, store):
    """A label that is void after it was listed: the driver signs for what is there."""
    sheets = []

    class Watched(PaperFiles):
        def manifest(self, sheet):
            sheets.append([row.order_number for row in sheet.rows])
            return super().manifest(sheet)

    for number in (1, 2):
        key = add(store, number)
        picked(desk, key)
        commands.pack(desk, key, "900")
        commands.label(desk, key)
    watching = replace(desk, paper=Watched(Path(desk.paper._folder)))
    assert manifests.close(watching, "swift").count == 2
    commands.void(desk, key, 1)
    again = manifests.close(watching, "swift")
    assert (again.count, "made again" in again.says) == (0, True)
    assert [len(rows) for rows in sheets] == [2, 1]
    assert store.orders[key].order_number not in sheets[1]


def test_a_cancelled_box_stays_when_the_carrier_comes(desk, store):
    """It is on the list, but nobody expects it: it is put back, not shipped."""
    for number in (1, 2):
        key = add(store, number)
        picked(desk, key)
        commands.pack(desk, key, "900")
        commands.label(desk, key)
    manifests.close(desk, "swift")
    store.cancel(key)
    done = manifests.hand_over(desk, "swift")
    assert (done.count, "1 stay here" in done.says) == (1, True)
    commands.put_back_all(desk, key)
    assert shipment_of(store.orders[key]).boxes == ()


@pytest.mark.parametrize("reason", list(ShortReason)[:4])
def test_what_follows_is_said_before(desk, store, clock, reason):
    """The preview names stock, pause and count as central will do them."""
    order = load(desk, add(store))
    here = Here(store.row, clock.now_ms(), reaches_central=False)
    said = " ".join(preview(order, everything_open(order), reason, here))
    assert "not asked for" in said
    assert "when it hears of it" in said
    assert ("falls by 3" in said) is (reason in {ShortReason.NOT_FOUND, ShortReason.DAMAGED})
    assert ("count these goods" in said) is (reason is ShortReason.NOT_FOUND)


@pytest.mark.parametrize(
    ("flow", "central"),
    [
        ("pickup", "looks for another store now, and tells the customer"),
        ("curbside", "looks for another store now, and tells the customer"),
        ("reserve", "asks the customer now"),
    ],
)
def test_what_follows_is_what_central_does_in_that_flow(clock, flow, central):
    """Only parcels pause a store and have goods counted; what is in hand goes back."""
    order = make_order(0, clock.now_ms(), quantities=(2, 1))
    lines = (replace(order.lines[0], picked=1), order.lines[1])
    here = Here(None, clock.now_ms(), reaches_central=True)
    said = preview(
        replace(order, flow=flow, lines=lines), {1: 2, 2: 1}, ShortReason.NOT_FOUND, here
    )
    assert list(said[1:]) == [
        "The book stock falls by 2.", f"Central {central}.",
        "1 item in hand has to go back on the shelf.",
    ]  # fmt: skip


def test_the_clocks_tell_what_has_to_go_with_the_next_pickup(clock):
    """Per carrier: when it comes, what is to do, what is labeled, what waits."""
    store = busy_ship_store(clock)
    desk = Desk(store, clock, actor_of(Role.ASSOCIATE), "T1")
    found = {one.pickup.carrier: one for one in clocks(store.row, parcels_of(desk), clock.now_ms())}
    assert found["swift"].cutoff_ms is not None
    assert found["swift"].labeled == 2
    assert found["swift"].listed >= 2
    assert found["harbor"].to_do >= 0


def test_new_parcels_are_counted_without_being_read(clock, tmp_path, monkeypatch):
    """The desk's clocks and what is free: new orders count by their lines, begun ones are read."""
    memory = busy_ship_store(clock)
    for number in (20, 21, 22):
        add(memory, number)
    assert memory.row is not None
    on_disk = open_filled(tmp_path, clock)
    fill(on_disk, memory.row, memory.people, memory.catalogue, memory.orders.values())
    late_ms = max(one.promised_by_ms for one in memory.orders.values())
    read: list[str] = []
    real = on_disk.fulfillment

    def counting(key: str) -> FulfillmentOrder | None:
        read.append(key)
        return real(key)

    monkeypatch.setattr(on_disk, "fulfillment", counting)
    parcels = parcels_of(Desk(on_disk, clock, actor_of(Role.ASSOCIATE), "T1"))
    new = {row.id for row in on_disk.board(NAME) if row.status is FulfillmentStatus.NEW}
    assert len(new) == 3
    assert not new & set(read)
    assert {one.id for one in parcels.begun} == set(read)
    assert Counter(one.carrier for one in parcels.new) == Counter(
        shipment_of(memory.orders[key]).carrier for key in new
    )
    whole = Parcels([*memory.orders.values()], [])
    by_lines = clocks(memory.row, parcels, late_ms - 1)
    assert by_lines == clocks(memory.row, whole, late_ms - 1)
    assert sum(one.to_do for one in by_lines) > 0
    on_disk.close()


def test_every_state_has_a_step_a_due_time_and_a_place_on_the_board(clock):
    """Nothing on the board is without words."""
    store = busy_ship_store(clock)
    entries = [describe(row, store.row, clock.now_ms()) for row in store.board("ship_from_store")]
    assert all(entry.step.words and entry.due.words for entry in entries)
    assert len({entry.step.words for entry in entries}) >= 5


def test_zpl_prints_what_is_written_and_commands_nothing():
    """A name with ZPL's own characters stays a name; the number is a Code 128."""
    label = ParcelLabel("SW1", "Swift", "standard", ("Zoë ^XA~DG", "1 Elm"), "S", "K1", 1, 2, 1250)
    text = label_zpl(label)
    assert text.startswith("^XA")
    assert text.rstrip().endswith("^XZ")
    assert text.count("^XA") == 1
    assert "Zoë _5EXA_7EDG" in text
    assert "^BCN,220,Y,N,N^FH^FDSW1^FS" in text
    assert "1.25 kg" in text


def test_a_barcode_has_the_modules_of_code_128():
    """Start, data, check and stop: 11 modules each, 13 for the stop."""
    modules = modules_of("SW001000000")
    assert set(modules) == {"0", "1"}
    assert modules.startswith("1101001")
    assert modules.endswith("1100011101011")
    assert (len(modules) - 13) % 11 == 0


def test_names_that_the_fonts_lack_become_plain_ones():
    """A label is better plain than missing."""
    assert latin("Zoë") == "Zoë"
    assert latin("Ōsaka 北") == "Osaka ?"


def test_an_associate_who_ships_by_the_book_finishes(clock):
    """Every order ends shipped, rejected or waiting for a label, whatever chance decides."""
    for seed in range(6):
        store = ship_store(clock, 6)
        desk = Desk(store, clock, actor_of(Role.LEAD), "T1")
        dice = Random(seed)
        for _ in range(400):
            if practice.work_next(desk, dice) is None and dice.random() < 0.2:
                break
        left = {next_step(facts_of(one)) for one in store.orders.values()}
        assert left <= {Step.NOTHING, Step.WAIT_FOR_LABEL, Step.HAND_OVER}
