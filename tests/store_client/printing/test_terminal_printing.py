"""The print queue at the terminal and on the command line: nobody waits for a printer."""

import json
import re
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from store_client import bootstrap
from store_client.adapters.printers import bytes_of
from store_client.cli import app
from store_client.config import PrinterSettings, StoreSettings
from store_client.devices import Devices, PrintJob, PrintKind, PrintState
from store_client.hardware import hardware_of, print_rounds
from store_client.paper import PackingSlip, ParcelLabel, SlipLine
from store_client.replica.print_queue import PrintJobs
from store_client.services import waves
from store_client.services.desk import Desk, TerminalSettings
from store_client.services.printing import ORDERS_MAX, pick_list_text, print_pick_list
from store_client.services.wave_paper import print_wave
from sync.domain.people import Role
from sync.domain.waves import PickMode
from tests.store_client.printing.test_queue import FakePrinter, receipt
from tests.support.clocks import FrozenClock
from tests.support.fake_store import (
    STORE,
    gtin_of,
    make_catalogue,
    make_order,
    make_people,
    make_store,
)
from tests.support.filled_store import fill, open_filled
from tests.support.paper import codes_sent
from tests.support.pickup_store import pickup_store
from tests.support.terminals import PIN, QUIET_SECONDS, actor_of, hash_pin, terminal

pytestmark = pytest.mark.slow
ROUTES = {
    PrintKind.RECEIPT: "counter", PrintKind.PICK_LIST: "counter", PrintKind.SLIP: "counter",
}  # fmt: skip


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def queue(tmp_path):
    opened = PrintJobs(tmp_path / "print.db", ROUTES, ("counter", "office"))
    yield opened
    opened.close()


def settings_with(queue) -> TerminalSettings:
    return TerminalSettings(poll_seconds=QUIET_SECONDS, devices=Devices(queue=queue))


@pytest.mark.anyio
@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_what_waits_is_shown_and_can_be_moved_and_cancelled(clock, queue, size):
    """The reason stands there; one key each for now, elsewhere, and never."""
    for number in (1, 2):
        queue.add(receipt(f"receipt-{number}"), clock.now_ms())
    job = queue.claim("counter")
    queue.away(job.id, "no route to host")
    async with terminal(
        make_store(clock, 1), clock, settings=settings_with(queue), size=size
    ) as term:
        await term.look()
        assert "1: ^R" in term.text() or "1 print stuck: ^R" in term.text()
        await term.press("ctrl+r")
        assert "2 waiting" in term.text()
        assert "printer away" in term.text()
        assert "no route to host" in term.text()
        await term.press("f6", "2")
        assert "receipt-1 is printed on office" in term.text()
        await term.press("down", "f7", "enter")
        assert "receipt-2 is cancelled" in term.text()
    found = {job.name: job for job in queue.jobs()}
    assert found["receipt-1"].printer == "office"
    assert found["receipt-2"].state is PrintState.CANCELLED


@pytest.mark.anyio
async def test_a_pick_list_waits_for_the_printer(clock, queue):
    """Sorted by aisle, with a code for each order that is read again."""
    async with terminal(make_store(clock, 2), clock, settings=settings_with(queue)) as term:
        await term.press("ctrl+r", "f5")
        assert "Pick list of 2 orders waits for the printer" in term.text()
    job = queue.claim("counter")
    text = job.body.decode()
    assert text.index("1-A") < text.index("2-B")
    assert "2 for K7Q2-0000" in text
    assert job.code.splitlines() == ["K7Q2-0000", "K7Q2-0001"]


def test_a_printed_pick_list_is_walked_as_a_wave_is(clock):
    """By the one rule of the store: 2-A before 10-A, and where no aisle is known by department."""
    store = make_store(clock)
    places = ("10-A", "2-A", "", "")
    departments = ("Kitchen", "Kitchen", "Textiles", "Bath")
    for number, (aisle, department) in enumerate(zip(places, departments, strict=True)):
        store.add(make_order(number, clock.now_ms(), quantities=(1,)))
        hit = replace(store.catalogue[number], aisle=aisle, category=department)
        store.catalogue[number] = hit
    text = pick_list_text(store, [*store.orders.values()], clock.now_ms())
    heads = [line.split()[0] for line in text.splitlines() if " HS-" in line]
    assert heads == ["2-A", "10-A", "Bath", "Textiles"]


