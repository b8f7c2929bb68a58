"""`store-client ship`: the same commands as at the screen, for scripts."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from store_client import bootstrap
from store_client.cli import app
from sync.domain import operations as op
from tests.support.clocks import FrozenClock
from tests.support.fake_store import STORE, gtin_of, make_catalogue, make_people
from tests.support.filled_store import fill, open_filled
from tests.support.parcels import listed_parcel
from tests.support.ship_store import HARBOR, SWIFT, paid_here, parcel
from tests.support.terminals import PIN, hash_pin

pytestmark = pytest.mark.slow


def opened(folder: Path, monkeypatch, orders, operations) -> Path:
    """Return the folder of a store with parcel orders, and with these things done."""
    clock = FrozenClock()
    store = open_filled(folder, clock)
    row = replace(STORE, carriers=(SWIFT, HARBOR))
    fill(store, row, make_people(hash_pin()), make_catalogue(), orders)
    for one in operations:
        store.perform(one, by="A103", dev="T1")
    store.close()
    (folder / "store.key").write_text("")
    monkeypatch.setattr(bootstrap, "SystemClock", lambda: clock)
    monkeypatch.setenv("HOLDSHELF_PIN", PIN)
    return folder


@pytest.fixture
def shop(tmp_path: Path, monkeypatch) -> Path:
    """A store with two parcel orders, one of them picked."""
    orders = [parcel(number, FrozenClock().now_ms()) for number in (1, 2)]
    picks = [op.LinePicked(orders[0].id, one.line, one.allocated) for one in orders[0].lines]
    return opened(tmp_path, monkeypatch, orders, picks)


def run(folder: Path, *arguments: str):
    return CliRunner().invoke(app, ["--data-dir", str(folder), "ship", *arguments])


def told(folder: Path, *arguments: str):
    answer = run(folder, *arguments, "--json")
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def test_orders_and_carriers_are_listed(shop):
    """What is open, most urgent first, and when each carrier comes."""
    assert [one["status"] for one in told(shop, "list")] == ["picked", "new"]
    assert [one["carrier"] for one in told(shop, "carriers")] == ["swift", "harbor"]
    assert "K7Q2-0001" in run(shop, "list").stdout


def test_a_script_packs_labels_lists_and_hands_over(shop):
    """The whole way to the carrier without a screen; the files are where they belong."""
    packed = told(shop, "pack", "K7Q2-0001", "--by", "A103", "--weight", "1.2kg")
    assert packed["boxes"][0]["weight_grams"] == 1200
    labeled = told(shop, "label", "K7Q2-0001", "--by", "A103")
    number = labeled["boxes"][0]["tracking"]
    assert (shop / "paper" / "labels" / f"{number}.pdf").read_bytes().startswith(b"%PDF")
    assert told(shop, "label", "K7Q2-0001", "--by", "A103", "--again")["boxes"]
    assert told(shop, "manifest", "swift", "--by", "A103")["boxes"] == 1
    assert told(shop, "hand-over", "swift", "--by", "A103")["boxes"] == 1
    assert [one["number"] for one in told(shop, "list")] == ["K7Q2-0002"]


def test_labels_are_printed_again_as_at_the_screen(shop):
    """Nothing to print is refused, and so is who may only read; nothing is on paper then."""
    number, again = "K7Q2-0001", ("label", "K7Q2-0001", "--again")
    bare = run(shop, *again, "--by", "A103")
    assert (bare.exit_code, "No box has a label yet" in bare.output) == (4, True)
    told(shop, "pack", number, "--by", "A103", "--weight", "1.2kg")
    (box,) = told(shop, "label", number, "--by", "A103")["boxes"]
    paper = shop / "paper" / "labels" / f"{box['tracking']}.pdf"
    paper.unlink()
    refused = run(shop, *again, "--by", "A109")
    assert (refused.exit_code, "may only read" in refused.output) == (4, True)
    assert not paper.exists()
    told(shop, *again, "--by", "A103")
    assert paper.exists()


def test_a_parcel_by_script_and_what_goes_otherwise(shop):
    """Picked, packed in part, labeled by hand, torn off, unpacked; the rest is given up."""
    number, by = "K7Q2-0002", ("--by", "A103")
    assert told(shop, "accept", number, *by)["status"] == "accepted"
    for index in (2, 2, 3):
        told(shop, "pick", number, *by, "--sku", gtin_of(index))
    part = told(shop, "pack", number, *by, "--weight", "400", "--take", "1=1")
    assert [box["box"] for box in part["boxes"]] == [1]
    hand = told(shop, "label-by-hand", number, *by, "--box", "1", "--tracking", "HX-1")
    assert hand["boxes"][0]["tracking"] == "HX-1"
    told(shop, "void", number, *by, "--box", "1")
    assert told(shop, "unpack", number, *by, "--box", "1")["boxes"] == []
    told(shop, "unpick", number, *by, "--sku", gtin_of(3))
    told(shop, "short", number, *by, "--sku", gtin_of(3), "--reason", "damaged")
    told(shop, "reject", number, *by, "--reason", "not_found")
    assert told(shop, "put-back", number, *by)["status"] == "rejected"
    assert run(shop, "put-back", number, *by).exit_code == 4


def test_a_wave_is_printed_as_a_pick_list(shop):
    """Rows by aisle, with the tote of each unit."""
    wave = told(shop, "wave", "--by", "A103")
    assert sum(row["to_pick"] for row in wave["rows"]) == 3
    assert wave["picker"] == "A103"
    assert told(shop, "take-over", wave["wave"], "--by", "A104")["picker"] == "A104"
    late = run(shop, "wave", "--by", "A103", "--mode", "sort_after_pick")
    assert (late.exit_code, "while they are picked" in late.output) == (4, True)
    assert run(shop, "wave", "--by", "A103").exit_code == 4


def test_what_cannot_be_done_has_its_exit_code(shop):
    """Unknown order: 3; refused, or nobody who works here: 4, with the reason."""
    assert run(shop, "pack", "NOPE", "--by", "A103", "--weight", "1").exit_code == 3
    assert run(shop, "wave", "--by", "A999").exit_code == 4
    answer = run(shop, "pack", "K7Q2-0002", "--by", "A103", "--weight", "1")
    assert (answer.exit_code, "Pick it first" in answer.output) == (4, True)
    assert run(shop, "wave", "--by", "A109").exit_code == 4


def test_a_script_takes_the_payment_of_a_parcel_before_it_leaves(tmp_path, monkeypatch):
    """What is due is told; unpaid, its box stays, with words; paid it leaves as a sale."""
    order = paid_here(parcel(3, FrozenClock().now_ms(), quantities=(1,)))
    shop, number = opened(tmp_path, monkeypatch, [order], listed_parcel(order)), order.order_number
    (listed,) = told(shop, "list")
    assert (listed["status"], listed["due_minor"]) == ("manifested", 1_000)
    refused = run(shop, "hand-over", "swift", "--by", "A103")
    assert (refused.exit_code, "is not paid: $10.00 are due" in refused.output) == (4, True)
    drawer = ("--data-dir", str(shop), "drawer", "open", "--float", "100", "--by", "A103")
    assert CliRunner().invoke(app, [*drawer]).exit_code == 0
    paid = told(shop, "pay", number, "--by", "A103", "--amount", "20")
    assert (paid["due_minor"], paid["change_minor"]) == (0, 1_000)
    assert told(shop, "hand-over", "swift", "--by", "A103")["boxes"] == 1


@pytest.mark.parametrize("end", [("refuse", "--reason", "price"), ("release",)])
def test_a_script_ends_what_nobody_pays(tmp_path, monkeypatch, end):
    """Not wanted, or not paid in time, its goods are to be put back; before its time it stays."""
    now_ms = FrozenClock().now_ms()
    order = paid_here(parcel(3, now_ms, quantities=(1,)))
    number, command = order.order_number, end[0]
    shop = opened(tmp_path, monkeypatch, [order], listed_parcel(order))
    ending = run(shop, command, number, "--by", "A103", *end[1:])
    if command == "release":
        assert (ending.exit_code, "It is held until" in ending.output) == (4, True)
        return
    assert ending.exit_code == 0, ending.output
    assert told(shop, "list")[0]["status"] == "released"
