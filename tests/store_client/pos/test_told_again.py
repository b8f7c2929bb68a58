"""Sales that come again, rows that cannot be read, files that stay, data that lacks."""

import datetime as dt
import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from store_client.pos.answers import PosDesk
from store_client.pos.batch import read_batch
from store_client.pos.disk import Disk
from store_client.pos.folder import AGAIN_MS, SalesFolder, failed_files, problem_of
from store_client.pos.server import token_in
from store_client.replica.store import Store
from sync.protocol.rows import CATALOGUE_SCOPE, Entity, ProductRow
from tests.support.clocks import FrozenClock
from tests.support.filled_store import send
from tests.support.till import GTIN, OTHER, SKU, open_shop, sale_of, sale_text, sales_in

CSV = "transaction,sku,gtin,quantity,note\n"
NEW_GTIN = "04012345678901"


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def store(tmp_path: Path, clock: FrozenClock) -> Iterator[Store]:
    store = open_shop(tmp_path / "store", clock)
    yield store
    store.close()


@pytest.fixture
def desk(store: Store, clock: FrozenClock) -> PosDesk:
    return PosDesk(store, clock)


def drop(tmp_path: Path, name: str | bytes, text: str) -> None:
    (tmp_path / "pos").mkdir(exist_ok=True)
    path = os.fsencode(tmp_path / "pos") + b"/" + os.fsencode(name)
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123 - its name may be no text
        file.write(text)


def look(taking: SalesFolder, clock: FrozenClock, times: int = 3, ms: int = 20_000) -> None:
    for _ in range(times):
        taking.look()
        clock.advance(ms)


def add_product(store: Store, sku: str, gtin: str) -> None:
    row = ProductRow(sku, f"Thing {sku}", "", "", (gtin,))
    send(store, CATALOGUE_SCOPE, [(Entity.PRODUCT, sku, row)])


# --- told again -----------------------------------------------------------------------------


def test_a_barcode_of_two_items_stands_for_the_same_one_again(store: Store, desk: PosDesk):
    """The sale took the one of which there was more; told again there is less of it."""
    add_product(store, SKU, NEW_GTIN)
    add_product(store, OTHER, NEW_GTIN)
    document = sale_of("T1", (NEW_GTIN, 1))
    answers = [desk.sales(document) for _ in range(3)]
    assert [one.status for one in answers] == [201, 200, 200]
    assert answers[0].document == answers[1].document
    assert len(sales_in(store)) == 1


def test_a_barcode_that_the_catalogue_knows_since_is_the_sale_that_it_was(
    store: Store, desk: PosDesk
):
    """It was kept as an item of that name; the till repeats it when the answer was lost."""
    document = sale_of("T1", (NEW_GTIN, 1), (SKU, 2))
    assert desk.sales(document).status == 201
    add_product(store, "NEW-1", NEW_GTIN)
    assert desk.sales(document).status == 200
    assert desk.sales(sale_of("T1", (NEW_GTIN, 2), (SKU, 2))).status == 409
    assert desk.sales(sale_of("T2", (NEW_GTIN, 1))).document["lines"][0]["sku"] == "NEW-1"


def test_an_export_of_the_whole_day_gives_nothing_back(store: Store, clock, tmp_path: Path):
    """Each hour all sales come again; barcodes mean what they meant."""
    add_product(store, SKU, NEW_GTIN)
    add_product(store, OTHER, NEW_GTIN)
    taking = SalesFolder(tmp_path / "pos", store, clock)
    for hour in range(3):
        drop(tmp_path, f"{hour}.json", sale_text("T1", (NEW_GTIN, 1)))
        look(taking, clock)
    assert (len(sales_in(store)), failed_files(taking.folder)) == (1, [])


# --- not everything is there ----------------------------------------------------------------


def test_nothing_is_sold_before_the_catalogue_is_there(clock: FrozenClock, tmp_path: Path):
    """The store's own rows come first; without products each barcode would be an item."""
    store = open_shop(tmp_path / "store", clock)
    store.writer.reset(CATALOGUE_SCOPE, "a test")
    desk = PosDesk(store, clock)
    taking = SalesFolder(tmp_path / "pos", store, clock)
    drop(tmp_path, "1.json", sale_text("T1", (GTIN, 1)))
    look(taking, clock)
    assert desk.sales(sale_of("T2", (GTIN, 1))).status == 503
    assert desk.health().document["status"] == "loading"
    assert sales_in(store) == {}
    add_product(store, SKU, GTIN)
    look(taking, clock)
    assert sales_in(store) == {"T1": {SKU: 1}}
    assert desk.health().document["status"] == "ok"
    store.close()


def test_an_empty_token_lets_nobody_in(tmp_path: Path):
    """A file that was touched, or restored empty, is made anew."""
    path = tmp_path / "pos.token"
    path.write_text("\n")
    token = token_in(path)
    assert len(token) > 20
    assert token_in(path) == token


