"""Inbox: what went otherwise than planned and waits for somebody of this store."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.widgets import Static

from store_client.ports import BoardRow, InboxItem, ProductHit
from store_client.screens.base import TerminalScreen, begin
from store_client.screens.dialogs import Choice, ChooseDialog, EntryDialog, Question
from store_client.screens.recording import RecordingScreen, Then
from store_client.services import inbox
from store_client.services.desk import Desk, Refusal
from store_client.services.words import STATUS, day_time
from store_client.widgets.bars import Hint
from store_client.widgets.panels import Says
from store_client.widgets.tones import tone_style
from store_client.widgets.work_list import Cell, Column, Looks, WorkList

EMPTY = "Nothing waits for anybody here. What goes wrong appears by itself."


class Named(NamedTuple):
    """What a follow-up may be about: orders of one number, or an item, or nothing."""

    about: str
    """What was typed."""
    rows: Sequence[BoardRow]
    item: ProductHit | None


def _looks(cells: partial[Sequence[Cell]]) -> Looks:
    return Looks(
        (
            Column("DUE", 14),
            Column("WHAT", 26, share=2),
            Column("ORDER", 10, leaves=1),
            Column("STATE", 18, share=1),
        ),
        key=lambda item: item.id,
        cells=cells,
        empty=EMPTY,
    )


def item_cells(screen: TerminalScreen, item: InboxItem) -> Sequence[Cell]:
    """Return an exception as cells: due, what, order, state."""
    left, state = inbox.due(item, screen.host.clock.now_ms()), inbox.state(item)
    waits = inbox.waits(item)
    short = f"{state.glyph} {state.short}" if state.short else ""
    return (
        Cell(str(left), left.tone, bold=left.tone == "bad"),
        Cell(inbox.headline(item), "" if waits else "dim", bold=waits),
        Cell(item.order_number or "–", "" if waits else "dim"),
        Cell(str(state), state.tone, short),
    )


class InboxScreen(RecordingScreen):
    """The store's exceptions, most urgent first, with what to do and by when."""

    HELP_TEXT = (
        "What went otherwise than planned and waits for somebody here, most urgent first. Enter"
        " opens the order, where it is about one. Some end by themselves, when the goods are put"
        " back or the clock is right; for the others, F6 says that it is done, and what was done."
        " F4 writes a follow-up down, F5 gives one to a person or a role."
        " That is recorded here at once, with or without a network, and stays in the list until"
        " central has heard of it. What is “At central” is only told here."
    )
    BINDINGS = [
        Binding("escape", "back", "Back"),
        Binding("f4", "new", "New: write down what is to be done", id="inbox_new"),
        Binding("f5", "assign", "Give it to a person or a role", id="inbox_assign"),
        Binding("f6", "done", "Done: say what was done", id="inbox_done"),
    ]

    _lost = ""
    """The words of a follow-up that could not be written down."""

    def compose_body(self) -> ComposeResult:
        """Show counts, the list, and the one under the cursor."""
        yield Static("", id="inbox-facts")
        yield WorkList(_looks(partial(item_cells, self)), id="inbox")
        yield Static("", id="inbox-detail")
        yield Says("", id="inbox-says")

    def on_mount(self) -> None:
        """Read."""
        super().on_mount()
        self.query_one("#inbox", WorkList).focus()
        self.store_changed()

    def hints(self) -> Sequence[Hint]:
        """Return the keys to show."""
        return (
            Hint("Enter", "Open the order"),
            Hint("F4", "New", "screen.new"),
            Hint("F5", "Assign", "screen.assign"),
            Hint("F6", "Done", "screen.done"),
            Hint("Esc", "Back", "screen.back"),
            Hint("F1", "Help", "app.help"),
        )

    def store_changed(self) -> None:
        """Read again."""
        begin(self, self._read, "inbox", exclusive=True)

    async def _read(self) -> None:
        host = self.host
        items = sorted(await host.off_loop(host.store.exceptions), key=inbox.rank)
        said = inbox.summary(items, host.clock.now_ms())
        parts = [Content.assemble((words, tone_style(tone, bold=True))) for words, tone in said]
        self.query_one("#inbox-facts", Static).update(Content("   ").join(parts))
        self.query_one("#inbox", WorkList).show_rows(items)
        self._detail()

    @property
    def _current(self) -> InboxItem | None:
        found: InboxItem | None = self.query_one("#inbox", WorkList).current
        return found

    @on(WorkList.Moved, "#inbox")
    def _detail(self) -> None:
        item, detail = self._current, self.query_one("#inbox-detail", Static)
        detail.display = item is not None
        if item is not None:
            detail.update(self._words(item))

    def _words(self, item: InboxItem) -> Content:
        host, now_ms = self.host, self.host.clock.now_ms()
        when = day_time(host.store_row, item.opened_ms, now_ms)
        until = day_time(host.store_row, item.due_ms, now_ms)
        lines = [
            Content.assemble((inbox.title(item), tone_style("", bold=True))),
            Content(item.text),
        ]
        if item.is_done:
            lines.append(Content.assemble((f"✓ Done here: {item.note}", tone_style("good"))))
        else:
            lines.append(Content(inbox.to_do(item)))
        if item.said:
            lines.append(Content.assemble((f"Central said: {item.said}", tone_style("warn"))))
        due = f", due {until}" if inbox.waits(item) else ""
        lines.append(Content.assemble((f"Since {when}{due}", tone_style("dim"))))
        return Content("\n").join(lines)

    # --- acting on it -------------------------------------------------------------------

    @on(WorkList.Chosen, "#inbox")
    def _chosen(self, event: WorkList.Chosen) -> None:
        event.stop()
        item = self._current
        if item is not None:
            begin(self, partial(self._open, item), "open", exclusive=True)

    async def _open(self, item: InboxItem) -> None:
        host = self.host
        order = None
        if item.fulfillment_id:
            order = await host.off_loop(lambda: host.store.fulfillment(item.fulfillment_id))
        if order is not None:
            host.open_order(order.flow, order.id)
        elif inbox.can_be_done(item):
            self.action_done()
        else:
            self._say("It is about no order of this store.", inbox.to_do(item))

    def action_done(self) -> None:
        """Say what was done about the one under the cursor."""
        item = self._current
        if item is None:
            return
        if not inbox.can_be_done(item):
            why = "Nothing is left to say here." if item.is_done else "Your word does not end this."
            self._say(why, "" if item.is_done else inbox.to_do(item))
            return
        question = Question(
            f"Done: {inbox.title(item)}", "What was done",
            placeholder="Such as: told them at the counter", text=item.text,
        )  # fmt: skip
        self.app.push_screen(
            EntryDialog(question, lambda text: inbox.resolve(self.desk, item.id, text)),
            self._was_done,
        )

    def action_new(self) -> None:
        """Ask what is to be done, about what, until when and by whom; then write it down."""
        question = Question(
            "New follow-up", "What is to be done", "Such as: call them back about the color",
            value=self._lost,
        )  # fmt: skip
        self.app.push_screen(EntryDialog(question, inbox.said), self._ask_about)

    def _ask_about(self, text: str | None) -> None:
        if text is None:
            return
        question = Question(
            "What is it about?", "Order or item", "scan or type it, or leave it empty", text=text
        )
        self.app.push_screen(
            EntryDialog(question, self._named), lambda found: self._ask_which(text, found)
        )

    def _named(self, about: str) -> Named:
        """Return what may be meant; refuse where nothing is called that."""
        rows, item = inbox.named(self.desk, about) if about.strip() else ([], None)
        return Named(about.strip(), rows, item)

    def _ask_which(self, text: str, found: Named | None) -> None:
        """Ask which of two orders of one number is meant, or for fewer words beside an item's."""
        if found is None:
            return
        if len(found.rows) > 1:
            choices = [
                Choice(row.id, f"{row.order_number} {row.customer_name}", str(STATUS[row.status]))
                for row in found.rows
            ]
            self.app.push_screen(
                ChooseDialog("Which of them?", choices), lambda key: self._ask_due(text, key)
            )
            return
        try:
            inbox.said(text, found.item)
        except Refusal as error:
            question = Question("New follow-up", "What is to be done", value=text,
                                text=f"{error.why} {error.todo}", is_typed=True)  # fmt: skip
            self.app.push_screen(
                EntryDialog(question, partial(inbox.said, item=found.item)),
                lambda words: self._ask_due(words, found.about) if words else None,
            )
        else:
            self._ask_due(text, found.about)

    def _ask_due(self, text: str, about: str | None) -> None:
        if about is None:
            return
        question = Question("Until when?", "Hours from now", value=str(inbox.DUE_HOURS), text=text)
        self.app.push_screen(
            EntryDialog(question, inbox.hours),
            lambda due: self._ask_owner(inbox.FollowUp(text, about, due)) if due else None,
        )

    def _ask_owner(self, wish: inbox.FollowUp) -> None:
        def chosen(owner: str) -> None:
            whole = replace(wish, owner=owner)
            self.do_answer(partial(self._write_down, wish=whole), f"Written down: {wish.text}")

        self._choose_owner("Who does it?", chosen)

    def _write_down(self, desk: Desk, wish: inbox.FollowUp) -> None:
        """Write it down, in a thread; what a full disk refuses is offered with the next F4."""
        try:
            inbox.write_down(desk, wish)
        except Exception:
            self._lost = wish.text
            raise
        self._lost = ""

    def action_assign(self) -> None:
        """Give the one under the cursor to a person, a role, or back to anybody."""
        item = self._current
        if item is None or not inbox.waits(item):
            self._say("Nothing is to be done here.", "")
            return

        def chosen(owner: str) -> None:
            command = partial(inbox.assign, exception_id=item.id, owner=owner)
            self.do_answer(command, f"For {owner or 'anybody'} now: {inbox.title(item)}")

        self._choose_owner(f"Who does it? {inbox.title(item)}", chosen)

    def _choose_owner(self, title: str, then: Callable[[str], None]) -> None:
        names = ["", *inbox.owners(self.desk)]
        choices = [Choice(str(place), name or "Anybody") for place, name in enumerate(names)]
        self.app.push_screen(
            ChooseDialog(title, choices),
            lambda key: then(names[int(key)]) if key is not None else None,
        )

    def show_done(self, result: Any, then: Then) -> None:
        """Say what was done, and read again."""
        super().show_done(result, then)
        self.store_changed()

    def _was_done(self, _: object) -> None:
        self.store_changed()

    def _say(self, why: str, todo: str) -> None:
        self.query_one(Says).bad(why, todo)
