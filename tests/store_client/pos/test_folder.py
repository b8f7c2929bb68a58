"""The folder of the point of sale: each sale once, none lost, whatever happens on the way."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from store_client.pos import folder as module
from store_client.pos.disk import Disk
from store_client.pos.folder import DOUBT_MS, FILE_BYTES_MAX, KEEP_DAYS, SalesFolder, failed_files
from store_client.replica.store import Store
from sync.edge.sqlite import Error
from tests.support.clocks import FrozenClock
from tests.support.filled_store import open_filled
from tests.support.till import GTIN, OTHER, SKU, open_shop, sale_of, sale_text, sales_in

CSV = "transaction,sku,gtin,quantity\n"


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def store(tmp_path, clock) -> Iterator[Store]:
    store = open_shop(tmp_path / "store", clock)
    yield store
    store.close()


@pytest.fixture
def drop(tmp_path) -> Callable[[str, str | bytes], Path]:
    """Leave a file in the folder, as a point of sale does."""
    (tmp_path / "pos").mkdir()

    def put(name: str, content: str | bytes) -> Path:
        path = tmp_path / "pos" / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return put


@pytest.fixture
def taking(tmp_path, store, clock) -> SalesFolder:
    return SalesFolder(tmp_path / "pos", store, clock)


def look(taking: SalesFolder, clock: FrozenClock, times: int = 2, ms: int = 1_000) -> None:
    for _ in range(times):
        taking.look()
        clock.advance(ms)


def settle(taking: SalesFolder, clock: FrozenClock) -> None:
    """Look for as long as anything is there that would be taken."""
    look(taking, clock, 3, DOUBT_MS)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def left(taking: SalesFolder) -> list[str]:
    return [name for name in names(taking.folder) if name not in {"done", "failed"}]


def test_a_file_is_taken_and_put_aside(taking, store, clock, drop):
    """The book falls by what was sold; the file is in `done`."""
    drop("1.json", json.dumps(sale_of("T1", (SKU, 2), (OTHER, 1))))
    look(taking, clock)
    assert sales_in(store) == {"T1": {SKU: 2, OTHER: 1}}
    assert (store.share(SKU).on_hand, store.sales_taken()) == (10, 1)
    assert (left(taking), names(taking.done)) == ([], ["1.json"])
    assert names(taking.failed) == failed_files(taking.folder) == []


def test_barcodes_of_any_length_find_their_item(taking, store, clock, drop):
    """With and without leading zeros; the same item twice in a sale is counted together."""
    drop("1.csv", f"{CSV}T1,,{GTIN},1\nT1,,{GTIN.lstrip('0')},2\nT1,{SKU},,-1\n")
    look(taking, clock)
    assert sales_in(store) == {"T1": {SKU: 2}}


def test_what_nobody_knows_is_sold_all_the_same(taking, store, clock, drop):
    """A ghost item under the code as it came, with one note for people."""
    drop("1.json", sale_text("T1", ("GHOST-7", 1)) + sale_text("T2", ("GHOST-7", 1)))
    look(taking, clock)
    assert sales_in(store) == {"T1": {"GHOST-7": 1}, "T2": {"GHOST-7": 1}}
    (alert,) = store.sync_state().alerts
    assert "GHOST-7" in alert


def test_a_sale_that_has_happened_is_never_refused(tmp_path, clock, drop):
    """More than there is, in a strict store: it is kept, and says how far it went over."""
    from tests.support.till import STRICT

    store = open_shop(tmp_path / "strict", clock, STRICT)
    taking = SalesFolder(tmp_path / "pos", store, clock)
    drop("1.json", sale_text("T1", (SKU, 20)))
    look(taking, clock)
    sold = store.sale("T1")
    assert sold is not None
    assert [(one.sku, one.units) for one in sold.over] == [(SKU, 13)]
    store.close()


def test_a_file_is_left_alone_while_it_is_written(taking, store, clock, drop):
    """Only what did not change between two looks is read."""
    path = drop("1.jsonl", sale_text("T1"))
    look(taking, clock, 1)
    with path.open("a") as file:
        file.write(sale_text("T2"))
    look(taking, clock, 1)
    assert sales_in(store) == {}
    look(taking, clock, 1)
    assert sales_in(store).keys() == {"T1", "T2"}


def test_a_file_whose_end_is_missing_waits_for_it(taking, store, clock, drop):
    """The writer makes a pause within a line: nothing is read as something else."""
    path = drop("1.csv", f"{CSV}T1,{SKU},,1\nT2,{SKU},,1")
    look(taking, clock, 5)
    assert sales_in(store) == {}
    with path.open("a") as file:
        file.write("0\n")
    look(taking, clock, 3)
    assert sales_in(store) == {"T1": {SKU: 1}, "T2": {SKU: 10}}
    assert names(taking.failed) == []


def test_an_end_that_never_comes_is_handed_to_a_person(taking, store, clock, drop):
    """After a while the whole lines are taken, and the cut one lies in `failed` with the reason."""
    drop("1.csv", f"{CSV}T1,{SKU},,1\nT2,{SKU},,1")
    settle(taking, clock)
    assert sales_in(store) == {"T1": {SKU: 1}}
    (aside,) = failed_files(taking.folder)
    assert (taking.failed / aside).read_text() == f"{CSV}T2,{SKU},,1\n"
    assert "cut off" in (taking.failed / f"{aside}.reason.txt").read_text()


def test_temporary_files_links_pipes_and_folders_are_left_alone(taking, store, clock, drop):
    """Nothing is followed or opened that is not a plain file of the right name."""
    drop("1.json.tmp", sale_text("T1"))
    elsewhere = taking.folder.parent / "secret.json"
    elsewhere.write_text(sale_text("T2"))
    (taking.folder / "link.json").symlink_to(elsewhere)
    os.mkfifo(taking.folder / "pipe.json")
    (taking.folder / "folder.json").mkdir()
    look(taking, clock, 3)
    assert sales_in(store) == {}
    assert left(taking) == ["1.json.tmp", "folder.json", "link.json", "pipe.json"]


def test_what_cannot_be_read_stops_no_other(taking, store, clock, drop):
    """The lines go to `failed` as they came, with a reason file beside them; the rest is taken."""
    drop("1.csv", f"{CSV}T1,{SKU},,1\nT2,{SKU},,lots\nT3,{SKU},,2\n")
    drop("2.json", "{no json")
    drop("3.json", sale_text("T4"))
    look(taking, clock)
    assert sales_in(store).keys() == {"T4"}
    settle(taking, clock)
    assert sales_in(store).keys() == {"T1", "T3", "T4"}
    first, second = failed_files(taking.folder)
    assert (taking.failed / first).read_text() == f"{CSV}T2,{SKU},,lots\n"
    assert "line 3: quantity 'lots'" in (taking.failed / f"{first}.reason.txt").read_text()
    assert (taking.failed / second).read_text() == "{no json"
    assert "not JSON" in (taking.failed / f"{second}.reason.txt").read_text()
    assert (left(taking), names(taking.done)) == ([], ["1.csv", "3.json"])
    assert all("not taken" in alert for alert in store.sync_state().alerts)


def test_a_corrected_file_is_dropped_again(taking, store, clock, drop):
    """What was given back needs nothing but its error mended."""
    drop("1.csv", f"{CSV}T1,{SKU},,1\nT2,{SKU},,lots\n")
    settle(taking, clock)
    (aside,) = failed_files(taking.folder)
    drop(aside, (taking.failed / aside).read_text().replace("lots", "4"))
    look(taking, clock)
    assert sales_in(store) == {"T1": {SKU: 1}, "T2": {SKU: 4}}


def test_the_same_sales_again_change_nothing(taking, store, clock, drop):
    """A till that exports the whole day each hour; a file of the same name each time."""
    for count in (1, 2, 3):
        drop("day.jsonl", "".join(sale_text(f"T{number}") for number in range(count)))
        look(taking, clock, 3)
    assert sales_in(store).keys() == {"T0", "T1", "T2"}
    assert store.share(SKU).on_hand == 9
    assert len(names(taking.done)) == 3
    assert names(taking.failed) == []


def test_another_sale_under_a_known_number_is_not_lost_in_silence(taking, store, clock, drop):
    """It is given to a person: counting it would be as wrong as dropping it."""
    drop("1.json", sale_text("T1", (SKU, 1)))
    drop("2.json", sale_text("T1", (SKU, 2)) + sale_text("T2", (SKU, 2)))
    look(taking, clock, 3)
    assert sales_in(store) == {"T1": {SKU: 1}, "T2": {SKU: 2}}
    (aside,) = failed_files(taking.folder)
    assert "kept already with other items" in (taking.failed / f"{aside}.reason.txt").read_text()


def test_a_file_that_is_too_large_is_not_read(taking, store, clock, drop):
    """It is put aside whole; the others go on."""
    drop("1.json", b" " * (FILE_BYTES_MAX + 1))
    drop("2.json", sale_text("T1"))
    settle(taking, clock)
    assert sales_in(store).keys() == {"T1"}
    assert len(failed_files(taking.folder)) == 1


def test_a_sale_with_too_many_items_is_given_back(taking, store, clock, drop):
    """More than one operation can hold."""
    drop("1.json", sale_text("T1", *[(f"S{number}", 1) for number in range(401)]))
    look(taking, clock)
    assert sales_in(store) == {}
    (aside,) = failed_files(taking.folder)
    assert "at most 400" in (taking.failed / f"{aside}.reason.txt").read_text()


@pytest.mark.slow
def test_many_files_are_taken_in_bounded_looks(taking, store, clock, drop, monkeypatch):
    """A look does a second's work, and the next one goes on where it ended, within a file too."""
    monkeypatch.setattr(module, "SALES_PER_LOOK", 50)
    for number in range(60):
        drop(f"{number:03}.json", sale_text(f"A{number}"))
    drop("big.csv", CSV + "".join(f"B{number},{SKU},,1\n" for number in range(130)))
    taking.look()
    clock.advance(1_000)
    looked = 0
    while taking.folder.joinpath("big.csv").exists():
        assert taking.look() <= 50
        clock.advance(1_000)
        looked += 1
        assert looked < 20
    assert looked >= 5
    assert len(sales_in(store)) == 190