# --- rows -----------------------------------------------------------------------------------

GOOD = f"T0,{SKU},,1,\nT1,{SKU},,1,\n"


@pytest.mark.parametrize(
    "bad",
    ['T1,HS-2,,1,"7" pan"\n', "Pan, black,T1,HS-2,,1,\n"],
    ids=["a quote", "a delimiter"],
)
def test_a_row_that_cannot_be_read_holds_back_the_sale_that_it_names(bad: str):
    """Half of it would be counted, and the corrected row refused as another sale's."""
    content = f"{CSV}{GOOD}{bad}T1,HS-3,,1,\nT2,{SKU},,1,\n".encode()
    batch = read_batch("1.csv", content, dt.UTC)
    assert [one.sale.transaction for one in batch.entries] == ["T0", "T2"]
    given_back = b"".join(one.raw for one in batch.failed)
    assert sorted(given_back.splitlines()) == sorted(
        f"T1,{SKU},,1,\n{bad}T1,HS-3,,1,".encode().splitlines()
    )


def test_a_file_that_is_cut_off_within_a_number_holds_back_the_sale_before_it():
    """What is left of the number is another one's."""
    content = f"{CSV}till/000470,{SKU},,1,\ntill/000471,{SKU},,1,\ntill/0004".encode()
    batch = read_batch("1.csv", content, dt.UTC)
    assert [one.sale.transaction for one in batch.entries] == ["till/000470"]


def test_a_line_of_sums_holds_back_nothing():
    """Some exports end with one; it names no sale."""
    batch = read_batch("1.csv", f"{CSV}{GOOD}Total,2\n".encode(), dt.UTC)
    assert [one.sale.transaction for one in batch.entries] == ["T0", "T1"]
    assert [one.number for one in batch.failed] == [4]


# --- files ----------------------------------------------------------------------------------


class Sticky(Disk):
    """Lets some files nowhere, as a folder of mode 1777 does with another user's."""

    def __init__(self, *names: str) -> None:
        self.names_kept = set(names)

    def move(self, path: Path, target: Path) -> None:
        if path.name in self.names_kept:
            raise PermissionError(errno.EPERM, "Operation not permitted", str(path))
        super().move(path, target)


def test_a_file_that_cannot_be_put_away_stops_no_other(store: Store, clock, tmp_path: Path):
    """People are told once; it is tried again, and counts once."""
    disk = Sticky("1.json")
    taking = SalesFolder(tmp_path / "pos", store, clock, disk)
    for number in (1, 2, 3):
        drop(tmp_path, f"{number}.json", sale_text(f"T{number}", (SKU, 1)))
    look(taking, clock)
    assert sorted(sales_in(store)) == ["T1", "T2", "T3"]
    assert sorted(path.name for path in taking.done.iterdir()) == ["2.json", "3.json"]
    (alert,) = store.sync_state().alerts
    assert "1.json was read and cannot be put away: Operation not permitted" in alert
    disk.names_kept.clear()
    look(taking, clock, times=1)
    assert (taking.folder / "1.json").exists()
    clock.advance(AGAIN_MS)
    look(taking, clock)
    assert not (taking.folder / "1.json").exists()
    share = store.share(SKU)
    assert share is not None
    assert share.on_hand == 9


@pytest.mark.parametrize("name", [b"Verk\xe4ufe.json", b"x" * 245 + b".json"])
def test_a_name_of_any_kind_is_put_aside(store: Store, clock, tmp_path: Path, name: bytes):
    """Not UTF-8, or as long as a name may be, with something wrong in it: the next is taken."""
    taking = SalesFolder(tmp_path / "pos", store, clock)
    drop(tmp_path, name, json.dumps([sale_of("T1", (SKU, 1)), {"transaction": "T2"}]))
    drop(tmp_path, "z.json", sale_text("T3", (SKU, 1)))
    look(taking, clock)
    assert sorted(sales_in(store)) == ["T1", "T3"]
    assert len(failed_files(taking.folder)) == 1
    (alert,) = store.sync_state().alerts
    assert "1 not taken" in alert


def test_a_folder_that_is_gone_is_told_of(store: Store, clock, tmp_path: Path):
    """A share that is not mounted any more: the floor would be false, and nobody knew."""
    taking = SalesFolder(tmp_path / "share" / "pos", store, clock)
    look(taking, clock)
    (tmp_path / "share").rename(tmp_path / "away")
    with pytest.raises(OSError, match="No such file"):
        taking.look()
    (alert,) = store.sync_state().alerts
    assert "Sales of the till are not read" in alert
    assert "is not there" in problem_of(taking.folder)
    (tmp_path / "away").rename(tmp_path / "share")
    assert (taking.look(), problem_of(taking.folder)) == (0, "")
