"""Approval at the same terminal: a lead or manager answers with number, PIN and a reason.

Whatever was refused for the role of who is signed in stays on its screen; once
somebody has approved it, it is done again, and the operation carries who approved.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from store_client.screens.base import OrderlyScreen, RecordingModal
from store_client.screens.host import Approved, host_of
from store_client.services.desk import Actor, NeedsRole
from store_client.services.scanner import Code
from store_client.services.sign_in import (
    PIN_DIGITS_MAX,
    REASON_CHARACTERS_MAX,
    Attempt,
    approve,
)
from store_client.services.words import refusal
from store_client.widgets.panels import Says
from sync.domain.errors import OperationRefused
from sync.domain.people import Approval


class ApprovalDialog(RecordingModal[Approval | None]):
    """Who approves, why, and their PIN. Wrong PINs count as at the sign-in."""

    HELP_TEXT = (
        "A lead or manager types or scans their number, says why, and types their PIN. You stay"
        " signed in; what is recorded says who did it, who approved it and why."
    )
    BINDINGS = [
        Binding("escape", "cancel", "Cancel"),
        Binding("down", "app.focus_next", "Next field", show=False),
        Binding("up", "app.focus_previous", "Previous field", show=False),
    ]

    def __init__(self, needed: NeedsRole, asker: Actor, text: str = "") -> None:
        super().__init__()
        self._needed = needed
        self._asker = asker
        self._text = text or (
            f"{asker.name} stays signed in. The reason and both names are recorded."
        )

    def compose(self) -> ComposeResult:
        """Show the fields."""
        with Vertical(classes="dialog", id="approve"):
            yield Static(self._needed.why, classes="dialog-title", markup=False)
            yield Static(self._text, classes="dialog-text", markup=False)
            for label, placeholder, name in (
                ("Approved by", "number of the one who approves", "approval-by"),
                ("Why", "in a few words", "approval-why"),
                ("PIN", "their PIN", "approval-pin"),
            ):
                with Horizontal(classes="field"):
                    yield Static(label, classes="field-label")
                    yield _field(placeholder, name)
            yield Says("", id="approval-says")
            yield Static("Enter: next, approve   Esc: cancel", classes="dialog-keys")

    def on_mount(self) -> None:
        """Begin with the person."""
        self.query_one("#approval-by", Input).focus()

    def take_code(self, code: Code) -> None:
        """Take a scan as the badge of who approves."""
        self.query_one("#approval-by", Input).value = code.text
        self.query_one("#approval-why", Input).focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        following = {"approval-by": "approval-why", "approval-why": "approval-pin"}
        name = event.input.id or ""
        if name in following:
            self.query_one(f"#{following[name]}", Input).focus()
        else:
            by, pin, why = (
                self.query_one(f"#approval-{field}", Input).value for field in ("by", "pin", "why")
            )
            attempt = Attempt(by.strip(), pin)
            self.attempt(partial(self._try, attempt, why), "approval", (attempt, why))

    async def _try(self, attempt: Attempt, why: str) -> None:
        host, says = self.host, self.query_one(Says)
        says.plain("Checking …")
        job = partial(
            approve, host.store, attempt, self._needed.action, why,
            asker=self._asker, now_ms=host.clock.now_ms(),
        )  # fmt: skip
        try:
            approval = await host.off_loop(job)
        except OperationRefused as error:
            says.bad(*refusal(error))
            pin = self.query_one("#approval-pin", Input)
            if pin.value == attempt.pin:
                pin.value = ""
            self.app.bell()
        except Exception as error:  # noqa: BLE001 - a full disk must be said, whatever it raises
            host.note_error(error)
            says.bad(f"Not recorded: {error}.", "Try again, or tell support.")
            self.app.bell()
        else:
            self.dismiss(approval)


def ask_approval(
    screen: OrderlyScreen[Any], refused: OperationRefused, again: Callable[[Approved], None]
) -> bool:
    """Ask for an approval where that is what was missing, and do it again with one.

    False where the refusal is of another kind: then nothing is asked.
    """
    host = host_of(screen)
    actor = host.actor
    if not isinstance(refused, NeedsRole) or not refused.can_be_approved or actor is None:
        return False

    def answered(approval: Approval | None) -> None:
        screen.is_asking = False
        if approval is not None and host.actor is not None:
            again(Approved(approval, host.actor.id))

    screen.is_asking = True
    screen.app.push_screen(ApprovalDialog(refused, actor), answered)
    return True


def _field(placeholder: str, name: str) -> Input:
    field = Input(placeholder=placeholder, id=name, max_length=REASON_CHARACTERS_MAX)
    field.cursor_blink = False
    if name == "approval-pin":
        field.password, field.max_length = True, PIN_DIGITS_MAX
    return field
