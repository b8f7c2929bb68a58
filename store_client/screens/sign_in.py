"""Who is at the terminal: number or name, then PIN, verified on this machine."""

from collections.abc import Sequence
from functools import partial

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from store_client.screens.approval import ApprovalDialog
from store_client.screens.base import TerminalScreen, begin
from store_client.services.desk import Actor, NeedsRole
from store_client.services.scanner import Code
from store_client.services.sign_in import (
    PIN_DIGITS_MAX,
    Attempt,
    find_associate,
    is_locked_out,
    list_associates,
    sign_in,
    unlock,
)
from store_client.services.words import last_recorded, refusal
from store_client.widgets.bars import Hint
from store_client.widgets.tones import tone_style
from store_client.widgets.work_list import Cell, Column, Looks, WorkList
from sync.domain.errors import OperationRefused
from sync.domain.people import Action, Approval, Role
from sync.protocol.rows import AssociateRow

_PEOPLE = Looks(
    (Column("NO.", 6), Column("NAME", 18, share=1), Column("ROLE", 10, leaves=1)),
    key=lambda person: person.id,
    cells=lambda person: (
        Cell(person.id, "dim"), Cell(person.name, bold=True), Cell(person.role.value, "dim"),
    ),
    empty="Nobody matches. Clear the field to see everybody.",
)  # fmt: skip


