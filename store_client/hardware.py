"""Puts together what stands beside a terminal: printers and their queue, paper, payment terminal.

Beside `bootstrap`, the only place that names an adapter.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from store_client.config import PrinterSettings, StoreSettings
from store_client.devices import Devices, NoQueue, NoTerminal, PrintKind, PrintQueue
from sync.clock import Clock

if TYPE_CHECKING:
    from store_client.adapters.printers import EscposPrinter
    from store_client.paper import Paper
    from store_client.replica.print_queue import PrintJobs
    from store_client.services.print_rounds import PrintRound

QUEUE_FILE = "print.db"


@dataclass
class Hardware:
    """The devices of one process. `close` it at the end."""

    devices: Devices
    paper: "Paper"
    jobs: "PrintJobs | None" = None

    def close(self) -> None:
        """Close the print queue."""
        if self.jobs is not None:
            self.jobs.close()


def hardware_of(settings: StoreSettings, clock: Clock, key: str) -> Hardware:
    """Return what stands beside this machine's terminal; files where there is no printer."""
    from store_client.adapters.paper_files import PaperFiles
    from store_client.adapters.payment_terminals import SimulatedTerminal
    from store_client.adapters.receipt_files import ReceiptFiles
    from store_client.services.printing import QueuedPaper, QueuedReceipts

    jobs = _jobs(settings, key)
    queue: PrintQueue = NoQueue() if jobs is None else jobs
    files = ReceiptFiles(settings.receipts_dir or settings.data_dir / "receipts")
    terminal = (
        NoTerminal()
        if settings.payment_terminal == "none"
        else SimulatedTerminal(settings.data_dir / "payment-terminal.json")
    )
    devices = Devices(terminal, QueuedReceipts(files, queue, clock), queue)
    paper = QueuedPaper(PaperFiles(settings.data_dir / "paper"), queue, clock)
    return Hardware(devices, paper, jobs)


def _jobs(settings: StoreSettings, key: str) -> "PrintJobs | None":
    if not settings.printers:
        return None
    from store_client.replica.print_queue import PrintJobs

    routes: dict[PrintKind, str] = {}
    for printer in settings.printers:
        for kind in printer.takes:
            routes.setdefault(PrintKind(kind), printer.name)
    names = [printer.name for printer in settings.printers]
    return PrintJobs(settings.data_dir / QUEUE_FILE, routes, names, key)


def print_rounds(settings: StoreSettings, hardware: Hardware, clock: Clock) -> list["PrintRound"]:
    """Return a round for each printer, for the daemon; what it left in doubt is found first."""
    from store_client.services.print_rounds import PrintRound

    if hardware.jobs is None:
        return []
    hardware.jobs.recover()
    return [PrintRound(one.name, _printer(one), hardware.jobs, clock) for one in settings.printers]


def _printer(settings: PrinterSettings) -> "EscposPrinter":
    from store_client.adapters.printers import file_printer, network_printer

    if settings.device == "network":
        return network_printer(settings.address)
    return file_printer(Path(settings.address).expanduser())
