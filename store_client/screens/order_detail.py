"""One order in full: facts, lines, and what was done with it here, with central's answers."""

from collections.abc import Sequence
from functools import partial

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from store_client.ports import OperationFate
from store_client.screens.base import TerminalScreen, begin
from store_client.services.words import day_time, done, fate, who_did
from store_client.widgets.bars import Hint
from store_client.widgets.panels import OrderCard
from store_client.widgets.tones import tone_style
from store_client.widgets.work_list import Cell, Column, Looks, WorkList
from sync.domain.fulfillment import FulfillmentOrder


def timeline_cells(
    screen: TerminalScreen, names: dict[str, str], operation: OperationFate
) -> Sequence[Cell]:
    """Return an operation of one order: when, what, who, and what central said."""
    host, said = screen.host, fate(operation)
    return (
        Cell(day_time(host.store_row, operation.at_ms, host.clock.now_ms())),
        Cell(done(operation), bold=True),
        Cell(who_did(operation, names), "dim"),
        Cell(str(said), said.tone),
    )


class OrderDetailScreen(TerminalScreen):
    """Facts on the left, the timeline on the right or below."""

    HELP_TEXT = (
        "What was done with this order at this store: when, by whom, and whether central has it."
        " Lines that wait are safe on this machine and go out by themselves."
    )
    BINDINGS = [Binding("escape", "back", "Back")]

    def __init__(self, fulfillment_id: str) -> None:
        super().__init__()
        self._key = fulfillment_id
        self._names: dict[str, str] = {}

    def compose_body(self) -> ComposeResult:
        """Show the card and the timeline."""
        looks = Looks(
            (
                Column("TIME", 9),
                Column("WHAT", 20, share=1),
                Column("WHO", 9, leaves=1),
                Column("CENTRAL", 18, share=1),
            ),
            key=lambda operation: str(operation.seq),
            cells=partial(timeline_cells, self, self._names),
            empty="Nothing was done with it at this store yet.",
        )
        with Horizontal(id="detail"):
            with VerticalScroll(id="detail-facts"):
                yield OrderCard("", id="detail-card")
            with Vertical(id="detail-timeline"):
                yield WorkList(looks, id="timeline")
                yield Static("", id="timeline-says")

    def on_mount(self) -> None:
        """Read."""
        super().on_mount()
        self.query_one("#timeline", WorkList).focus()
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
        begin(self, self._read, "detail", exclusive=True)

    async def _read(self) -> None:
        host, key = self.host, self._key

        def read() -> tuple[FulfillmentOrder | None, Sequence[OperationFate], dict[str, str]]:
            names = {person.id: person.name for person in host.store.associates()}
            return host.store.fulfillment(key), host.store.fates_of(key), names

        order, fates, names = await host.off_loop(read)
        self._names.update(names)
        self.query_one(OrderCard).show(order, host.store_row, host.clock.now_ms())
        self.query_one("#timeline", WorkList).show_rows(fates)
        self._says()

    @on(WorkList.Moved, "#timeline")
    def _says(self) -> None:
        operation: OperationFate | None = self.query_one("#timeline", WorkList).current
        if operation is not None:
            said = fate(operation)
            words = (str(said), tone_style(said.tone, bold=True))
            self.query_one("#timeline-says", Static).update(
                Content.assemble(words, f" {operation.text}")
            )

    def action_back(self) -> None:
        """Go back."""
        self.dismiss()
