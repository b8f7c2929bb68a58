"""Putting things on paper through the queue: what is printed, in whose name, and in words.

What is made as a file stays a file; where a printer of this machine takes it, a job
waits for it beside that. Nothing here waits for a printer.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from store_client.devices import (
    PrintForm,
    PrintJob,
    PrintKind,
    PrintQueue,
    PrintState,
    ReceiptPrinter,
)
from store_client.paper import ManifestSheet, PackingSlip, Paper, PaperProblem, ParcelLabel
from store_client.ports import BoardRow, Store
from store_client.services.board import OPEN_MAX
from store_client.services.desk import Desk, Refusal
from store_client.services.pick_path import shelves_of, walk_key
from store_client.services.receipts import RULE, WIDTH, pair
from store_client.services.words import Said, day_time, units
from sync.clock import Clock
from sync.domain.fulfillment import FulfillmentLine, FulfillmentOrder
from sync.domain.people import Action

COPY = "COPY"
ORDERS_MAX = 24
"""Orders on one pick list: more than that nobody carries."""
STATES: dict[PrintState, Said] = {
    PrintState.WAITING: Said("○", "waits", "work"),
    PrintState.PRINTING: Said("…", "being printed", "work"),
    PrintState.PRINTED: Said("✓", "printed", "good"),
    PrintState.DOUBTFUL: Said("?", "may be printed: look", "warn"),
    PrintState.CANCELLED: Said("✗", "cancelled", "dim"),
}


class QueuedReceipts:
    """Implements `ReceiptPrinter`: a file as before, and a job where a printer takes it."""

    def __init__(self, inner: ReceiptPrinter, queue: PrintQueue, clock: Clock) -> None:
        self._inner = inner
        self._queue = queue
        self._clock = clock

    def print(self, name: str, text: str, code: str = "") -> str:
        """Keep the file, and let it wait for the printer; return where it can be found."""
        where = self._inner.print(name, text, code)
        kind = PrintKind.RECEIPT if name.startswith("receipt") else PrintKind.REPORT
        job = PrintJob(kind, name, PrintForm.TEXT, text.encode(), code)
        self._queue.add(job, self._clock.now_ms())
        return where

    def kept(self, name: str) -> str:
        """Return the text of a file that was printed here."""
        return self._inner.kept(name)


class QueuedPaper:
    """Implements `Paper`: files as before, and jobs where printers take them."""

    def __init__(self, inner: Paper, queue: PrintQueue, clock: Clock) -> None:
        self._inner = inner
        self._queue = queue
        self._clock = clock

    def label(self, label: ParcelLabel) -> Sequence[Path]:
        """Make a label; its ZPL waits for the label printer."""
        files = self._inner.label(label)
        for path in files:
            if path.suffix == ".zpl":
                body = path.read_bytes()
                self._add(PrintKind.LABEL, label.number, PrintForm.ZPL, body)
        return files

    def has_label(self, number: str) -> bool:
        """Return whether the label of that number was made once."""
        return self._inner.has_label(number)

    def slip(self, slip: PackingSlip) -> Sequence[Path]:
        """Make a packing slip; a text with the order's code waits for the printer."""
        files = self._inner.slip(slip)
        name = f"{slip.order_number} box {slip.box}"
        body = slip_text(slip).encode()
        self._add(PrintKind.SLIP, name, PrintForm.TEXT, body, slip.order_number)
        return files

    def manifest(self, sheet: ManifestSheet) -> Sequence[Path]:
        """Make a manifest; its PDF waits for the printer."""
        files = self._inner.manifest(sheet)
        for path in files:
            self._add(PrintKind.MANIFEST, sheet.name, PrintForm.PDF, path.read_bytes())
        return files

    def _add(
        self, kind: PrintKind, name: str, form: PrintForm, body: bytes, code: str = ""
    ) -> None:
        try:
            self._queue.add(PrintJob(kind, name, form, body, code), self._clock.now_ms())
        except OSError as problem:
            raise PaperProblem(
                f"{name} is a file, and waits for no printer: {problem}"
            ) from problem


def slip_text(slip: PackingSlip) -> str:
    """Return a packing slip as text, 42 columns."""
    lines = [f"Order {slip.order_number}, box {slip.box}", slip.store, RULE, *slip.to, RULE]
    for one in slip.lines:
        lines += [f"{one.quantity} × {one.name}"[:WIDTH], f"    {one.sku}"]
    if slip.rest:
        lines += [RULE, f"{slip.rest} more come in another box."]
    return "\n".join([*lines, ""])


def shelf_slip_text(store: Store, order: FulfillmentOrder, now_ms: int) -> str:
    """Return what is put on a bag of the hold shelf, 42 columns: where, for whom, by when."""
    row = store.store_row()
    hint = f" …{order.customer_hint}" if order.customer_hint else ""
    held = [f"{line.held} × {line.name}"[:WIDTH] for line in order.lines if line.held]
    lines = [
        pair(order.order_number, order.staging_spot),
        f"{order.customer_name}{hint}"[:WIDTH],
        f"Promised by {day_time(row, order.promised_by_ms, now_ms)}",
        RULE,
        *held,
    ]
    return "\n".join([*lines, ""])


def print_shelf_slip(desk: Desk, order: FulfillmentOrder) -> bool:
    """Let a slip for the bag wait for a printer; False where none takes slips."""
    now_ms = desk.clock.now_ms()
    body = shelf_slip_text(desk.store, order, now_ms).encode()
    name = f"{order.order_number} at {order.staging_spot}"
    job = PrintJob(PrintKind.SLIP, name, PrintForm.TEXT, body, order.order_number, by=desk.actor.id)
    return desk.devices.queue.add(job, now_ms)