def test_nothing_is_taken_before_the_store_s_data_is_there(tmp_path, clock, drop):
    """Without a catalogue every code would be a ghost."""
    store = open_filled(tmp_path / "empty", clock)
    taking = SalesFolder(tmp_path / "pos", store, clock)
    drop("1.json", sale_text("T1"))
    look(taking, clock, 3)
    assert sales_in(store) == {}
    assert left(taking) == ["1.json"]
    store.close()


def test_a_file_that_cannot_be_opened_stops_no_other(taking, store, clock, drop):
    """It stays, with a note; a permission that is mended later lets it in."""

    class Closed(Disk):
        def read(self, path: Path, bytes_max: int) -> bytes:
            if path.name == "1.json":
                raise PermissionError(13, "Permission denied")
            return super().read(path, bytes_max)

    drop("1.json", sale_text("T1"))
    drop("2.json", sale_text("T2"))
    look(SalesFolder(taking.folder, store, clock, Closed()), clock, 3)
    assert sales_in(store).keys() == {"T2"}
    assert store.sync_state().alerts == ("Sales file 1.json cannot be opened: Permission denied.",)
    look(taking, clock)
    assert sales_in(store).keys() == {"T1", "T2"}


def test_a_line_that_comes_while_the_file_is_moved_is_not_lost(taking, store, clock, drop):
    """The file comes back, and what is known of it is left out."""

    class Racing(Disk):
        raced = False

        def move(self, path: Path, target: Path) -> None:
            if not self.raced:
                self.raced = True
                with path.open("a") as file:
                    file.write(sale_text("T2"))
            super().move(path, target)

    drop("1.jsonl", sale_text("T1"))
    look(SalesFolder(taking.folder, store, clock, Racing()), clock, 5)
    assert sales_in(store).keys() == {"T1", "T2"}
    assert (left(taking), names(taking.done)) == ([], ["1.jsonl"])


