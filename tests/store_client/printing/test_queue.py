"""The print queue: durable, in order, and nothing on paper twice without saying so."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from store_client.devices import (
    PrinterAway,
    PrinterBroke,
    PrintForm,
    PrintJob,
    PrintKind,
    PrintState,
)
from store_client.replica.print_queue import KEPT_MAX, PrintJobs
from store_client.services.print_rounds import PAUSES_MS, PrintRound
from sync.edge.sqlite import CommitPoint, OperationalError
from tests.support.clocks import FrozenClock

ROUTES = {PrintKind.RECEIPT: "counter", PrintKind.LABEL: "zebra", PrintKind.MANIFEST: "office"}
PRINTERS = ("counter", "zebra", "office")
S = PrintState


def receipt(name: str = "receipt-1", text: str = "Thank you.") -> PrintJob:
    return PrintJob(PrintKind.RECEIPT, name, PrintForm.TEXT, text.encode(), "K7Q2-0001")


def open_queue(folder: Path) -> PrintJobs:
    return PrintJobs(folder / "print.db", ROUTES, PRINTERS)


@pytest.fixture
def queue(tmp_path):
    opened = open_queue(tmp_path)
    yield opened
    opened.close()


class FakePrinter:
    """Implements `Printer`: keeps what it printed, and fails as it is told."""

    def __init__(self) -> None:
        self.printed: list[PrintJob] = []
        self.fails: Exception | None = None

    def print(self, job: PrintJob) -> None:
        if self.fails is not None:
            raise self.fails
        self.printed.append(job)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def printer() -> FakePrinter:
    return FakePrinter()


@pytest.fixture
def counter(queue, printer, clock) -> PrintRound:
    return PrintRound("counter", printer, queue, clock)


def states(queue) -> list[PrintState]:
    return [job.state for job in sorted(queue.jobs(), key=lambda job: job.id)]


def test_jobs_are_printed_in_order_and_once(queue, counter, printer):
    """First come, first on paper; a second look prints nothing."""
    for number in range(3):
        queue.add(receipt(f"receipt-{number}"), number)
    assert counter.look() == 3
    assert counter.look() == 0
    assert [job.name for job in printer.printed] == ["receipt-0", "receipt-1", "receipt-2"]
    assert [job.is_copy for job in printer.printed] == [False] * 3
    assert states(queue) == [S.PRINTED] * 3


def test_what_no_printer_takes_is_not_kept(queue):
    """It is a file already; nothing waits for ever."""
    job = PrintJob(PrintKind.PICK_LIST, "pick list", PrintForm.TEXT, b"x")
    assert not queue.add(job, 0)
    assert queue.jobs() == []


def test_a_printer_that_is_off_blocks_nobody(queue, counter, printer, clock):
    """It is left alone for longer each time, says why, and the other printer prints."""
    printer.fails = PrinterAway("no route to host")
    queue.add(receipt(), 0)
    queue.add(PrintJob(PrintKind.LABEL, "SW1", PrintForm.ZPL, b"^XA^XZ"), 0)
    assert counter.look() == 0
    first = queue.jobs()[0]
    assert (first.state, first.problem) == (S.WAITING, "no route to host")
    other = FakePrinter()
    assert PrintRound("zebra", other, queue, clock).look() == 1
    tries = [queue.jobs()[0].tries]
    for pause in PAUSES_MS:
        clock.advance(pause - 1)
        counter.look()
        assert queue.jobs()[0].tries == tries[-1]
        clock.advance(1)
        counter.look()
        tries.append(queue.jobs()[0].tries)
    assert tries == [1, 2, 3, 4, 5]
    printer.fails = None
    clock.advance(PAUSES_MS[-1])
    assert counter.look() == 1
    assert not printer.printed[0].is_copy


def test_pressing_again_does_not_wait_for_the_pause(queue, counter, printer):
    """Somebody switched the printer on and says so."""
    printer.fails = PrinterAway("off")
    queue.add(receipt(), 0)
    counter.look()
    printer.fails = None
    assert counter.look() == 0
    assert queue.again(1)
    assert counter.look() == 1
    assert not printer.printed[0].is_copy


def test_a_printer_that_breaks_off_prints_a_copy_next(queue, counter, printer):
    """Half a receipt may hang there: the whole one says COPY."""
    printer.fails = PrinterBroke("connection reset")
    queue.add(receipt(), 0)
    counter.look()
    printer.fails = None
    queue.again(1)
    assert counter.look() == 1
    assert printer.printed[0].is_copy


def test_what_cannot_be_marked_waits_for_a_person(queue, printer, clock):
    """A PDF carries no COPY: it is not printed again before somebody has looked."""
    office = PrintRound("office", printer, queue, clock)
    printer.fails = PrinterBroke("jam")
    queue.add(PrintJob(PrintKind.MANIFEST, "M1", PrintForm.PDF, b"%PDF"), 0)
    office.look()
    printer.fails = None
    clock.advance(3_600_000)
    assert office.look() == 0
    assert states(queue) == [S.DOUBTFUL]
    assert queue.again(1)
    assert office.look() == 1


def test_what_cannot_be_printed_at_all_stops_no_other(queue, counter, printer):
    """A job that the printer's driver trips over waits for a person; the next one is printed."""
    printer.fails = ValueError("no such character")
    queue.add(receipt("receipt-1"), 0)
    queue.add(receipt("receipt-2"), 0)
    counter.look()
    printer.fails = None
    counter.look()
    assert states(queue) == [S.DOUBTFUL, S.PRINTED]