@pytest.mark.anyio
async def test_a_wave_is_on_paper_with_its_totes(clock, queue):
    """Ctrl+K: the walk of this wave alone, the tote of each unit, a code for each order."""
    store = pickup_store(clock, 3)
    async with terminal(store, clock, settings=settings_with(queue)) as term:
        await term.press("f7", "space", "down", "space", "f6", "1")
        await term.scan(gtin_of(0))
        await term.press("ctrl+k")
        assert "✓ Pick list of 2 totes waits for the printer" in term.text()
        for index in (0, 1, 1, 1, 2):
            await term.scan(gtin_of(index))
        await term.press("ctrl+k")
        assert "✗ Everything of this wave is picked." in term.text()
    job = queue.claim("counter")
    text = job.body.decode()
    assert job.kind is PrintKind.PICK_LIST
    assert "K7Q2-0002" not in text
    assert text.index("1-A") < text.index("2-B") < text.index("3-C")
    assert (
        "3 × Marrowick Gooseneck Kettle 1.2 L Steel\n    1 into tote 1\n    2 into tote 2" in text
    )
    assert re.search(r"Tote 2 +K7Q2-0001", text)
    assert job.code.splitlines() == ["K7Q2-0000", "K7Q2-0001"]


def test_a_wave_that_is_sorted_afterwards_says_so_on_paper(clock, queue):
    """The sum of each place, and no tote before there is one."""
    store = pickup_store(clock, 2)
    desk = Desk(store, clock, actor_of(Role.ASSOCIATE), "T1", devices=Devices(queue=queue))
    print_wave(desk, waves.start(desk, "pickup", mode=PickMode.SORT_AFTER_PICK).key)
    text = queue.claim("counter").body.decode()
    assert "into tote " not in text
    assert "Sorted into totes afterwards." in text


def test_a_pick_list_of_the_most_urgent_says_how_many_it_leaves_out(clock, queue):
    """Nobody carries more; what is not on the list is not passed over in silence."""
    store = make_store(clock, ORDERS_MAX + 3)
    desk = Desk(store, clock, actor_of(Role.ASSOCIATE), "T1", devices=Devices(queue=queue))
    said = print_pick_list(desk, ["pickup"])
    assert said == "Pick list of 24 orders waits for the printer; 3 later ones are not on it"
    job = queue.claim("counter")
    assert job.code.splitlines() == [f"K7Q2-{number:04}" for number in range(ORDERS_MAX)]


@pytest.mark.anyio
async def test_a_bag_gets_its_slip_when_it_is_put_on_the_shelf(clock, queue):
    """Spot, customer, items, and the order's code, which opens it; moved, it gets a new one."""
    async with terminal(make_store(clock, 1), clock, settings=settings_with(queue)) as term:
        await term.press("enter")
        for index in (0, 0, 1):
            await term.scan(gtin_of(index))
        await term.scan("A2")
        await term.scan("B1")
    first, second = queue.claim("counter"), queue.claim("counter")
    assert "A2" in first.body.decode().splitlines()[0]
    assert "Rosa Eastman" in first.body.decode()
    assert "2 × Marrowick Gooseneck Kettle 0.8 L Black" in first.body.decode()
    assert codes_sent(bytes_of(first)) == [("Code128", "K7Q2-0000")]
    assert "B1" in second.body.decode().splitlines()[0]
    assert not second.is_copy


@pytest.mark.anyio
async def test_an_auditor_sees_the_queue_and_prints_nothing(clock, queue):
    """Looking is all."""
    queue.add(receipt(), clock.now_ms())
    async with terminal(
        make_store(clock, 1), clock, settings=settings_with(queue), role=Role.AUDITOR
    ) as term:
        await term.press("ctrl+r")
        assert "receipt-1" in term.text()
        await term.press("f7", "enter")
        assert "may only read" in term.text()
    assert queue.jobs()[0].state is PrintState.WAITING


@pytest.mark.anyio
async def test_a_machine_without_printers_says_so(clock):
    """Everything is a file, as before."""
    async with terminal(make_store(clock, 1), clock) as term:
        await term.press("ctrl+r")
        assert "No printer is set up" in term.text()
        await term.press("f5")
        assert "No printer of this machine takes pick lists" in term.text()


# --- put together ----------------------------------------------------------------------------

PRINTERS = (
    PrinterSettings(name="counter", device="file", address="lp0",
                    takes=("receipt", "report", "slip", "pick_list")),
    PrinterSettings(name="zebra", device="network", address="127.0.0.1:9", takes=("label",)),
)  # fmt: skip