# --- pick lists ------------------------------------------------------------------------------


def orders_to_pick(store: Store, flows: Iterable[str]) -> list[BoardRow]:
    """Return the orders of which something is still on the shelf, the most urgent first."""
    rows = [row for flow in flows for row in store.board(flow, limit=OPEN_MAX)]
    wanted = [row for row in rows if row.units_to_pick]
    return sorted(wanted, key=lambda row: (row.promised_by_ms, row.order_number))


def pick_list_text(store: Store, orders: Sequence[FulfillmentOrder], now_ms: int) -> str:
    """Return what is to be fetched as one walk: place, units, for which order."""
    row = store.store_row()
    shelves = shelves_of(store, orders)
    wanted: dict[str, list[tuple[FulfillmentOrder, FulfillmentLine]]] = {}
    for order in orders:
        for line in order.lines:
            if line.to_pick:
                wanted.setdefault(line.sku, []).append((order, line))
    lines = ["PICK LIST".center(WIDTH).rstrip(), day_time(row, now_ms, now_ms), RULE]
    for sku in sorted(wanted, key=lambda one: walk_key(shelves[one], one)):
        parts = wanted[sku]
        count = sum(line.to_pick for _, line in parts)
        lines += [pair(shelves[sku].words, sku), f"{count} × {parts[0][1].name}"[:WIDTH]]
        lines += [f"    {line.to_pick} for {order.order_number}" for order, line in parts]
    return "\n".join([*lines, RULE, f"{units(len(orders), 'order')}. Scan one to open it:", ""])


def print_pick_list(desk: Desk, flows: Iterable[str]) -> str:
    """Let a list of everything to pick wait for a printer; return what to say."""
    desk.require(Action.PRINT)
    rows = orders_to_pick(desk.store, flows)
    found = [desk.store.fulfillment(row.id) for row in rows[:ORDERS_MAX]]
    orders = [order for order in found if order is not None]
    if not orders:
        raise Refusal("Nothing is to be picked.", "New orders appear on Today by themselves.")
    text = pick_list_text(desk.store, orders, desk.clock.now_ms())
    queue_pick_list(desk, f"pick list {units(len(orders), 'order')}", text, orders)
    left = len(rows) - len(orders)
    rest = f"; {left} later ones are not on it" if left else ""
    return f"Pick list of {units(len(orders), 'order')} waits for the printer{rest}"


def queue_pick_list(desk: Desk, name: str, text: str, orders: Sequence[FulfillmentOrder]) -> None:
    """Let a list wait for a printer, with a code for each order; refuse where none takes lists."""
    codes = "\n".join(order.order_number for order in orders)
    body = text.encode()
    job = PrintJob(PrintKind.PICK_LIST, name, PrintForm.TEXT, body, codes, by=desk.actor.id)
    if not desk.devices.queue.add(job, desk.clock.now_ms()):
        raise Refusal("No printer of this machine takes pick lists.", "Set one up in store.toml.")


# --- receipts once more ----------------------------------------------------------------------


def print_copy(desk: Desk, name: str, code: str = "") -> str:
    """Put a receipt of this machine on paper once more, word for word and as COPY; return where.

    Raises `OSError` where its text is not here.
    """
    desk.require(Action.PRINT)
    text, queue = desk.devices.receipts.kept(name), desk.devices.queue
    job = PrintJob(
        PrintKind.RECEIPT, name, PrintForm.TEXT, text.encode(), code, desk.actor.id, is_copy=True
    )
    if queue.add(job, desk.clock.now_ms()):
        return "the printer"
    copy = f"{COPY.center(WIDTH).rstrip()}\n{text}{COPY.center(WIDTH).rstrip()}\n"
    return desk.devices.receipts.print(f"{name}-copy", copy)


# --- what waits ------------------------------------------------------------------------------


def print_again(desk: Desk, job_id: int, printer: str = "") -> None:
    """Print a job now, or once more as COPY, on another printer if one is named."""
    desk.require(Action.PRINT)
    if printer and printer not in desk.devices.queue.printers():
        raise Refusal(f"There is no printer “{printer[:20]}”.", _known(desk.devices.queue))
    if not desk.devices.queue.again(job_id, printer):
        raise Refusal("It is being printed just now.", "Wait a moment.")


def cancel_print(desk: Desk, job_id: int) -> None:
    """Print a job no more."""
    desk.require(Action.PRINT)
    if not desk.devices.queue.cancel(job_id):
        raise Refusal("It is printed, or being printed.", "There is nothing left to cancel.")


def _known(queue: PrintQueue) -> str:
    return f"Printers: {', '.join(queue.printers())}." if queue.printers() else "None is set up."


def state_of(job: PrintJob) -> Said:
    """Return how a job stands, and why it is not on paper yet."""
    said = STATES[job.state]
    if job.state is PrintState.WAITING and job.problem and job.is_copy:
        return Said("!", "in doubt: again as copy", "warn", short="again as copy")
    if job.state is PrintState.WAITING and job.problem:
        return Said("!", "printer away, tried again", "warn", short="printer away")
    return said


def badge(jobs: Sequence[PrintJob]) -> Said | None:
    """Return what the status bar says of paper; nothing while the printers keep up."""
    stuck = [job for job in jobs if job.state is PrintState.DOUBTFUL or _is_held(job)]
    if not stuck:
        return None
    return Said("▤", f"{units(len(stuck), 'print')} stuck: ^R", "warn", short=f"{len(stuck)}: ^R")


def _is_held(job: PrintJob) -> bool:
    return job.state is PrintState.WAITING and bool(job.problem)
