"""The curbside desk: who waits outside, where, in which car and for how long."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual import on
from textual.binding import Binding
from textual.content import Content
from textual.widgets import Static

from store_client.flows.curbside import commands
from store_client.flows.curbside.board import waits_said
from store_client.flows.curbside.screen import arrival_question
from store_client.ports import BoardRow
from store_client.screens.dialogs import EntryDialog
from store_client.screens.wave_start import WaveDeskScreen
from store_client.services.board import Facts, facts_of, facts_of_row
from store_client.services.desk import Desk, Refusal
from store_client.services.fetching_board import step_words
from store_client.services.words import Said, units
from store_client.widgets.bars import Hint
from store_client.widgets.panels import Says
from store_client.widgets.tones import tone_style
from store_client.widgets.work_list import Cell, Column, Looks, WorkList
from sync.domain.flows.curbside import NAME
from sync.domain.fulfillment import FulfillmentOrder

NOT_YET = Said("", "")


@dataclass(frozen=True, slots=True)
class Row:
    """An order, and where its customer waits if they are here."""

    id: str
    number: str
    customer: str
    spot: str
    where: str
    waits: Said
    step: Said


def _cells(row: Row) -> Sequence[Cell]:
    is_here = bool(row.where)
    return (
        Cell(row.where or "not here yet", "" if is_here else "dim", bold=is_here),
        Cell(str(row.waits), row.waits.tone, bold=is_here),
        Cell(f"{row.number} {row.customer}"),
        Cell(str(row.step), row.step.tone, f"{row.step.glyph} {row.step.short}".strip()),
        Cell(row.spot or "–", "" if row.spot else "dim"),
    )


_LOOKS = Looks(
    (
        Column("OUTSIDE", 18, share=2),
        Column("WAITS", 9),
        Column("ORDER", 22, share=2),
        Column("STATE", 16, share=2),
        Column("SPOT", 4),
    ),
    key=lambda row: row.id,
    cells=_cells,
    empty="No order is to be brought out.",
)


class CurbsideDeskScreen(WaveDeskScreen):
    """Customers in their cars, the longest wait first; then the orders that may still be called."""

    HELP_TEXT = (
        "Whoever waits outside stands on top, with the spot, the car and the time: customers say so"
        " themselves, or F6 notes it for the order under the cursor. Enter opens the order: take it"
        " from the shelf, bring it out, and hand it over there by code or document. F7 puts all"
        " that wait to be picked into a wave. F8 takes an arrival back. All of it works without a"
        " network."
    )
    LOOKS = _LOOKS
    BINDINGS = [
        Binding("escape", "back", "Back"),
        Binding("f6", "arrived", "Customer of this order waits outside", id="arrived"),
        Binding("f7", "wave", "Start a wave with all that wait to be picked", id="start_wave"),
        Binding("f8", "left", "Nobody waits outside for this order", id="left"),
    ]

    def hints(self) -> Sequence[Hint]:
        """Return the keys to show: those about orders only where there are any."""
        about_orders = (
            Hint("Enter", "Open"),
            Hint("F6", "Arrived", "screen.arrived"),
            Hint("F7", "Start wave", "screen.wave"),
            Hint("F8", "Nobody there", "screen.left"),
        )
        return (
            *(about_orders if self._current is not None else ()),
            Hint("Esc", "Back", "screen.back"),
            Hint("F1", "Help", "app.help"),
        )

    async def read(self) -> None:
        """Read the rows and show them."""
        desk = self.desk
        rows = await self.host.off_loop(lambda: self._look(desk))
        here = sum(bool(row.where) for row in rows)
        tone = tone_style("bad" if here else "dim", bold=bool(here))
        said = f"{units(here, 'customer')} outside" if here else "Nobody waits outside"
        facts = Content.assemble(
            (said, tone), (f"   {len(rows) - here} not here yet", tone_style("dim"))
        )
        self.query_one("#inbox-facts", Static).update(facts)
        self.query_one("#desk", WorkList).show_rows(rows, empty=_LOOKS.empty)
        self.offer_hints()

    def _look(self, desk: Desk) -> list[Row]:
        store, now_ms = desk.store.store_row(), desk.store.central_now_ms()

        def row(
            of: FulfillmentOrder | BoardRow, facts: Facts, where: str = "", waits: Said = NOT_YET
        ) -> Row:
            step = step_words(facts, store, now_ms)
            return Row(
                of.id, of.order_number, of.customer_name, of.staging_spot, where, waits, step
            )

        rows, outside = [], commands.outside(desk)
        for one in outside:
            car = f" {one.arrival.vehicle}" if one.arrival.vehicle else ""
            waits = waits_said(one.arrival, now_ms)
            where = f"{one.arrival.parking}{car}"
            rows.append(row(one.order, facts_of(one.order), where, waits))
        return rows + [row(one, facts_of_row(one)) for one in commands.not_here(desk, outside)]

    @property
    def _current(self) -> Row | None:
        found: Row | None = self.query_one("#desk", WorkList).current
        return found

    def _row(self) -> Row | None:
        """Return the row under the cursor; say so where the desk is empty."""
        row = self._current
        if row is None:
            self.refuse(Refusal("No order is to be brought out.", "New ones appear by themselves."))
        return row

    @on(WorkList.Chosen, "#desk")
    def _chosen(self, event: WorkList.Chosen) -> None:
        event.stop()
        row = self._row()
        if row is not None:
            self.host.open_order(NAME, row.id)

    def action_arrived(self) -> None:
        """Ask where the car of the order under the cursor stands."""
        row = self._row()
        if row is None:
            return
        key = row.id
        self.app.push_screen(
            EntryDialog(  # whoever answers acts: the desk may be another's by then
                arrival_question(self.desk, row.number),
                lambda text: commands.arrived_at(self.desk, key, text),
            ),
            self._arrived,
        )

    def _arrived(self, order: FulfillmentOrder | None) -> None:
        if order is not None:
            self.query_one(Says).good(f"{order.order_number}: waits outside. Bring it out")
        self.store_changed()

    def action_wave(self) -> None:
        """Pick several orders on one walk."""
        self.start_wave(NAME)

    def action_left(self) -> None:
        """Take an arrival back."""
        row = self._row()
        if row is not None:
            key = row.id
            self.do(lambda desk: commands.left(desk, key), self._gone)

    def _gone(self, order: FulfillmentOrder) -> str:
        self.store_changed()
        return f"{order.order_number}: nobody waits outside"
