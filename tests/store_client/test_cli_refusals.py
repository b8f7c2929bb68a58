"""What a command line answers to what cannot be: a sentence with a way on, an exit code, no more.

Read here as a stranger would: nothing of it may need the source to be understood.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from store_client import bootstrap
from store_client.cli import app
from store_client.paper import PaperProblem
from sync.domain import operations as op
from sync.domain.reservations import DAY_MS, Reservation
from tests.support.clocks import FrozenClock
from tests.support.fake_store import STORE, make_catalogue, make_order, make_people, sku_of
from tests.support.filled_store import fill, open_filled
from tests.support.parcels import listed_parcel
from tests.support.ship_store import HARBOR, SWIFT, paid_here, parcel
from tests.support.terminals import PIN, hash_pin

pytestmark = pytest.mark.slow
BY = ("--by", "A102")
NO_UNICODE = "\udcff"
PICKUP, HELD, PARCEL, PAID_HERE = (f"K7Q2-000{number}" for number in range(4))


class Shop:
    """A store with an order of each kind: a pickup, a reservation in hand, and two parcels."""

    def __init__(self, folder: Path, clock: FrozenClock) -> None:
        self.folder, self.clock = folder, clock
        now_ms = clock.now_ms()
        held = replace(
            make_order(1, now_ms), flow="reserve", pickup_code_hash="",
            expires_at_ms=now_ms + DAY_MS,
            reserve=Reservation(now_ms + DAY_MS, now_ms + 2 * DAY_MS),
        )  # fmt: skip
        paid = paid_here(parcel(3, now_ms, quantities=(1,)))
        orders = [make_order(0, now_ms), held, parcel(2, now_ms), paid]
        store = open_filled(folder, clock)
        row = replace(STORE, carriers=(SWIFT, HARBOR))
        fill(store, row, make_people(hash_pin()), make_catalogue(), orders)
        picks = [op.LinePicked(held.id, line.line, line.allocated) for line in held.lines]
        steps: tuple[Any, ...] = (*picks, *listed_parcel(paid))
        for done in steps:
            store.perform(done, by="A103", dev="T1")
        store.close()
        (folder / "store.key").write_text("")
        (folder / "store.toml").write_text('terminal = "T1"\npayment_terminal = "simulated"\n')

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, ["--data-dir", str(self.folder), *arguments])

    def refused(self, code: int, *arguments: str) -> str:
        """Return what is said; there is nothing on stdout, and no traceback."""
        done = self.run(*arguments)
        assert (done.exit_code, done.stdout) == (code, ""), done.output
        return done.stderr

    def told(self, *arguments: str) -> Any:
        done = self.run(*arguments, "--json")
        assert done.exit_code == 0, done.output
        found: Any = json.loads(done.stdout)
        return found


@pytest.fixture
def shop(tmp_path: Path, monkeypatch) -> Shop:
    clock = FrozenClock()
    monkeypatch.setattr(bootstrap, "SystemClock", lambda: clock)
    monkeypatch.setenv("HOLDSHELF_PIN", PIN)
    monkeypatch.delenv("HOLDSHELF_VALUE_CODE", raising=False)
    return Shop(tmp_path, clock)


def test_what_is_no_number_of_an_order_is_not_found(shop):
    """Bytes that are no text, and a page that was pasted: said in one line, nothing else."""
    for wrong in (NO_UNICODE, "x" * 10_000, "\x00"):
        said = shop.refused(3, "pickup", "accept", wrong, *BY)
        assert "no pickup order" in said
        assert len(said) < 200
        said = shop.refused(3, "reserve", "make", "--sku", wrong, "--name", "Kira", *BY)
        assert "no product" in said
        assert len(said) < 200
    assert "say who does it" in shop.refused(2, "pickup", "accept", PICKUP, "--by", " ")


def test_what_does_not_fit_is_said_in_the_words_of_the_terminal(shop):
    """What does not fit, how the order stands, and what next; no names out of the tables."""
    said = shop.refused(4, "pickup", "ready", PICKUP, *BY)
    assert "“marked ready” does not fit: the order stands at “New”. See how it" in said
    short = ("short", PICKUP, "--sku", sku_of(0), "--units", "9", "--reason", "damaged")
    said = shop.refused(4, "pickup", *short, *BY)
    assert "Cannot give up 9: only 2 left on this line. Check the line." in said
    said = shop.refused(4, "ship", "unpack", PAID_HERE, "--box", "7", *BY)
    assert "Box 7: there is no such box. Look at the boxes of the order." in said


def test_only_what_is_paid_here_is_paid_released_or_sold_here(shop):
    """A parcel that was paid online is held for nobody; one that is paid here leaves by carrier."""
    assert "paid elsewhere" in shop.refused(4, "ship", "release", PARCEL, *BY)
    assert "paid elsewhere" in shop.refused(4, "ship", "refuse", PARCEL, "--reason", "price", *BY)
    shop.told("drawer", "open", "--float", "100", *BY)
    assert "paid elsewhere" in shop.refused(4, "ship", "pay", PARCEL, *BY)
    shop.told("ship", "pay", PAID_HERE, *BY)
    said = shop.refused(4, "reserve", "sell", PAID_HERE, *BY)
    assert "leaves with its carrier. Put it on the manifest" in said
    assert shop.told("ship", "hand-over", "swift", *BY)["boxes"] == 1


def test_what_is_being_paid_does_not_end(shop):
    """Said why, and what first: also after its time, when it is not “held until” a time gone by."""
    shop.told("drawer", "open", "--float", "100", *BY)
    shop.told("reserve", "pay", HELD, "--amount", "4", *BY)
    shop.clock.advance(3 * DAY_MS)
    for end in (("release",), ("refuse", "--reason", "price")):
        said = shop.refused(4, "reserve", end[0], HELD, *end[1:], *BY)
        assert "Money of the customer's is here, or is asked for. Give it back first." in said
    shop.told("reserve", "give-back", HELD, "--tender", "1", *BY)
    assert shop.told("reserve", "release", HELD, *BY)["status"] == "expired"


def test_the_code_of_a_gift_card_is_asked_for_where_somebody_can_answer(shop):
    """A script without one made a mistake in its call, of which nothing is recorded."""
    shop.told("drawer", "open", "--float", "100", *BY)
    said = shop.refused(2, "reserve", "pay", HELD, "--means", "gift_card", *BY)
    assert said == "store-client: give the code in HOLDSHELF_VALUE_CODE\n"
    (held,) = json.loads(shop.run("reserve", "list", "--json").stdout)
    assert held["tenders"] == []


def test_a_label_that_is_not_on_paper_is_told(shop, monkeypatch):
    """It counts, and has to be printed again: a script that read nothing of it sends a bare box."""
    from store_client.adapters.paper_files import PaperFiles

    def jammed(*_: object) -> None:
        raise PaperProblem("the printer is out of labels")

    shop.told("ship", "unpack", PAID_HERE, "--box", "1", *BY)
    shop.told("ship", "pack", PAID_HERE, "--weight", "400", *BY)
    with monkeypatch.context() as paper:
        paper.setattr(PaperFiles, "label", jammed)
        said = shop.told("ship", "label", PAID_HERE, *BY)["says"]
    assert said == "Box 1 is labeled, but not on paper: the printer is out of labels"
    assert ".pdf" in shop.told("ship", "label", PAID_HERE, "--again", *BY)["says"]


def test_what_is_still_on_paper_of_a_box_is_said(shop):
    """A label that is void, and a manifest that has the box: somebody has to act on it."""
    (box,) = shop.told("ship", "list")[1]["boxes"]
    torn = shop.told("ship", "void", PAID_HERE, "--box", "1", *BY)["says"]
    assert torn == f"Tear label {box['tracking']} off. Manifest swift-1 has it: make that again."
    assert "nothing to take off" in shop.refused(4, "ship", "void", PAID_HERE, "--box", "1", *BY)
    assert shop.told("ship", "unpack", PAID_HERE, "--box", "1", *BY)["says"] == "Box 1 is empty."


def test_many_units_are_picked_by_one_command(shop):
    """Of 1,000 nobody calls a command 1,000 times; more than there are is picked of none."""
    pick = ("pickup", "pick", PICKUP, "--sku", sku_of(0), *BY)
    said = shop.refused(4, *pick, "--units", "3")
    assert "Cannot pick 3: only 2 left on this line." in said
    assert shop.told(*pick, "--units", "2")["units_to_pick"] == 1
    back = ("pickup", "unpick", PICKUP, "--sku", sku_of(0), *BY)
    assert shop.told(*back, "--units", "2")["units_to_pick"] == 3


def test_a_number_of_a_label_is_taken_whole_or_not_at_all(shop):
    """One that is cut would send the parcel under a number that no carrier knows."""
    shop.told("ship", "unpack", PAID_HERE, "--box", "1", *BY)
    shop.told("ship", "pack", PAID_HERE, "--weight", "400", *BY)
    by_hand = ("ship", "label-by-hand", PAID_HERE, "--box", "1", *BY, "--tracking")
    assert "is too long for a label. At most 40 characters." in shop.refused(4, *by_hand, "9" * 41)
    assert shop.told(*by_hand, "9" * 40)["boxes"][0]["tracking"] == "9" * 40
