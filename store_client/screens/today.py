"""Today: what to do next in this store, most urgent first, live."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from store_client.ports import BoardRow, Store
from store_client.screens.base import TypingScreen, begin
from store_client.screens.drawer import DrawerScreen
from store_client.screens.host import FlowDesk, FlowUi
from store_client.services.board import OPEN_MAX, BoardEntry, Group, summary
from store_client.services.holder import Held, rows_of_others
from store_client.services.scanner import Code, read_code
from store_client.widgets.bars import Hint
from store_client.widgets.panels import OrderCard, Says
from store_client.widgets.tones import tone_style
from store_client.widgets.work_list import Cell, Column, Looks, WorkList
from sync.domain.fulfillment import FulfillmentOrder

PAGE = 500
FILTERS: tuple[Group | None, ...] = (
    None, Group.PUT_BACK, Group.TO_DO, Group.TO_PACK, Group.TO_SHELF, Group.WAITING,
)  # fmt: skip
_TONES = {
    Group.PUT_BACK: "bad", Group.TO_DO: "work", Group.TO_PACK: "work", Group.TO_SHELF: "work",
    Group.WAITING: "good",
}  # fmt: skip


class Entry(NamedTuple):
    """A board's entry and the flow that it belongs to."""

    flow: str
    entry: BoardEntry
    held: Held | None = None
    """Who else picks it."""


def _cells(row: Entry) -> Sequence[Cell]:
    entry = row.entry
    step, due = entry.step, entry.due
    short = f"{step.glyph} {step.short}" if step.short else ""
    words = f"{step}: {row.held.name}, {row.held.device}" if row.held else str(step)
    return (
        Cell(words, step.tone, short, bold=entry.late),
        Cell(entry.order_number + ("?" if entry.provisional else ""), bold=True),
        Cell(entry.customer),
        Cell(str(entry.units)),
        Cell(str(due), due.tone, bold=entry.late),
        Cell(entry.spot or "–", "" if entry.spot else "dim"),
    )


_LOOKS = Looks(
    (
        Column("NEXT", 26, share=3),
        Column("ORDER", 10),
        Column("CUSTOMER", 12, share=3, leaves=1),
        Column("QTY", 3, leaves=3, right=True),
        Column("DUE", 14),
        Column("SPOT", 4, leaves=2),
    ),
    key=lambda row: row.entry.id,
    cells=_cells,
    empty="Nothing to do. New orders appear here by themselves.",
)


