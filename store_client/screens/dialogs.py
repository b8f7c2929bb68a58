"""Dialogs that any screen may open: choose one, type one thing, yes or no."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from store_client.screens.approval import ask_approval
from store_client.screens.base import RecordingModal, TerminalModal
from store_client.screens.host import Approved, with_approval
from store_client.services.desk import NeedsRole
from store_client.services.scanner import Code
from store_client.services.words import refusal
from store_client.widgets.tones import tone_style
from store_client.widgets.work_list import Cell, Column, Looks, WorkList
from sync.domain.card_numbers import CardNumberRefused
from sync.domain.errors import OperationRefused


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to choose, with what it means."""

    key: str
    label: str
    detail: str = ""


def _choice_cells(numbered: tuple[int, Choice]) -> Sequence[Cell]:
    number, choice = numbered
    return (Cell(str(number), "new"), Cell(choice.label, bold=True), Cell(choice.detail, "dim"))


NUMBER_OR_ENTER = "Number or Enter: choose   Esc: cancel"
BURST_GAPS = 3
"""A key that so many gaps of a scanner follow none is a person's."""


class ChooseDialog(TerminalModal[str | None]):
    """Choose by number, or by arrows and Enter."""

    BINDINGS = [Binding("escape", "cancel", "Cancel")]

    def __init__(self, title: str, choices: Sequence[Choice], *, text: str = "") -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._choices = list(enumerate(choices, start=1))
        self._begun = ""
        """What was typed of a number, where it is one itself and longer ones begin with it."""

    def compose(self) -> ComposeResult:
        """Show the choices."""
        looks = Looks(
            (Column("", 2), Column("", 30, share=1), Column("", 20, share=1, leaves=1)),
            key=lambda numbered: numbered[1].key,
            cells=_choice_cells,
        )
        with Vertical(classes="dialog"):
            yield Static(self._title, classes="dialog-title", markup=False)
            if self._text:
                yield Static(self._text, classes="dialog-text", markup=False)
            yield WorkList(looks, id="choices", titles=False)
            yield Static(NUMBER_OR_ENTER, classes="dialog-keys")

    def on_mount(self) -> None:
        """Fill the list."""
        choices = self.query_one("#choices", WorkList)
        choices.styles.height = min(len(self._choices), 12)
        choices.show_rows(self._choices)
        choices.focus()

    def on_key(self, event: events.Key) -> None:
        """Choose by number, once it is clear that a person typed it: a scan is digits, too."""
        if event.character and event.is_printable:
            event.stop()
            self.typed += event.character
            wait_seconds = self.host.settings.scanner.gap_ms * BURST_GAPS / 1000
            self.set_timer(wait_seconds, partial(self._typed_alone, self.typed))
        elif event.key == "backspace":
            self._begin_number("")

    def _typed_alone(self, typed: str, *, is_whole: bool = False) -> None:
        if typed != self.typed:
            return  # more came, or it was a scan
        self.typed = ""
        number = self._begun + typed
        chosen = [choice for place, choice in self._choices if str(place) == number]
        longer = [place for place, _ in self._choices if str(place)[:-1].startswith(number)]
        if chosen and (is_whole or not longer):
            self.dismiss(chosen[0].key)
        else:
            self._begin_number(number if chosen else "")

    def _begin_number(self, number: str) -> None:
        """Put the cursor on the number that was typed, and let a person type on, or press Enter."""
        self._begun = number
        if number:
            self.query_one(WorkList).go_to(self._choices[int(number) - 1][1].key)
        words = f"Enter: {number}   or type the next digit   Esc: cancel" if number else ""
        self.query_one(".dialog-keys", Static).update(words or NUMBER_OR_ENTER)

    @on(WorkList.Moved)
    def _moved(self, event: WorkList.Moved) -> None:
        event.stop()
        if self._begun and event.key != self._choices[int(self._begun) - 1][1].key:
            self._begin_number("")

    @on(WorkList.Chosen)
    def _chosen(self, event: WorkList.Chosen) -> None:
        event.stop()
        if self.typed:  # Enter ends what was typed, or a scan too short to be told as one
            self._typed_alone(self.typed, is_whole=True)
        else:
            self.dismiss(event.key or None)

    def action_cancel(self) -> None:
        """Choose nothing."""
        self.dismiss(None)