class SignInScreen(TerminalScreen):
    """Choose a person, type the PIN."""

    TITLE_WORDS = "Who is at the terminal?"
    HELP_TEXT = (
        "Type your number or name, or scan your badge; then type your PIN. Five wrong PINs lock"
        " a person out for 30 minutes; F7 lets a manager end that. No network is needed."
    )
    BINDINGS = [
        Binding("escape", "back", "Another person"),
        Binding("f7", "unlock", "A manager lets a locked person try again", id="unlock"),
        Binding("down", "list", "List", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._people: list[AssociateRow] = []
        self._chosen: AssociateRow | None = None
        self._busy = False

    @property
    def has_waiting(self) -> bool:
        """Whether a PIN is being checked, and a wrong one counted."""
        return self._busy

    def compose_body(self) -> ComposeResult:
        """Show the card in the middle."""
        with Vertical(id="sign-in-card"):
            yield Static("", id="sign-in-title", markup=False)
            who = Input(placeholder="number or name, or scan your badge", id="who")
            who.cursor_blink = False
            yield who
            yield WorkList(_PEOPLE, id="people")
            pin = Input(placeholder="PIN", password=True, id="pin", max_length=PIN_DIGITS_MAX)
            pin.cursor_blink = False
            yield pin
            yield Static("", id="sign-in-says", classes="says", markup=False)
        yield Static(self.host.settings.demo_hint, id="demo-hint", markup=False)
        yield Static("", id="last-recorded", markup=False)

    def on_mount(self) -> None:
        """Ask for the person first."""
        super().on_mount()
        self.query_one("#pin", Input).display = False
        self.query_one("#demo-hint").display = bool(self.host.settings.demo_hint)
        self._title(self.TITLE_WORDS)
        self.query_one("#who", Input).focus()
        self._greet()
        self.store_changed()

    def _greet(self) -> None:
        """Begin with a person where one is expected."""

    def hints(self) -> Sequence[Hint]:
        """Return the keys to show."""
        return (
            Hint("Enter", "Go on"),
            Hint("↓", "List", "screen.list"),
            Hint("Esc", "Another person", "screen.back"),
            Hint("F1", "Help", "app.help"),
            Hint("^Q", "Quit", "app.quit"),
        )

    def store_changed(self) -> None:
        """Show who works here, and what was recorded last."""
        begin(self, self._load, "people", exclusive=True)

    async def _load(self) -> None:
        store = self.host.store
        self._people = await self.host.off_loop(lambda: list_associates(store))
        self._filter(self.query_one("#who", Input).value)
        newest = await self.host.off_loop(lambda: store.operations(1))
        if newest:
            now_ms = self.host.clock.now_ms()
            words = last_recorded(self.host.store_row, newest[0], now_ms)
            self.query_one("#last-recorded", Static).update(words)

    def _filter(self, text: str) -> None:
        empty = None if self._people else "Nobody yet: this store's data has not arrived."
        self.query_one("#people", WorkList).show_rows(
            find_associate(self._people, text), empty=empty
        )

    @on(Input.Changed, "#who")
    def _who_changed(self, event: Input.Changed) -> None:
        self._filter(event.value)

    @on(Input.Submitted, "#who")
    def _who_submitted(self) -> None:
        self._choose_current()

    @on(WorkList.Chosen)
    def _listed(self) -> None:
        self._choose_current()

    def take_code(self, code: Code) -> None:
        """Choose a person by their badge; a badge never signs in by itself."""
        found = find_associate(self._people, code.text)
        if len(found) == 1 and found[0].id.casefold() == code.text.casefold():
            self._choose(found[0])
        else:
            self._says(f"✗ No badge {code.text} in this store.", "Type your number or name.")

    def _choose_current(self) -> None:
        person = self.query_one("#people", WorkList).current
        if person is not None:
            self._choose(person)

    def _choose(self, person: AssociateRow) -> None:
        self._chosen = person
        self._title(f"{person.name} ({person.role.value})")
        for name in ("#who", "#people"):
            self.query_one(name).display = False
        pin = self.query_one("#pin", Input)
        pin.display = True
        pin.value = ""
        pin.focus()
        self._says("", "Type your PIN and press Enter.")

    @on(Input.Submitted, "#pin")
    def _pin_submitted(self, event: Input.Submitted) -> None:
        if self._chosen is not None and not self._busy:
            self._busy = True
            self._says("", "Checking …")
            begin(self, partial(self._verify, Attempt(self._chosen.id, event.value)), "sign-in")

    async def _verify(self, attempt: Attempt) -> None:
        host = self.host
        try:
            actor = await host.off_loop(lambda: sign_in(host.store, attempt, host.clock.now_ms()))
        except OperationRefused as error:
            why, todo = refusal(error)
            self._says(f"✗ {why}", todo)
            self.query_one("#pin", Input).value = ""
            self.app.bell()
        except Exception as error:  # noqa: BLE001 - a full disk must be said, whatever it raises
            self._not_recorded(error)
            self.query_one("#pin", Input).value = ""
        else:
            self._signed_in(actor)
        finally:
            self._busy = False

    def _signed_in(self, actor: Actor) -> None:
        self.host.signed_in(actor)

    def action_unlock(self) -> None:
        """Let a manager end the lock-out of the person who was chosen."""
        person = self._chosen
        if person is None or not is_locked_out(self.host.store, person.id):
            self._says("", "Nobody is locked out here.")
            return
        needed = NeedsRole(Action.UNLOCK_PERSON)
        asker = Actor(person.id, person.name, Role.ASSOCIATE)
        dialog = ApprovalDialog(needed, asker, f"{person.name} may type PINs again afterwards.")
        self.app.push_screen(dialog, partial(self._unlock, person))

    def _unlock(self, person: AssociateRow, approval: Approval | None) -> None:
        if approval is not None:
            begin(self, partial(self._unlocked, person, approval), "unlock")

    async def _unlocked(self, person: AssociateRow, approval: Approval) -> None:
        store = self.host.store
        try:
            await self.host.off_loop(lambda: unlock(store, person, approval))
        except Exception as error:  # noqa: BLE001 - a full disk must be said, whatever it raises
            self._not_recorded(error)
        else:
            self._says("", f"{person.name} may type the PIN again.")
        self.query_one("#pin", Input).focus()

    def _not_recorded(self, error: Exception) -> None:
        """Say that the disk did not take a wrong PIN, or the end of a lock-out."""
        self.host.note_error(error)
        self._says(f"✗ Not recorded: {error}.", "Try again, or tell support.")
        self.app.bell()

    def action_list(self) -> None:
        """Go to the list of people."""
        self.query_one("#people", WorkList).focus()

    def action_back(self) -> None:
        """Choose another person."""
        self._chosen = None
        self._title(self.TITLE_WORDS)
        self.query_one("#pin", Input).display = False
        for name in ("#who", "#people"):
            self.query_one(name).display = True
        who = self.query_one("#who", Input)
        who.value = ""
        who.focus()
        self._says("", "")

    def _title(self, text: str) -> None:
        self.query_one("#sign-in-title", Static).update(text)

    def _says(self, why: str, todo: str) -> None:
        says = Content.assemble((f"{why} " if why else "", tone_style("bad", bold=True)), todo)
        self.query_one("#sign-in-says", Static).update(says)