class TodayScreen(TypingScreen):
    """The queue of work, with the order under the cursor beside it where there is room."""

    HELP_TEXT = (
        "Every open order of this store, most urgent first; it refreshes by itself. Enter opens"
        " the order under the cursor. Scan an order number to open it, scan an item to look it"
        " up, or just type a name, an order number or a product."
    )
    BINDINGS = [
        Binding("escape", "clear_typed", "Clear what was typed", show=False),
        Binding("right", "filter(1)", "Next filter"),
        Binding("left", "filter(-1)", "Previous filter"),
        Binding("f8", "drawer", "Drawer: open, count, tender report", id="drawer"),
        Binding("f5", "type_code", "Type a code, a name or an order number", id="type_code"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._entries: list[Entry] = []
        self._filter: Group | None = None
        self._loaded = False
        self._stale = False

    def compose_body(self) -> ComposeResult:
        """Show counts, the list, and the order under the cursor."""
        yield Static("", id="chips")
        with Horizontal(id="today-main"):
            yield WorkList(_LOOKS, id="board")
            with VerticalScroll(id="preview", can_focus=False):
                yield OrderCard("", id="preview-card")
        yield Says("", id="says")

    def on_mount(self) -> None:
        """Show the frame at once, then read."""
        super().on_mount()
        self._bind_desks()
        board = self.query_one("#board", WorkList)
        board.show_rows((), empty="Reading this store's orders …")
        board.focus()
        self._show_chips()
        self._load()

    def hints(self) -> Sequence[Hint]:
        """Return the keys to show."""
        desks = [
            Hint(desk.key.upper(), desk.label, f"screen.flow_desk('{name}')")
            for name, desk in self._desks().items()
        ]
        return (
            Hint("Enter", "Open"),
            Hint("◂ ▸", "Filter", "screen.filter(1)"),
            *desks,
            Hint("F3", "Find", "app.find"),
            Hint("F10", "Menu", "app.command_palette"),
            Hint("F1", "Help", "app.help"),
            Hint("^L", "Sign out", "app.sign_out"),
        )

    # --- desks of flows ------------------------------------------------------------------

    def _desks(self) -> dict[str, FlowDesk]:
        """Return the desks that this store has a use for, by their flow."""
        row = self.host.store_row
        return {
            flow.name: flow.desk
            for flow in self.host.flows
            if flow.desk is not None and row is not None and flow.desk.offered(row)
        }

    def _bind_desks(self) -> None:
        self.more_keys = [
            Binding(flow.desk.key, f"flow_desk('{flow.name}')", flow.desk.help)
            for flow in self.host.flows
            if flow.desk is not None
        ]
        for key in self.more_keys:
            self._bindings.bind(key.key, key.action, key.description)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer a desk only where the store has a use for it."""
        if action == "flow_desk":
            return bool(parameters) and parameters[0] in self._desks()
        return super().check_action(action, parameters)

    def action_flow_desk(self, flow: str) -> None:
        """Open the desk of a flow."""
        desk = self._desks().get(flow)
        if desk is not None:
            self.app.push_screen(desk.screen())

    # --- the queue ----------------------------------------------------------------------

    def store_changed(self) -> None:
        """Read the queue again; later, where another screen is in front."""
        if self.in_front:
            self._load()
        else:
            self._stale = True

    def on_screen_resume(self) -> None:
        """Catch up with what changed while another screen was in front."""
        if self._stale and self.is_mounted:
            self._load()

    def _load(self) -> None:
        self._stale = False
        begin(self, self._read, "board", exclusive=True)

    async def _read(self) -> None:
        host = self.host
        entries: list[Entry] = []
        for flow in host.flows:
            offset = 0
            while offset < OPEN_MAX:
                page = await host.off_loop(lambda f=flow, o=offset: self._page(f, o))  # type: ignore[misc]
                entries += page
                offset += PAGE
                if len(page) < PAGE:
                    break
                if not self._loaded:
                    self._show(sorted(entries, key=_rank))
        self._loaded = True
        self._show(sorted(entries, key=_rank))

    def _page(self, flow: FlowUi, offset: int) -> list[Entry]:
        host = self.host
        store: Store = host.store
        rows: Sequence[BoardRow] = store.board(flow.name, limit=PAGE, offset=offset)
        row, now_ms = host.store_row, host.central_now_ms()
        held = rows_of_others(store, host.actor, rows)
        return [
            Entry(flow.name, flow.board.describe(each, row, now_ms), held.get(each.id))
            for each in rows
        ]

    def _show(self, entries: list[Entry]) -> None:
        self._entries = entries
        self._show_chips()
        self._show_filtered()
        self._preview()

    def _filters(self) -> list[Group | None]:
        """Return the kinds of work; packing only where there is some."""
        counts = summary([row.entry for row in self._entries])
        packs, shelves = counts[Group.TO_PACK], counts[Group.TO_SHELF]
        hidden = {Group.TO_PACK} if not packs else set() if shelves else {Group.TO_SHELF}
        return [one for one in FILTERS if one not in hidden]

    def _show_filtered(self) -> None:
        group = self._filter
        shown = [row for row in self._entries if group is None or row.entry.group is group]
        empty = _LOOKS.empty if group is None else f"Nothing to {group.value}."
        self.query_one("#board", WorkList).show_rows(shown, empty=empty)

    def _show_chips(self) -> None:
        entries = [row.entry for row in self._entries]
        counts = summary(entries)
        late = sum(entry.late for entry in entries)
        parts = [
            _chip("All", len(entries), "", here=self._filter is None),
            *(
                _chip(group.value.capitalize(), counts[group], _TONES[group],
                      here=self._filter is group)
                for group in self._filters()
                if group is not None
            ),
        ]  # fmt: skip
        if late:
            parts.append(Content.assemble((f" ! {late} late ", tone_style("bad", bold=True))))
        self.query_one("#chips", Static).update(Content(" ").join(parts))

    def action_filter(self, by: int) -> None:
        """Show another kind of work only."""
        filters = self._filters()
        here = filters.index(self._filter) if self._filter in filters else 0
        self._filter = filters[(here + by) % len(filters)]
        self._show_chips()
        self._show_filtered()

    # --- the order under the cursor -----------------------------------------------------

    @on(WorkList.Moved, "#board")
    def _moved(self) -> None:
        self._preview()

    def _preview(self) -> None:
        if self.has_class("-wide"):
            key = self.query_one("#board", WorkList).current_key
            begin(self, partial(self._read_preview, key), "preview", exclusive=True)

    async def _read_preview(self, key: str) -> None:
        host = self.host
        order: FulfillmentOrder | None = None
        if key:
            order = await host.off_loop(lambda: host.store.fulfillment(key))
        card = self.query_one("#preview-card", OrderCard)
        card.show(order, host.store_row, host.central_now_ms())

    def on_resize(self) -> None:
        """Fill the preview where it has just found room."""
        self.call_after_refresh(self._preview)

    # --- opening and typing -------------------------------------------------------------

    @on(WorkList.Chosen, "#board")
    def _chosen(self, event: WorkList.Chosen) -> None:
        if self.typed:
            self._use_typed()
            return
        row = event.list.current
        if row is not None:
            self.host.open_order(row.flow, row.entry.id)

    def action_drawer(self) -> None:
        """Open the drawer of this terminal."""
        self.app.push_screen(DrawerScreen())

    def show_typed(self, text: str) -> None:
        """Show what is typed."""
        says = self.query_one(Says)
        says.typing(text, "finds it") if text else says.plain("")

    def action_type_code(self) -> None:
        """Say that typing is enough."""
        self.query_one(Says).typing(self.typed, "finds it")

    def action_clear_typed(self) -> None:
        """Forget what was typed."""
        self.set_typed("")

    def _use_typed(self) -> None:
        text = self.typed
        self.set_typed("")
        self.take_code(read_code(text))

    def take_code(self, code: Code) -> None:
        """Open the order with this number, what lies at this spot, or look the code up."""
        self.host.open_code(code)


def _rank(row: Entry) -> tuple[int, int, str]:
    return row.entry.rank


def _chip(label: str, count: int, tone: str, *, here: bool) -> Content:
    style = tone_style(tone if count else "dim", bold=here)
    text = f"[{label} {count}]" if here else f" {label} {count} "
    return Content.assemble((text, f"{style} {'reverse' if here else ''}".strip()))