class ConfirmDialog(TerminalModal[bool]):
    """Yes or no. Enter says yes, Esc says no."""

    BINDINGS = [Binding("escape", "answer(False)", "No"), Binding("enter", "answer(True)", "Yes")]

    def __init__(self, title: str, text: str, *, yes: str = "Yes", no: str = "No") -> None:
        super().__init__()
        self._words = (title, text, yes, no)

    def compose(self) -> ComposeResult:
        """Show the question."""
        title, text, yes, no = self._words
        with Vertical(classes="dialog"):
            yield Static(title, classes="dialog-title", markup=False)
            yield Static(text, classes="dialog-text", markup=False)
            yield Static(f"Enter: {yes}   Esc: {no}", classes="dialog-keys", markup=False)

    def on_key(self, event: events.Key) -> None:
        """Collect what comes at a scanner's pace: the Enter behind it is no answer."""
        if event.character and event.is_printable:
            event.stop()
            self.typed += event.character
            wait_seconds = self.host.settings.scanner.gap_ms * BURST_GAPS / 1000
            self.set_timer(wait_seconds, partial(self._forget, self.typed))

    def _forget(self, typed: str) -> None:
        if typed == self.typed:
            self.typed = ""

    def action_answer(self, yes: bool) -> None:
        """Answer, unless it was a label that was scanned: a spot's has two characters."""
        if self.typed:
            self.typed = ""
        else:
            self.dismiss(yes)


FIRST_SEEN = "Nothing is done before you have seen what follows."


def what_follows(said: Sequence[str]) -> ConfirmDialog:
    """Return the dialog that shows consequences before anything is done."""
    text = "\n".join(f"• {sentence}" for sentence in said)
    return ConfirmDialog("This is what follows", text, yes="Do it")


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to type."""

    title: str
    label: str
    placeholder: str = ""
    value: str = ""
    text: str = ""
    is_typed: bool = False
    """Whether a person typed `value`: the next key goes behind it, and does not take its place."""


class EntryDialog(RecordingModal[Any]):
    """Type or scan one thing. What is refused stays in the field, with the reason under it.

    `submit` runs in a thread and may raise `OperationRefused`; its result closes the dialog.
    """

    BINDINGS = [Binding("escape", "cancel", "Cancel")]

    def __init__(self, question: Question, submit: Callable[[str], Any]) -> None:
        super().__init__()
        self._question = question
        self._submit = submit

    def compose(self) -> ComposeResult:
        """Show the field."""
        question = self._question
        with Vertical(classes="dialog"):
            yield Static(question.title, classes="dialog-title", markup=False)
            if question.text:
                yield Static(question.text, classes="dialog-text", markup=False)
            yield Static(question.label, classes="field-label", markup=False)
            field = Input(
                question.value, placeholder=question.placeholder, id="entry",
                select_on_focus=not question.is_typed,
            )  # fmt: skip
            field.cursor_blink = False
            yield field
            yield Static("", id="entry-says", classes="says", markup=False)
            yield Static("Enter: go on   Esc: cancel", classes="dialog-keys")

    def take_code(self, code: Code) -> None:
        """Take a scan as if it had been typed, and go on."""
        self.query_one("#entry", Input).value = code.text
        self._go_on(code.text)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._go_on(event.value)

    def _go_on(self, text: str, approved: Approved | None = None) -> None:
        self.attempt(partial(self._try, text, approved), "entry", text)

    async def _try(self, text: str, approved: Approved | None) -> None:
        try:
            with with_approval(self.host, approved):
                result = await self.host.off_loop(lambda: self._submit(text))
        except OperationRefused as error:
            if isinstance(error, NeedsRole) and self.is_superseded:
                return  # nobody is asked to approve what was corrected already
            if ask_approval(self, error, partial(self._go_on, text)):
                self._show_what_is_approved(text)
                return
            why, todo = refusal(error)
            says = Content.assemble((f"✗ {why} ", tone_style("bad", bold=True)), todo)
            self.query_one("#entry-says", Static).update(says)
            field = self.query_one("#entry", Input)
            if isinstance(error, CardNumberRefused) and field.value == text:
                field.value = ""
            self.app.bell()
        except Exception as error:  # noqa: BLE001 - a full disk must be said, whatever it raises
            self.host.note_error(error)
            why = f"✗ Not recorded: {error}. "
            says = Content.assemble(
                (why, tone_style("bad", bold=True)), "Try again, or tell support."
            )
            self.query_one("#entry-says", Static).update(says)
            self.app.bell()
        else:
            self.dismiss(result)

    def _show_what_is_approved(self, text: str) -> None:
        """Let the field say what whoever approves it gets: what was typed since is not that."""
        field = self.query_one("#entry", Input)
        if field.value != text:
            self.notify(f"{field.value} was not tried: {text} was.", title="Typed since then",
                        markup=False)  # fmt: skip
            field.value = text
