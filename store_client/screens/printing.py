"""Printing: what waits for a printer, what may be on paper already, and what was printed."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.widgets import Static

from store_client.devices import OPEN_STATES, PrintJob
from store_client.screens.base import begin
from store_client.screens.dialogs import Choice, ChooseDialog, ConfirmDialog
from store_client.screens.recording import RecordingScreen, Then
from store_client.services import printing
from store_client.services.words import day_time
from store_client.widgets.bars import Hint
from store_client.widgets.panels import Says
from store_client.widgets.tones import tone_style
from store_client.widgets.work_list import Cell, Column, Looks, WorkList

NO_PRINTERS = "No printer is set up on this machine: everything is written as files."
EMPTY = "Nothing waits for a printer, and nothing was printed yet."


def _looks(cells: Callable[[PrintJob], Sequence[Cell]]) -> Looks:
    return Looks(
        (
            Column("STATE", 22, share=1),
            Column("WHAT", 24, share=2),
            Column("PRINTER", 12, leaves=1),
            Column("SINCE", 12, leaves=2),
        ),
        key=lambda job: str(job.id),
        cells=cells,
        empty=EMPTY,
    )


class PrintScreen(RecordingScreen):
    """The print queue of this machine."""

    HELP_TEXT = (
        "Nobody waits for a printer: what is printed waits here, and the daemon prints it when the"
        " printer is there, after a power cut too. What may be on paper already is printed again"
        " with the word COPY on it; what cannot carry that word waits until you have looked. F4"
        " prints the one under the cursor now, or once more as a copy; F6 on another printer; F7"
        " takes it out. F5 prints a list of everything that is to be picked."
    )
    BINDINGS = [
        Binding("escape", "back", "Back"),
        Binding("f4", "again", "Print now, or once more as a copy", id="print_again"),
        Binding("f5", "pick_list", "Print a pick list of everything to pick", id="pick_list"),
        Binding("f6", "move", "Print on another printer", id="print_move"),
        Binding("f7", "cancel", "Print it no more", id="print_cancel"),
    ]

    def compose_body(self) -> ComposeResult:
        """Show the list, and why the one under the cursor waits."""
        yield Static("", id="print-facts")
        yield WorkList(_looks(self._cells), id="prints")
        yield Static("", id="print-detail", markup=False)
        yield Says("", id="print-says")

    def on_mount(self) -> None:
        """Read."""
        super().on_mount()
        self.query_one("#prints", WorkList).focus()
        self.store_changed()

    def hints(self) -> Sequence[Hint]:
        """Return the keys to show."""
        return (
            Hint("F4", "Print now, copy", "screen.again"),
            Hint("F5", "Pick list", "screen.pick_list"),
            Hint("F6", "Other printer", "screen.move"),
            Hint("F7", "Cancel", "screen.cancel"),
            Hint("Esc", "Back", "screen.back"),
            Hint("F1", "Help", "app.help"),
        )

    def _cells(self, job: PrintJob) -> Sequence[Cell]:
        said = printing.state_of(job)
        host = self.host
        what = f"COPY {job.name}" if job.is_copy else job.name
        short = f"{said.glyph} {said.short}" if said.short else ""
        return (
            Cell(str(said), said.tone, short, bold=said.tone == "warn"),
            Cell(what, bold=job.state in OPEN_STATES),
            Cell(job.printer, "dim"),
            Cell(day_time(host.store_row, job.created_ms, host.clock.now_ms()), "dim"),
        )

    def store_changed(self) -> None:
        """Read again."""
        begin(self, self._read, "prints", exclusive=True)

    async def _read(self) -> None:
        queue = self.host.settings.devices.queue
        jobs = await self.host.off_loop(queue.jobs)
        waiting = sum(job.state in OPEN_STATES for job in jobs)
        words, tone = (f"{waiting} waiting", "work") if waiting else ("Nothing waits", "dim")
        printers = ", ".join(queue.printers())
        facts = f"   printers: {printers}" if printers else f"   {NO_PRINTERS}"
        if self.host.sync_state is not None and not self.host.sync_state.daemon_alive:
            facts += "   The daemon is not running: nothing prints."
        self.query_one("#print-facts", Static).update(
            Content.assemble((words, tone_style(tone, bold=True)), (facts, tone_style("dim")))
        )
        self.query_one("#prints", WorkList).show_rows(jobs)
        self._detail()

    @property
    def _current(self) -> PrintJob | None:
        found: PrintJob | None = self.query_one("#prints", WorkList).current
        return found

    @on(WorkList.Moved, "#prints")
    def _detail(self) -> None:
        job = self._current
        words = "" if job is None else job.problem
        self.query_one("#print-detail", Static).update(words)

    # --- doing --------------------------------------------------------------------------

    @on(WorkList.Chosen, "#prints")
    def _chosen(self, event: WorkList.Chosen) -> None:
        event.stop()
        self.action_again()

    def action_again(self) -> None:
        """Print the one under the cursor now; what is on paper already, as a copy."""
        job = self._current
        if job is not None:
            self.do(partial(printing.print_again, job_id=job.id), f"{job.name} is printed again")

    def action_move(self) -> None:
        """Choose another printer for it."""
        job = self._current
        names = list(self.host.settings.devices.queue.printers())
        if job is None or not names:
            self.query_one(Says).bad("There is no other printer here.")
            return

        def chosen(name: str | None) -> None:
            if name is not None:
                again = partial(printing.print_again, job_id=job.id, printer=name)
                self.do_answer(again, f"{job.name} is printed on {name}")

        choices = [Choice(name, name) for name in names]
        self.app.push_screen(ChooseDialog("On which printer?", choices), chosen)

    def action_cancel(self) -> None:
        """Ask, and print it no more."""
        job = self._current
        if job is None:
            return

        def sure(yes: bool | None) -> None:
            if yes:
                self.do_answer(
                    partial(printing.cancel_print, job_id=job.id), f"{job.name} is cancelled"
                )

        dialog = ConfirmDialog("Cancel the print", f"{job.name} is not printed.", yes="Cancel it")
        self.app.push_screen(dialog, sure)

    def action_pick_list(self) -> None:
        """Print a list of everything that is to be picked."""
        flows = [flow.name for flow in self.host.flows]
        self.do(partial(printing.print_pick_list, flows=flows), str)

    def show_done(self, result: Any, then: Then) -> None:
        """Say what was done, and look at the queue again."""
        super().show_done(result, then)
        self.store_changed()