def test_what_was_done_long_ago_is_forgotten(taking, clock, drop):
    """`done` does not grow for ever; `failed` waits for a person."""
    drop("1.json", sale_text("T1"))
    look(taking, clock)
    moved_ms = (taking.done / "1.json").stat().st_ctime_ns // 1_000_000
    clock.wall_ms = moved_ms + (KEEP_DAYS - 1) * 86_400_000
    assert taking.prune() == 0
    clock.wall_ms = moved_ms + KEEP_DAYS * 86_400_000 + 1_000
    assert taking.prune() == 1
    assert names(taking.done) == []


# --- a machine that loses its power -------------------------------------------------------


class Crash(Exception):
    """The power went."""


class Fuse:
    """Blows at the n-th step: before it, or right after it."""

    def __init__(self, blows_at: int) -> None:
        self.blows_at = blows_at
        self.steps = 0

    def guard(self, call: Callable):
        def guarded(*arguments, **named):
            self.step()
            result = call(*arguments, **named)
            self.step()
            return result

        return guarded

    def step(self) -> None:
        self.steps += 1
        if self.steps == self.blows_at:
            raise Crash


class FusedDisk(Disk):
    def __init__(self, fuse: Fuse) -> None:
        for name in ("read", "write", "move"):
            setattr(self, name, fuse.guard(getattr(super(), name)))


