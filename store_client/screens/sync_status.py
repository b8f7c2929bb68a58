"""Sync: what this store did, whether central has it, and what central said to each."""

from collections.abc import Sequence
from functools import partial

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.widgets import Static

from store_client.ports import OperationFate, SyncState
from store_client.screens.base import TerminalScreen, begin
from store_client.services.words import about, connection, day_time, done, duration, fate, who_did
from store_client.widgets.bars import Hint
from store_client.widgets.tones import tone_style
from store_client.widgets.work_list import Cell, Column, Looks, WorkList
from sync.protocol.rows import StoreRow

OPERATIONS_MAX = 500
SKEW_WORRIES_MS = 120_000


def _looks(cells: partial[Sequence[Cell]]) -> Looks:
    return Looks(
        (
            Column("NO.", 5, leaves=3, right=True),
            Column("TIME", 9),
            Column("WHAT", 24, share=1),
            Column("ORDER", 10, leaves=1),
            Column("BY", 5, leaves=2),
            Column("CENTRAL", 24, share=1),
        ),
        key=lambda operation: f"{operation.at_ms}-{operation.seq}",
        cells=cells,
        empty="This store has recorded nothing yet.",
    )


def operation_cells(screen: TerminalScreen, operation: OperationFate) -> Sequence[Cell]:
    """Return an operation as cells: number, time, what, order, who, fate."""
    host, said = screen.host, fate(operation)
    return (
        Cell(str(operation.seq), "dim"),
        Cell(day_time(host.store_row, operation.at_ms, host.clock.now_ms())),
        Cell(done(operation), bold=True),
        Cell(operation.order_number or "–"),
        Cell(who_did(operation), "dim"),
        Cell(str(said), said.tone),
    )


class SyncStatusScreen(TerminalScreen):
    """Connection, backlog, and the fate of each operation in words."""

    HELP_TEXT = (
        "Everything done here is on this machine's disk before the screen says so, and is sent in"
        " order as soon as central can be reached. Nothing is sent twice and nothing is lost;"
        " central answers each operation once. “Held for a person” means that central keeps it"
        " whole and somebody there looks at it: there is nothing for you to do."
    )
    BINDINGS = [Binding("escape", "back", "Back")]

    def compose_body(self) -> ComposeResult:
        """Show facts, operations, and the one under the cursor."""
        yield Static("", id="sync-facts")
        yield WorkList(_looks(partial(operation_cells, self)), id="operations")
        yield Static("", id="operation-detail")

    def on_mount(self) -> None:
        """Read."""
        super().on_mount()
        self.query_one("#operations", WorkList).focus()
        self.store_changed()

    def hints(self) -> Sequence[Hint]:
        """Return the keys to show."""
        return (
            Hint("↑ ↓", "Look through"),
            Hint("Esc", "Back", "screen.back"),
            Hint("F2", "Today", "app.today"),
            Hint("F1", "Help", "app.help"),
        )

    def store_changed(self) -> None:
        """Read again."""
        begin(self, self._read, "sync", exclusive=True)

    def standing_changed(self) -> None:
        """Never say of the connection anything else than the bar does."""
        self.store_changed()

    async def _read(self) -> None:
        host = self.host

        def read() -> tuple[SyncState, Sequence[OperationFate]]:
            return host.store.sync_state(), host.store.operations(OPERATIONS_MAX)

        state, operations = await host.off_loop(read)
        now_ms = host.clock.now_ms()
        facts = facts_of(state, host.store_row, now_ms, cut=host.network_is_cut)
        self.query_one("#sync-facts", Static).update(facts)
        self.query_one("#operations", WorkList).show_rows(operations)
        self._detail()

    @on(WorkList.Moved, "#operations")
    def _detail(self) -> None:
        operation: OperationFate | None = self.query_one("#operations", WorkList).current
        detail = self.query_one("#operation-detail", Static)
        detail.display = operation is not None
        if operation is not None:
            said = fate(operation)
            text = f"\n  {operation.text}" if operation.text else ""
            detail.update(
                Content.assemble(
                    (f"{said} ", tone_style(said.tone, bold=True)),
                    f"{done(operation)}{about(operation)}{text}",
                )
            )

    def action_back(self) -> None:
        """Go back."""
        self.dismiss()


def facts_of(state: SyncState, store: StoreRow | None, now_ms: int, *, cut: bool) -> Content:
    """Return the facts about the connection, one a line."""
    said = connection(state, now_ms, cut=cut)
    lines = [
        Content.assemble(
            ("Connection   ", tone_style("dim")), (str(said), tone_style(said.tone, bold=True))
        ),
        _fact("Last answer", _contact(state, store, now_ms)),
        _fact("Waiting", _backlog(state)),
    ]
    if state.quarantined:
        lines.append(_fact("Held", f"{state.quarantined} at central, looked after there", "warn"))
    if state.last_error:
        lines.append(_fact("Last error", state.last_error, "warn"))
    if abs(state.clock_offset_ms) > SKEW_WORRIES_MS:
        ahead = duration(abs(state.clock_offset_ms))
        which = "behind" if state.clock_offset_ms > 0 else "ahead of"
        lines.append(_fact("Clock", f"this machine is {ahead} {which} central", "warn"))
    lines += [_fact("Note", alert, "dim") for alert in state.alerts[:1]]
    return Content("\n").join(lines)


def _fact(name: str, value: str, tone: str = "") -> Content:
    return Content.assemble((f"{name:<13}", tone_style("dim")), (value, tone_style(tone)))


def _contact(state: SyncState, store: StoreRow | None, now_ms: int) -> str:
    if state.last_contact_ms is None:
        return "never"
    ago = duration(now_ms - state.last_contact_ms)
    return f"{ago} ago ({day_time(store, state.last_contact_ms, now_ms)})"


def _backlog(state: SyncState) -> str:
    if not state.backlog:
        return "nothing: central has everything"
    return f"{state.backlog} recorded here, safe on this disk, not yet at central"
