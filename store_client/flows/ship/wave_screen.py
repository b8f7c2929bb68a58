"""A wave: one walk through the store, place by place, with the tote for each unit."""

from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content

from store_client.flows.ship import waves
from store_client.screens.approval import ask_approval
from store_client.screens.base import TypingScreen, begin
from store_client.screens.dialogs import Choice, ChooseDialog, ConfirmDialog
from store_client.services.desk import Refusal
from store_client.services.scanner import Code, read_code
from store_client.services.words import SHORT_REASONS, Said, refusal, units
from store_client.widgets.bars import Hint
from store_client.widgets.panels import NextPanel, NextStep, Panel, Says
from store_client.widgets.tones import tone_style
from store_client.widgets.work_list import Cell, Column, Looks, WorkList
from sync.domain.errors import OperationRefused
from sync.domain.fulfillment import ShortReason

SCANS_WAITING_MAX = 32


def _cells(row: waves.PickRow) -> Sequence[Cell]:
    todo = bool(row.to_pick)
    totes = " ".join(f"{tote}:{count}" for tote, count in row.totes)
    return (
        Cell(row.aisle or "–", "" if row.aisle else "dim", bold=todo),
        Cell(row.name, "" if todo else "dim", bold=todo),
        Cell(f"{row.to_pick}" if todo else "✓", "work" if todo else "good", bold=True),
        Cell(totes or "–", "" if todo else "dim"),
        Cell(row.sku, "dim"),
    )


_LOOKS = Looks(
    (
        Column("AISLE", 6),
        Column("ITEM", 30, share=3),
        Column("PICK", 4, right=True),
        Column("TOTE:UNITS", 16, share=1),
        Column("SKU", 10, leaves=1),
    ),
    key=lambda row: row.sku,
    cells=_cells,
    empty="Everything of this wave is picked.",
)