def test_printing_something_once_more_is_a_copy(queue, counter, printer):
    """The same receipt again, by whichever way; another text of that name is a new thing."""
    queue.add(receipt(), 0)
    counter.look()
    queue.add(receipt(), 1)
    queue.add(receipt(), 2)
    queue.add(receipt(text="Other."), 3)
    assert counter.look() == 2
    assert [job.is_copy for job in printer.printed] == [False, True, False]
    assert queue.again(1)
    counter.look()
    assert printer.printed[-1].is_copy


def test_a_job_can_be_moved_and_cancelled(queue, counter, printer, clock):
    """What is printed cannot be taken back; what waits can."""
    queue.add(receipt("receipt-1"), 0)
    queue.add(receipt("receipt-2"), 0)
    assert queue.again(1, "office")
    assert queue.cancel(2)
    assert not queue.cancel(2)
    assert counter.look() == 0
    assert PrintRound("office", printer, queue, clock).look() == 1
    assert not queue.cancel(1)
    assert states(queue) == [S.PRINTED, S.CANCELLED]


def test_old_jobs_are_forgotten(queue, counter):
    """Receipts have names of customers: they are not kept for ever."""
    for number in range(KEPT_MAX + 5):
        queue.add(receipt(f"receipt-{number}"), number)
    while counter.look():
        pass
    assert len(queue.jobs(1_000)) == KEPT_MAX


def test_the_queue_survives_its_process(tmp_path):
    """What was added is there after the file is opened anew."""
    queue = open_queue(tmp_path)
    queue.add(receipt(), 7)
    queue.close()
    queue = open_queue(tmp_path)
    assert [(job.name, job.created_ms) for job in queue.jobs()] == [("receipt-1", 7)]
    queue.close()


def test_a_full_disk_is_said_and_keeps_nothing(tmp_path):
    """Whoever prints hears of it; the queue is usable when there is room again."""
    full = True

    def hook(file: str, point: CommitPoint) -> None:
        if full and point is CommitPoint.BEFORE and opened:
            raise OperationalError("database or disk is full")

    opened: list[int] = []
    queue = PrintJobs(tmp_path / "print.db", ROUTES, PRINTERS, hook=hook)
    opened.append(1)
    with pytest.raises(OSError, match="disk is full"):
        queue.add(receipt(), 0)
    full = False
    assert queue.jobs() == []
    assert queue.add(receipt(), 0)
    queue.close()


DYING = """
import os, signal, sys
from pathlib import Path
from store_client.services.print_rounds import PrintRound
from tests.store_client.printing.test_queue import open_queue
from tests.support.clocks import FrozenClock
folder, when = Path(sys.argv[1]), sys.argv[2]
class Printer:
    def print(self, job):
        if when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        with (folder / "paper").open("a") as paper:
            paper.write(job.name + (" COPY" if job.is_copy else "") + "\\n")
        if when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
queue = open_queue(folder)
queue.recover()
PrintRound("counter", Printer(), queue, FrozenClock()).look()
"""


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_while_it_prints_nothing_is_on_paper_twice_in_silence(tmp_path, when):
    """Kill -9 before or after the paper: the next daemon prints it, and says COPY."""
    queue = open_queue(tmp_path)
    queue.add(receipt("receipt-1"), 0)
    queue.add(receipt("receipt-2"), 0)
    queue.close()
    for moment in (when, "never"):
        done = subprocess.run(
            [sys.executable, "-c", DYING, str(tmp_path), moment], env=os.environ, check=False
        )
        assert done.returncode == (-signal.SIGKILL if moment != "never" else 0)
    paper = (tmp_path / "paper").read_text().splitlines()
    once = ["receipt-1"] if when == "after" else []
    assert paper == [*once, "receipt-1 COPY", "receipt-2"]


def test_a_copy_that_was_cancelled_leaves_a_first_print_on_paper(queue, counter, printer):
    """Printed, asked for again, called off: the next one says COPY all the same."""
    queue.add(receipt(), 0)
    counter.look()
    assert queue.again(1)
    assert queue.cancel(1)
    queue.add(receipt(), 1)
    counter.look()
    assert [job.is_copy for job in printer.printed] == [False, True]
