"""What the work screens of all flows share: one order, its lines, scans, and one command at a time.

It decides nothing: keys and scans become commands, which run in a thread and
are durable before the screen says so. A key pressed while one is being recorded
does nothing; a scan waits its turn, so none is lost.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content

from store_client.ports import OperationFate
from store_client.screens.base import begin
from store_client.screens.order_detail import OrderDetailScreen
from store_client.screens.recording import ScanScreen, Then
from store_client.services.holder import Held, holder_of
from store_client.services.pick_lists import wave_words
from store_client.services.scanner import Code, read_code
from store_client.services.words import STATUS, Said, done, fate, who_did
from store_client.widgets.bars import cut
from store_client.widgets.panels import (
    Banner,
    NextPanel,
    NextStep,
    OrderCard,
    Panel,
    Says,
    changes_of,
    line_progress,
)
from store_client.widgets.tones import tone_style
from store_client.widgets.work_list import Cell, Column, Looks, WorkList
from sync.domain.flows import status_of
from sync.domain.fulfillment import FulfillmentLine, FulfillmentOrder

FATES_MAX = 8


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the screen shows, read at one moment."""

    order: FulfillmentOrder | None
    fates: Sequence[OperationFate]
    aisles: dict[str, str]
    held: Held | None = None
    """Who else picks it."""
    picker: str = ""
    """What who picks its wave is called."""