class WaveScreen(TypingScreen):
    """The pick list of one wave, sorted by where things lie."""

    HELP_TEXT = (
        "Walk from the top to the bottom. Scan each item: the terminal says into which tote it"
        " goes, one tote an order. F4 picks without a barcode, F7 says that nothing of it is there."
        " Nothing is lost if the power fails: open the wave again from the shipping desk."
    )
    BINDINGS = [
        Binding("escape", "back", "Back"),
        Binding("f4", "pick", "Pick one of this line by hand", id="pick"),
        Binding("f5", "type_code", "Type a code", id="type_code"),
        Binding("f7", "short", "None left of this item", id="short"),
        Binding("f8", "leave", "Give the rest of the wave back", id="leave_wave"),
    ]

    def __init__(self, name: str) -> None:
        super().__init__()
        self._wave_name = name
        self._wave: waves.Wave | None = None
        self._busy = False
        self._scans: deque[Code] = deque(maxlen=SCANS_WAITING_MAX)

    def compose_body(self) -> ComposeResult:
        """Show the next place, the list, and what the last scan did."""
        yield Panel("", id="order-title")
        yield NextPanel("", id="next")
        yield WorkList(_LOOKS, id="wave")
        yield Says("", id="says")

    def on_mount(self) -> None:
        """Read."""
        super().on_mount()
        rows = self.query_one("#wave", WorkList)
        rows.show_rows((), empty="Reading …")
        rows.focus()
        self.store_changed()

    def hints(self) -> Sequence[Hint]:
        """Return the keys to show."""
        return (
            Hint("Scan", "Pick"),
            Hint("F4", "By hand", "screen.pick"),
            Hint("F7", "None left", "screen.short"),
            Hint("F8", "Give back", "screen.leave"),
            Hint("Esc", "Back", "screen.back"),
            Hint("F1", "Help", "app.help"),
        )

    def store_changed(self) -> None:
        """Read again."""
        begin(self, self._read, "wave", exclusive=True)

    async def _read(self) -> None:
        desk = self.desk
        try:
            self._show(await self.host.off_loop(lambda: waves.find(desk, self._wave_name)))
        except OperationRefused as error:
            self._wave = None
            self.query_one("#wave", WorkList).show_rows((), empty=str(error))

    def _show(self, wave: waves.Wave) -> None:
        self._wave = wave
        title = Content.assemble(
            (f"Wave {wave.name} ", "bold"),
            (f"{len(wave.totes)} totes, picked by {wave.picker}  ", tone_style("dim")),
            (f"{wave.picked} of {wave.picked + wave.to_pick}", tone_style("work", bold=True)),
        )
        self.query_one("#order-title", Panel).say(title)
        self.query_one("#next", NextPanel).show(_next_of(wave))
        self.query_one("#wave", WorkList).show_rows(wave.rows, empty=_LOOKS.empty)

    # --- picking ------------------------------------------------------------------------

    def take_code(self, code: Code) -> None:
        """Take a scan; scans wait for each other, none is lost. An order's is opened."""
        if code.order_number:
            self.host.open_code(code)
            return
        self._scans.append(code)
        self._next_scan()

    def _next_scan(self) -> None:
        if self._scans and not self._busy:
            code = self._scans.popleft()
            self._do(lambda desk: waves.scan(desk, self._wave_name, code), self._scanned)

    def _scanned(self, scan: waves.WaveScan) -> None:
        self._show(scan.wave)
        left = [row.sku for row in scan.wave.rows if row.to_pick]
        # Where the last unit of a place was picked, the cursor walks on to the next place.
        here = scan.line.sku if scan.line.sku in left or not left else left[0]
        self.query_one("#wave", WorkList).go_to(here)
        self.query_one(Says).good(scan.says)

    @property
    def _row(self) -> waves.PickRow | None:
        found: waves.PickRow | None = self.query_one("#wave", WorkList).current
        return found

    def action_pick(self) -> None:
        """Pick one unit of the row under the cursor."""
        row = self._row
        if row is not None:
            self._do(lambda desk: waves.pick_row(desk, self._wave_name, row.sku), self._scanned)

    def action_short(self) -> None:
        """Say why nothing of the row under the cursor can be picked."""
        row = self._row
        if row is None or not row.to_pick:
            self._refuse(Refusal("Nothing of this item is to be picked.", "Choose another line."))
            return
        choices = [Choice(reason.value, label) for reason, label in SHORT_REASONS.items()]
        text = f"Gives up {units(row.to_pick)} in {len(row.totes)} orders; central looks elsewhere."

        def chosen(reason: str | None) -> None:
            if reason is not None:
                self._do(
                    lambda desk: waves.short_row(
                        desk, self._wave_name, row.sku, ShortReason(reason)
                    ),
                    partial(self._given_up, row),
                )

        self.app.push_screen(ChooseDialog(f"{row.name}: why?", choices, text=text), chosen)

    def _given_up(self, row: waves.PickRow, wave: waves.Wave) -> None:
        self._show(wave)
        self.query_one(Says).good(f"Given up {row.to_pick}: {row.name}")

    def action_leave(self) -> None:
        """Give back what is still to be picked, so that others can take it."""
        dialog = ConfirmDialog(
            "Give the wave back", "Orders that are not picked yet leave this wave.", yes="Give back"
        )

        def answered(yes: bool | None) -> None:
            if yes:
                self._do(lambda desk: waves.leave(desk, self._wave_name), lambda _: self.dismiss())

        self.app.push_screen(dialog, answered)

    # --- doing --------------------------------------------------------------------------

    def _do(self, command: Any, then: Any) -> None:
        if not self._busy:
            self._busy = True
            begin(self, partial(self._record, command, then), "perform")

    async def _record(self, command: Any, then: Any) -> None:
        try:
            desk = self.desk
            result = await self.host.off_loop(lambda: command(desk))
        except OperationRefused as error:
            if ask_approval(self, error, partial(self._do, command, then)):
                return
            self._refuse(error)
            self.store_changed()
        except Exception as error:  # noqa: BLE001 - a full disk must be said, whatever it raises
            self.host.note_error(error)
            self.query_one(Says).bad(f"NOT recorded: {error}.", "Try again; else tell support.")
        else:
            then(result)
        finally:
            self._busy = False
            self.host.approval = None
            self._next_scan()

    def _refuse(self, error: OperationRefused) -> None:
        self.query_one(Says).bad(*refusal(error))
        self.app.bell()

    # --- typing without a field ---------------------------------------------------------

    def show_typed(self, text: str) -> None:
        """Show what is typed."""
        says = self.query_one(Says)
        says.typing(text, "picks it") if text else says.plain("")

    def action_type_code(self) -> None:
        """Say that typing is enough."""
        self.query_one(Says).typing(self.typed, "picks it")

    @on(WorkList.Chosen, "#wave")
    def _entered(self, event: WorkList.Chosen) -> None:
        event.stop()
        if self.typed:
            text = self.typed
            self.set_typed("")
            self.take_code(read_code(text))
        else:
            self.query_one(Says).plain("Scan the item. No barcode? F4 picks it by hand.")

    def action_back(self) -> None:
        """Forget what is typed, or go back."""
        if self.typed:
            self.set_typed("")
        else:
            self.dismiss()


def _next_of(wave: waves.Wave) -> NextStep:
    row = next((row for row in wave.rows if row.to_pick), None)
    if row is None:
        return NextStep(Said("✓", "All picked", "good"), "Pack each tote: open its order.", "")
    where = f"Aisle {row.aisle}" if row.aisle else "Place unknown"
    tote = f"first into tote {row.totes[0][0]}" if row.totes else ""
    how = f"{row.to_pick} × {row.name}"
    return NextStep(Said("◐", where, "work"), how, f"Scan each one; {tote}")
