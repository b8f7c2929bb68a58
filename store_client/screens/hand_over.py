"""At the counter: pickup code or ID check, who takes the goods, and how many of each."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from store_client.screens.base import RecordingModal, begin
from store_client.screens.dialogs import Choice, ChooseDialog
from store_client.services.counter import DOCUMENTS, JUST_ENDED, SIGNED, DoubtfulPromise, HandOver
from store_client.services.scanner import Code
from store_client.services.shelf import is_label, is_spot
from store_client.services.sign_in import PIN_DIGITS_MAX, Attempt
from store_client.services.words import refusal
from store_client.widgets.panels import Banner, Says
from store_client.widgets.tones import tone_style
from store_client.widgets.work_list import Cell, Column, Looks, WorkList
from sync.domain.errors import OperationRefused
from sync.domain.fulfillment import FulfillmentLine, FulfillmentOrder

Submit = Callable[[HandOver], FulfillmentOrder]
Slip = Callable[[tuple[tuple[int, int], ...]], str]
"""Prints what is signed, of (line, units); returns where it is, empty where nothing prints."""


class HandOverScreen(RecordingModal[FulfillmentOrder | None]):
    """Everything that is asked when goods leave. What is typed stays until it is done."""

    HELP_TEXT = (
        "Scan or type the customer's pickup code. F4 checks an ID instead, which a lead or"
        " manager does or approves with their PIN; choose the kind of document and never type its"
        " number, or let the customer sign a printed slip. If somebody else came, type their name."
        " ↓ goes to the lines; ◂ and ▸ on a line hand over part of it."
    )
    BINDINGS = [
        Binding("escape", "cancel", "Cancel"),
        Binding("f4", "id_check", "ID check or pickup code", id="id_check"),
        Binding("left", "fewer", "One fewer of this line", show=False),
        Binding("right", "more", "One more of this line", show=False),
        Binding("minus", "fewer", "One fewer of this line", show=False),
        Binding("plus", "more", "One more of this line", show=False),
        Binding("down", "app.focus_next", "Next field", show=False),
        Binding("up", "app.focus_previous", "Previous field", show=False),
    ]

    def __init__(
        self,
        order: FulfillmentOrder,
        submit: Submit,
        *,
        code: str = "",
        slip: Slip | None = None,
    ) -> None:
        super().__init__()
        self._slip = slip
        self._order = order
        self._submit = submit
        self._code = code
        self._document = ""
        self._waiting: Code | None = None
        """Scanned while another code is tried."""
        self._doubt = False
        """Whether it was said that the order may be another store's."""
        self._counts = {line.line: line.deliverable for line in order.lines if line.deliverable}

    @property
    def _approves(self) -> bool:
        """Whether who is signed in answers for an ID check themselves."""
        actor = self.host.actor
        return actor is not None and actor.may_override

    # --- layout -------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Show fields, lines and what was refused."""
        order = self._order
        looks = Looks(
            (Column("GIVE", 8), Column("ITEM", 24, share=1), Column("", 20, leaves=1)),
            key=lambda line: str(line.line),
            cells=self._cells,
            empty="Nothing of this order is in hand.",
        )
        with Vertical(classes="dialog", id="hand-over"):
            yield Static(_title(order), classes="dialog-title")
            yield Banner("", id="banner")
            with Horizontal(classes="field"):
                yield Static("Pickup code", classes="field-label", id="proof-label")
                yield _input(self._code, "scan or type it", "code")
                yield Static("", id="document")
            with Horizontal(classes="field"):
                yield Static("Taken by", classes="field-label")
                yield _input(order.proxy_name or order.customer_name, "name", "recipient")
                yield Static("", id="proxy")
            with Horizontal(classes="field", id="approval"):
                yield Static("Approved by", classes="field-label")
                yield _input("", "number of lead or manager", "approver")
                pin = _input("", "their PIN", "approver-pin")
                pin.password, pin.max_length = True, PIN_DIGITS_MAX
                yield pin
            yield WorkList(looks, id="counter-lines")
            yield Says("", id="counter-says")
            yield Static("", id="counter-keys", classes="dialog-keys")

    def on_mount(self) -> None:
        """Ask for the code first, or for a document where there is no code."""
        self.query_one("#banner", Banner).display = False
        self._show_lines()
        self._show_proof()
        self._proxy_words()
        self.query_one("#code", Input).focus()
        if not self._order.pickup_code_hash:
            self.action_id_check()

    def _cells(self, line: FulfillmentLine) -> Sequence[Cell]:
        count = self._counts.get(line.line, 0)
        part = count < line.deliverable
        rest = f"{line.deliverable - count} stay here" if part else ""
        tone = "warn" if part else "good"
        return (
            Cell(f"{count} of {line.deliverable}", tone, bold=True),
            Cell(line.name),
            Cell(rest, "warn"),
        )

    def _show_lines(self) -> None:
        lines = [line for line in self._order.lines if line.deliverable]
        listed = self.query_one("#counter-lines", WorkList)
        listed.styles.height = max(2, min(len(lines), 8)) + 1
        listed.show_rows(lines)

    def _show_proof(self) -> None:
        by_id, signed = bool(self._document), self._document == SIGNED
        self.query_one("#proof-label", Static).update(
            "Signature" if signed else "ID check" if by_id else "Pickup code"
        )
        self.query_one("#code", Input).display = not by_id
        document = self.query_one("#document", Static)
        document.display = by_id
        seen = "✓ signed on the slip" if signed else f"✓ {self._document} seen"
        document.update(Content.assemble((seen, tone_style("good", bold=True))))
        self.query_one("#approval").display = (by_id or self._doubt) and not self._approves
        other = "F4: pickup code" if by_id else "F4: ID check"
        self.query_one("#counter-keys", Static).update(
            f"Enter: hand over   {other}   ↓ ◂ ▸: quantity   Esc: cancel"
        )

    @on(Input.Changed, "#recipient")
    def _proxy_words(self) -> None:
        words = "sent by the customer" if self._is_proxy else ""
        self.query_one("#proxy", Static).update(
            Content.assemble((words, tone_style("warn", bold=True)))
        )

    @property
    def _is_proxy(self) -> bool:
        name = self.query_one("#recipient", Input).value.strip().casefold()
        return bool(name) and name != self._order.customer_name.strip().casefold()

    # --- what may change meanwhile ------------------------------------------------------

    def store_changed(self) -> None:
        """Take in a cancellation, or who took the terminal over; what is typed stays."""
        self._show_proof()
        begin(self, self._reload, "counter-order", exclusive=True)

    async def _reload(self) -> None:
        host, key = self.host, self._order.id
        order = await host.off_loop(lambda: host.store.fulfillment(key))
        if order is None or order == self._order or self.busy or self.is_leaving:
            return
        self._order = order
        allowed = {line.line: line.deliverable for line in order.lines}
        self._set_counts({n: min(count, allowed.get(n, 0)) for n, count in self._counts.items()})
        if not any(self._counts.values()):
            self.query_one("#banner", Banner).show(JUST_ENDED)
        self._show_lines()

    # --- keys ---------------------------------------------------------------------------

    def _change(self, by: int) -> None:
        listed = self.query_one("#counter-lines", WorkList)
        line: FulfillmentLine | None = listed.current
        if line is not None:
            count = self._counts.get(line.line, 0) + by
            self._set_counts({**self._counts, line.line: max(0, min(count, line.deliverable))})
            listed.refresh()

    def _set_counts(self, counts: dict[int, int]) -> None:
        """Let other units go out; what was signed for was what the slip says."""
        changed, self._counts = counts != self._counts, counts
        if changed and self._document == SIGNED:
            self._document = ""
            self._show_proof()
            self.query_one(Says).bad("Something else goes out now.", "F4: print the slip again.")

    def action_fewer(self) -> None:
        """Hand over one fewer of the line under the cursor."""
        self._change(-1)

    def action_more(self) -> None:
        """Hand over one more of the line under the cursor."""
        self._change(1)

    def action_id_check(self) -> None:
        """Choose a document, or go back to the pickup code."""
        if self._document and self._order.pickup_code_hash:
            self._document = ""
            self._show_proof()
            self.query_one(Says).plain("")
            self.query_one("#code", Input).focus()
            return
        offered = (*DOCUMENTS, SIGNED) if self._slip is not None else DOCUMENTS
        choices = [Choice(name, name[:1].upper() + name[1:]) for name in offered]
        title = "Which document did you check?"
        text = "The photo and the name match. The number is never typed or kept."
        self.app.push_screen(ChooseDialog(title, choices, text=text), self._document_chosen)

    def _document_chosen(self, document: str | None) -> None:
        if document:
            self._document = document
            self._show_proof()
            self.query_one(Says).plain("")
            self.query_one("#recipient" if self._approves else "#approver", Input).focus()
        if document == SIGNED:
            begin(self, self._print_slip, "slip", exclusive=True)

    async def _print_slip(self) -> None:
        slip, says = self._slip, self.query_one(Says)
        if slip is None:
            return
        try:
            where = await self.host.off_loop(lambda: slip(tuple(self._counts.items())))
        except OperationRefused as error:
            says.bad(*refusal(error))
            return
        name = where.rsplit("/", 1)[-1]
        says.plain(
            f"Slip {name}: let them sign it, keep it." if name
            else "Nothing prints here: let them sign on paper, and keep it."
        )  # fmt: skip

    def take_code(self, code: Code) -> None:
        """Take a scan as the pickup code and go on; never the code of another order."""
        if code.order_number not in {"", self._order.order_number}:
            self.query_one(Says).bad(
                f"That is the code of {code.order_number}.", "Esc, then scan it again."
            )
            self.app.bell()
        elif self._document:
            self.host.unused_code(code)
        elif is_label(self.host.store_row, code):
            self._no_code()
        elif self.busy:
            self._let_wait(code)
        else:
            self.query_one("#code", Input).value = _proof(code)
            self._go_on()

    def _let_wait(self, code: Code) -> None:
        """Keep a scan until the one before it is answered; of several the last one counts."""
        if _proof(code) == self.query_one("#code", Input).value:
            return  # the same once more: its answer is on the way
        if self._waiting is not None:
            self.host.unused_code(self._waiting)
        self._waiting = code

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        approver = self.query_one("#approver", Input)
        if event.input is approver:
            self.query_one("#approver-pin", Input).focus()
        else:
            self._go_on()

    @on(WorkList.Chosen)
    def _listed(self, event: WorkList.Chosen) -> None:
        event.stop()
        self._go_on()

    def _no_code(self) -> None:
        """Say that a label is no try at the code: those are counted."""
        self.query_one(Says).bad("That is no pickup code.", "Scan the customer's code, or type it.")
        self.app.bell()

    def _go_on(self) -> None:
        told = self._told()
        if is_spot(self.host.store_row, told.code):  # a label of two characters comes as if typed
            self.query_one("#code", Input).value = ""
            self._no_code()
            return
        self.attempt(partial(self._try, told), "counter", told)

    def _told(self) -> HandOver:
        told = HandOver(
            quantities=tuple(self._counts.items()),
            recipient=self.query_one("#recipient", Input).value,
            is_proxy=self._is_proxy,
            code=self.query_one("#code", Input).value,
            document=self._document,
            despite_doubt=self._doubt,
        )
        approver = self.query_one("#approver", Input).value.strip()
        if (self._document or self._doubt) and approver:
            pin = self.query_one("#approver-pin", Input).value
            told = replace(told, approver=Attempt(approver, pin))
        return replace(told, code="") if self._document else told

    async def _try(self, told: HandOver) -> None:
        says = self.query_one(Says)
        says.plain("Recording …")
        try:
            order = await self.host.off_loop(lambda: self._submit(told))
        except OperationRefused as error:
            says.bad(*refusal(error))
            pin = self.query_one("#approver-pin", Input)
            if told.approver is None or pin.value == told.approver.pin:
                pin.value = ""
            if isinstance(error, DoubtfulPromise):
                self._ask_for_approval()
            self.app.bell()
        except Exception as error:  # noqa: BLE001 - a full disk must be said, whatever it raises
            self.host.note_error(error)
            says.bad(f"Not recorded: {error}.", "Do not hand over; tell a manager.")
        else:
            self.dismiss(order)

    def attempted(self) -> None:
        """Try the scan that waited, unless its answer is known, or somebody has to read first."""
        super().attempted()
        code, self._waiting = self._waiting, None
        if code is not None and (self.is_leaving or self._doubt):
            self.host.unused_code(code)
        elif code is not None:
            self.take_code(code)

    def _ask_for_approval(self) -> None:
        """Let somebody answer for goods that may be promised by another store."""
        self._doubt, self._next_try = True, None
        self._show_proof()
        if not self._approves:
            self.query_one("#approver", Input).focus()


def _proof(code: Code) -> str:
    return code.pickup_code or code.text


def _title(order: FulfillmentOrder) -> Content:
    spot = f"   take from {order.staging_spot}" if order.staging_spot else ""
    hint = f" …{order.customer_hint}" if order.customer_hint else ""
    return Content.assemble(
        (f"Hand over {order.order_number} ", "bold"),
        f"to {order.customer_name}{hint}",
        (spot, tone_style("new", bold=True)),
    )


def _input(value: str, placeholder: str, name: str) -> Input:
    field = Input(value, placeholder=placeholder, id=name)
    field.cursor_blink = False
    return field
