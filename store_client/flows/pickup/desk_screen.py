"""The pickup desk: waves that are picked now, and orders that wait to be picked together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from textual import on
from textual.binding import Binding
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from store_client.flows.pickup.board import due_words, facts_of
from store_client.screens.wave import WaveScreen
from store_client.screens.wave_start import WaveDeskScreen
from store_client.services import waves
from store_client.services.desk import Desk, Refusal
from store_client.services.open_orders import for_a_desk
from store_client.services.spots import spots_of, spots_words
from store_client.services.words import Said, units
from store_client.widgets.bars import Hint
from store_client.widgets.tones import tone_style
from store_client.widgets.work_list import Cell, Column, Looks, WorkList
from sync.domain.flows.pickup import NAME


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the desk: a wave, or an order that is in none."""

    key: str
    what: str
    tone: str
    state: str
    due: Said
    who: str
    wave: waves.WaveName | None = None
    order_id: str = ""


def _cells(row: Row) -> Sequence[Cell]:
    return (
        Cell(row.what, row.tone, bold=row.wave is not None),
        Cell(row.state),
        Cell(str(row.due), row.due.tone),
        Cell(row.who, "dim"),
    )


_LOOKS = Looks(
    (
        Column("WAVE, ORDER", 22, share=2),
        Column("TO PICK", 20, share=1),
        Column("DUE", 14),
        Column("WHO", 16, share=1),
    ),
    key=lambda row: row.key,
    cells=_cells,
    empty="No pickup order waits to be picked.",
)


class PickupDeskScreen(WaveDeskScreen):
    """Open waves with who picks them, and the orders to choose for the next one."""

    HELP_TEXT = (
        "F6 puts the marked orders into a wave, or all new ones if none is marked, the most urgent"
        " first: one walk through the store, one tote an order. Space marks the order under the"
        " cursor. Enter opens a wave, also one of another terminal: who picks it stands beside it."
        " How full the hold shelf is stands on top. All of it works without a network."
    )
    LOOKS = _LOOKS
    BINDINGS = [
        Binding("escape", "back", "Back"),
        Binding("space", "mark", "Mark this order for the next wave", id="mark"),
        Binding("f6", "wave", "Start a wave with the marked orders, or all", id="start_wave"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._marked: set[str] = set()

    def more_facts(self) -> Iterator[Widget]:
        """Say how full the hold shelf is."""
        yield Static("", id="shelf-facts")

    def hints(self) -> Sequence[Hint]:
        """Return the keys to show."""
        return (
            Hint("Enter", "Open"),
            Hint("Space", "Mark", "screen.mark"),
            Hint("F6", "Start wave", "screen.wave"),
            Hint("Esc", "Back", "screen.back"),
            Hint("F1", "Help", "app.help"),
        )

    async def read(self) -> None:
        """Read the rows and show them."""
        desk = self.desk
        rows, more, shelf = await self.host.off_loop(partial(self._look, desk))
        free = {row.order_id for row in rows if row.order_id}
        self._marked &= free
        marked = len(self._marked)
        facts = Content.assemble(
            (f"{len(free) + more} to pick, in no wave", tone_style("work" if free else "dim")),
            (f"   the {len(free)} most urgent are listed" if more else "", tone_style("dim")),
            (f"   {marked} marked" if marked else "   none marked: F6 takes all",
             tone_style("work" if marked else "dim")),
        )  # fmt: skip
        self.query_one("#inbox-facts", Static).update(facts)
        self.query_one("#shelf-facts", Static).update(Content.assemble((shelf, tone_style("dim"))))
        self.query_one("#desk", WorkList).show_rows(rows, empty=_LOOKS.empty)

    def _look(self, desk: Desk) -> tuple[list[Row], int, str]:
        store, now_ms = desk.store.store_row(), desk.store.central_now_ms()
        orders, unread = for_a_desk(desk, NAME)
        rows = [
            Row(f"wave {wave.name}", f"≡ Wave {wave.name}", "work", _state(wave), Said("", ""),
                desk.name_of(wave.picker), wave=wave.key)
            for wave in waves.waves_of(orders)
        ]  # fmt: skip
        for order in waves.free_orders(orders):
            mark = "☑" if order.id in self._marked else "☐"
            todo = f"{order.total('to_pick')} in {units(len(order.lines), 'line')}"
            due = due_words(facts_of(order), store, now_ms)
            rows.append(
                Row(order.id, f"{mark} {order.order_number}", "", todo, due, order.customer_name,
                    order_id=order.id)
            )  # fmt: skip
        return rows, len(unread), spots_words(spots_of(desk))

    # --- acting -------------------------------------------------------------------------

    @property
    def _current(self) -> Row | None:
        found: Row | None = self.query_one("#desk", WorkList).current
        return found

    @on(WorkList.Chosen, "#desk")
    def _chosen(self, event: WorkList.Chosen) -> None:
        event.stop()
        row = self._current
        if row is not None and row.wave is not None:
            self.app.push_screen(WaveScreen(row.wave))
        elif row is not None:
            self.host.open_order(NAME, row.order_id)

    def action_mark(self) -> None:
        """Mark the order under the cursor for the next wave, or unmark it."""
        row = self._current
        if row is None or not row.order_id:
            self.refuse(Refusal("Only an order can be marked.", "Enter opens a wave."))
            return
        self._marked ^= {row.order_id}
        self.store_changed()

    def action_wave(self) -> None:
        """Ask when to sort, start a wave, and open it."""
        self.start_wave(NAME, tuple(self._marked))

    def wave_started(self, wave: waves.Wave) -> None:
        """Open the wave; what it left out is still marked for the next one."""
        self._marked &= {one.order_id for one in wave.left_out}
        super().wave_started(wave)


def _state(wave: waves.Wave) -> str:
    done = f"{wave.picked} of {wave.picked + wave.to_pick}"
    return f"{done}, sort {wave.to_sort}" if wave.to_sort else f"{done} picked"