@pytest.fixture
def settings(tmp_path) -> StoreSettings:
    counter = PRINTERS[0].model_copy(update={"address": str(tmp_path / "lp0")})
    return StoreSettings(data_dir=tmp_path, printers=(counter, PRINTERS[1]))


@pytest.fixture
def hardware(settings, clock):
    opened = hardware_of(settings, clock, "")
    yield opened
    opened.close()


def test_receipts_slips_and_labels_wait_and_stay_files(hardware, settings, clock, tmp_path):
    """A printer that is off has its jobs; the other prints; every file is where it was."""
    where = hardware.devices.receipts.print("receipt-K7Q2-0001-1", "Thank you.\n", "K7Q2-0001")
    slip = PackingSlip("K7Q2-0002", 1, "Columbus", ("Rosa",), (SlipLine(2, "HS-1", "Kettle"),), 0)
    label = ParcelLabel("SW1", "Swift", "ground", ("Rosa",), "Columbus", "K7Q2-0002", 1, 1, 900)
    hardware.paper.slip(slip)
    hardware.paper.label(label)
    assert (tmp_path / "receipts").joinpath(where.rsplit("/", 1)[-1]).exists()
    assert (tmp_path / "paper" / "labels" / "SW1.zpl").exists()
    (tmp_path / "lp0").touch()
    for one in print_rounds(settings, hardware, clock):
        one.look()
    found = {job.name: job for job in hardware.jobs.jobs()}
    assert found["SW1"].state is PrintState.WAITING
    assert found["SW1"].problem
    assert codes_sent((tmp_path / "lp0").read_bytes()) == [
        ("Code128", "K7Q2-0001"), ("Code128", "K7Q2-0002"),
    ]  # fmt: skip


def test_a_label_that_is_made_again_is_a_copy(hardware):
    """Reprinting a box's label says so on the paper."""
    label = ParcelLabel("SW1", "Swift", "ground", ("Rosa",), "Columbus", "K7Q2-0002", 1, 1, 900)
    zebra = FakePrinter()
    for _ in range(2):
        hardware.paper.label(label)
        job: PrintJob = hardware.jobs.claim("zebra")
        zebra.print(job)
        hardware.jobs.printed(job.id)
    assert [job.is_copy for job in zebra.printed] == [False, True]


def test_the_command_line_lists_repeats_and_cancels(tmp_path, monkeypatch, clock):
    """The same as at the screen, with JSON, for scripts."""
    store = open_filled(tmp_path, clock)
    orders = [make_order(number, clock.now_ms()) for number in (1, 2)]
    fill(store, replace(STORE), make_people(hash_pin()), make_catalogue(), orders)
    store.close()
    (tmp_path / "store.key").write_text("")
    (tmp_path / "store.toml").write_text(
        '[[printers]]\nname = "counter"\ndevice = "network"\naddress = "127.0.0.1:9"\n'
        'takes = ["receipt", "pick_list"]\n'
    )
    monkeypatch.setattr(bootstrap, "SystemClock", lambda: clock)
    monkeypatch.setenv("HOLDSHELF_PIN", PIN)

    def run(*arguments: str):
        return CliRunner().invoke(app, ["--data-dir", str(tmp_path), "print", *arguments])

    assert "Pick list of 2 orders" in run("pick-list", "--by", "A103").stdout
    (job,) = json.loads(run("list", "--json").stdout)
    assert (job["state"], job["printer"], job["copy"]) == ("waiting", "counter", False)
    again = json.loads(run("again", "1", "--by", "A103", "--json").stdout)
    assert again["state"] == "waiting"
    assert run("again", "1", "--by", "A103", "--printer", "nope").exit_code == 4
    assert run("again", "9", "--by", "A103").exit_code == 3
    assert run("cancel", "1", "--by", "A109").exit_code == 4
    assert "cancelled" in run("cancel", "1", "--by", "A103").stdout
    assert run("cancel", "1", "--by", "A103").exit_code == 4


@pytest.mark.anyio
async def test_why_a_print_is_stuck_is_shown_as_it_is(clock, queue):
    """A system's words may have brackets: they are no markup, and end no screen."""
    queue.add(receipt("receipt-1"), clock.now_ms())
    job = queue.claim("counter")
    queue.away(job.id, "lp[/dev/usb/lp0] is off [/]")
    async with terminal(make_store(clock, 1), clock, settings=settings_with(queue)) as term:
        await term.press("ctrl+r")
        assert "lp[/dev/usb/lp0] is off [/]" in term.text()