class WorkScreen(ScanScreen):
    """One order in work. A flow says what the next step is and what codes mean."""

    def __init__(self, fulfillment_id: str) -> None:
        super().__init__()
        self.key = fulfillment_id
        self.order: FulfillmentOrder | None = None
        self.aisles: dict[str, str] = {}
        self.held: Held | None = None
        """Who else picks it; None where it is nobody's, or one's own."""
        self.picker = ""
        """What who picks its wave is called."""
        self.cancelled_ms: int | None = None
        """When a cancellation arrived while the order was open here."""
        self._seen: dict[int, str] | None = None

    # --- what a flow says ---------------------------------------------------------------

    @abstractmethod
    def panel_of(self, order: FulfillmentOrder) -> NextStep:
        """Return the next step, in words."""

    @abstractmethod
    def due_of(self, order: FulfillmentOrder) -> Said:
        """Return by when that is due."""

    @abstractmethod
    def banner_of(self, order: FulfillmentOrder) -> str:
        """Return what must not be overlooked, or nothing."""

    @abstractmethod
    def use_code(self, order: FulfillmentOrder, code: Code) -> None:
        """Act on a scanned or typed code; called while no command is being recorded."""

    @abstractmethod
    def do_next(self, order: FulfillmentOrder) -> None:
        """Do the next step."""

    # --- layout -------------------------------------------------------------------------

    def compose_body(self) -> ComposeResult:
        """Show title, next step, banner, lines and what was last said."""
        looks = Looks(
            (
                Column("ITEM", 30, share=19),
                Column("AISLE", 6),
                Column("PICKED", 14, share=1),
                Column("SKU", 10, leaves=1),
            ),
            key=lambda line: str(line.line),
            cells=self._cells,
        )
        yield Panel("", id="order-title")
        yield NextPanel("", id="next")
        yield Banner("", id="banner")
        with Horizontal(id="work-main"):
            yield WorkList(looks, id="lines")
            with VerticalScroll(id="side", can_focus=False):
                yield OrderCard("", id="side-card")
                yield Panel("", id="side-timeline")
        yield Says("", id="says")

    def on_mount(self) -> None:
        """Read the order."""
        super().on_mount()
        self.query_one("#banner", Banner).display = False
        lines = self.query_one("#lines", WorkList)
        lines.show_rows((), empty="Reading …")
        lines.focus()
        self.store_changed()

    def _cells(self, line: FulfillmentLine) -> Sequence[Cell]:
        progress = line_progress(line)
        aisle, lost = self.aisles.get(line.sku, ""), changes_of(line)
        return (
            Cell(line.name, bold=bool(line.to_pick or line.to_put_back)),
            Cell(aisle or "–", "" if aisle else "dim"),
            Cell(
                f"{progress}{f', {lost}' if lost else ''}", progress.tone, str(progress), bold=True
            ),
            Cell(line.sku, "dim"),
        )

    def on_resize(self) -> None:
        """Fill the side where it has just found room."""
        if self.order is not None:
            self.call_after_refresh(self.show, self.order)

    # --- reading ------------------------------------------------------------------------

    def store_changed(self) -> None:
        """Read the order again: it may have been cancelled or answered."""
        begin(self, self._read, "order", exclusive=True)

    async def _read(self) -> None:
        loaded = await self.host.off_loop(self._load)
        self.aisles, self.held, self.picker = loaded.aisles, loaded.held, loaded.picker
        self.show(loaded.order)
        self._show_fates(loaded.fates)
        self.recorded()  # what was scanned before the order was read

    def _load(self) -> Loaded:
        store = self.host.store
        order = store.fulfillment(self.key)
        aisles = dict(self.aisles)
        for line in () if order is None else order.lines:
            if line.sku not in aisles:
                hits = store.product_by_code(line.sku)
                aisles[line.sku] = next((hit.aisle for hit in hits if hit.sku == line.sku), "")
        signed_in = self.host.actor is not None
        held, picker = None, ""
        if signed_in and order is not None:
            held = holder_of(self.desk, order)
            picker = "" if order.wave is None else self.desk.name_of(order.wave.picker)
        return Loaded(order, store.fates_of(self.key), aisles, held, picker)

    def show(self, order: FulfillmentOrder | None) -> None:
        """Show the order as it is now."""
        if order is None:
            self.query_one(Says).bad("This order is not here any more.", "Esc goes back to Today.")
            return
        host = self.host
        store, now_ms = host.store_row, host.clock.now_ms()
        if self.order and order.total("cancelled") > self.order.total("cancelled"):
            self.cancelled_ms = now_ms
            self.app.bell()
        self.order = order
        self._show_title(order)
        self.query_one("#next", NextPanel).show(self.panel_of(order))
        held = self.held.words if self.held else ""
        banner = self.banner_of(order) or wave_words(order, self.picker) or held
        self.query_one("#banner", Banner).show(banner)
        self.query_one("#lines", WorkList).show_rows(order.lines)
        if self.has_class("-wide"):
            self.query_one("#side-card", OrderCard).show(order, store, now_ms)
        self.offer_hints()

    def _show_title(self, order: FulfillmentOrder) -> None:
        """Say whose order it is and how it stands; a long name gives way to the rest."""
        title = self.query_one("#order-title", Panel)
        status, due = STATUS[status_of(order)], self.due_of(order)
        hint = f" …{order.customer_hint}  " if order.customer_hint else "  "
        beside = cell_len(f"{order.order_number} {hint}{status}  {due}")
        title.say(
            Content.assemble(
                (f"{order.order_number} ", "bold"),
                cut(order.customer_name, title.content_size.width - beside),
                (hint, tone_style("dim")),
                (f"{status}  ", tone_style(status.tone, bold=True)),
                (str(due), tone_style(due.tone, bold=True)),
            )
        )

    def _show_fates(self, fates: Sequence[OperationFate]) -> None:
        seen = {operation.seq: operation.state for operation in fates}
        if self._seen is not None:
            for operation in fates:
                news = self._seen.get(operation.seq) != operation.state
                if news and operation.state in {"amended", "refused", "quarantined"}:
                    self.query_one(Says).news(fate(operation), operation.text)
        self._seen = seen
        rows = [self._fate_row(operation) for operation in fates[-FATES_MAX:]]
        title = Content.assemble(("\nTIMELINE", tone_style("dim")))
        self.query_one("#side-timeline", Panel).say(Content("\n").join([title, *rows]))

    def _fate_row(self, operation: OperationFate) -> Content:
        said = fate(operation)
        return Content.assemble(
            (f"{said.glyph} ", tone_style(said.tone, bold=True)),
            f"{done(operation)} ",
            (who_did(operation), tone_style("dim")),
        )

    # --- doing --------------------------------------------------------------------------

    def show_done(self, result: Any, then: Then) -> None:
        """Show the order after a command, and say what was done; nothing, where nothing was."""
        order = getattr(result, "order", result)
        if order is not None:
            self.show(order)
            super().show_done(result, then)

    @property
    def can_scan(self) -> bool:
        """Whether the order has been read."""
        return self.order is not None

    def use_scan(self, code: Code) -> None:
        """Act on a code, unless it is another order's: that one is opened."""
        order = self.order
        if order is None:
            return
        if not code.order_number:
            self.use_code(order, code)
        elif code.order_number != order.order_number:
            self.open_other(code)
        elif code.pickup_code:
            self.use_code(order, Code(code.pickup_code, pickup_code=code.pickup_code))
        else:
            self.query_one(Says).plain(f"{order.order_number} is the order on the screen.")

    @on(WorkList.Chosen, "#lines")
    def _entered(self) -> None:
        self.action_next()

    # --- actions ------------------------------------------------------------------------

    @property
    def line(self) -> FulfillmentLine | None:
        """The line under the cursor."""
        current: FulfillmentLine | None = self.query_one("#lines", WorkList).current
        return current

    def action_next(self) -> None:
        """Use what is typed, or do the next step."""
        if self.typed:
            text = self.typed
            self.set_typed("")
            self.take_code(read_code(text))
        elif self.order is not None and not self.busy:
            self.do_next(self.order)

    def action_timeline(self) -> None:
        """Show what was done with this order."""
        self.app.push_screen(OrderDetailScreen(self.key))