class FusedStore:
    """The store with a fuse before and behind everything that it writes."""

    def __init__(self, store: Store, fuse: Fuse) -> None:
        self.sell, self.alert = fuse.guard(store.sell), fuse.guard(store.alert)
        self._store = store

    def __getattr__(self, name: str):
        return getattr(self._store, name)


FILES = {
    "1.csv": f"{CSV}T1,{SKU},,1\nT2,{SKU},,lots\nT3,GHOST,,2\n",
    "2.json": json.dumps(sale_of("T4", (SKU, 1), (OTHER, 2))),
    "3.json": "{no json",
    "4.jsonl": sale_text("T1", (SKU, 1)) + sale_text("T5") + sale_text("T1", (SKU, 7)),
}
EXPECTED = {
    "T1": {SKU: 1}, "T3": {"GHOST": 2}, "T4": {SKU: 1, OTHER: 2}, "T5": {SKU: 1},
}  # fmt: skip


def crash_at(blows_at: int, tmp_path: Path) -> int:
    """Let the power go at one step, go on after it, and check everything; return the steps."""
    clock, folder = FrozenClock(), tmp_path / str(blows_at)
    for name, content in FILES.items():
        (folder / "pos").mkdir(parents=True, exist_ok=True)
        (folder / "pos" / name).write_text(content)
    store, fuse = open_shop(folder / "store", clock), Fuse(blows_at)
    try:
        fused = SalesFolder(
            folder / "pos",
            FusedStore(store, fuse),
            clock,
            FusedDisk(fuse),
        )
        settle(fused, clock)
    except Crash:
        pass
    store.close()
    again = open_shop(folder / "store", clock)
    taking = SalesFolder(folder / "pos", again, clock)
    settle(taking, clock)
    assert sales_in(again) == EXPECTED
    share = again.share(SKU)
    assert share is not None
    assert share.on_hand == 9
    assert left(taking) == []
    assert len(names(taking.done)) == 3
    failed = {name.partition("-")[0] for name in failed_files(taking.folder)}
    assert failed == {"1", "3", "4"}
    assert len(names(taking.failed)) == 6
    again.close()
    return fuse.steps


@pytest.mark.slow
def test_a_crash_at_any_step_loses_nothing_and_doubles_nothing(tmp_path):
    """Before and after each read, write, move, sale and note, and then on with a new process."""
    steps = crash_at(0, tmp_path)
    assert steps > 40
    for blows_at in range(1, steps + 1):
        assert crash_at(blows_at, tmp_path) == blows_at


def test_a_full_disk_keeps_the_file_where_it_is(taking, store, clock, drop):
    """The sale is tried again at the next look; nothing goes to `failed`."""

    class Full(FusedStore):
        full = True

        def __init__(self, store: Store) -> None:
            self._store = store

        def sell(self, *arguments, **named):
            if self.full:
                raise Error("database or disk is full")
            return self._store.sell(*arguments, **named)

    full = Full(store)
    drop("1.json", sale_text("T1"))
    waiting = SalesFolder(taking.folder, full, clock)
    look(waiting, clock, 1)
    for _ in range(3):
        with pytest.raises(Error):
            waiting.look()
    assert left(waiting) == ["1.json"]
    full.full = False
    look(waiting, clock)
    assert sales_in(store).keys() == {"T1"}
