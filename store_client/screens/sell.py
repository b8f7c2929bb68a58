"""Selling at the counter, for stores whose point of sale has no interface of its own."""

from collections.abc import Callable, Sequence
from functools import partial

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from store_client.screens.base import RecordingModal
from store_client.services.desk import Refusal
from store_client.services.sales import Basket, Override, Sold
from store_client.services.sign_in import PIN_DIGITS_MAX, Attempt
from store_client.services.words import day_time, refusal
from store_client.widgets.panels import Says
from store_client.widgets.work_list import Cell, Column, Looks, WorkList
from sync.domain.errors import OperationRefused
from sync.domain.escrow import GivesWay

Submit = Callable[[Override | None], Sold]
ROWS_MAX = 6
ADVICE = (
    "Sell something else if you can. Otherwise central looks for another store for the order below"
    " and tells that customer."
)
ADVICE_UNHEARD = (
    "Sell something else if you can. Otherwise central is told, and looks for another store if it"
    " has promised them."
)


STRICT = ("This takes a lead or manager.", "Let one type number and PIN.")


class BrokenPromiseScreen(RecordingModal[Sold | None]):
    """Names the orders that a sale would break, and asks who answers for it.

    Where the store is open, selling is never blocked: without a lead or manager
    the order at the top gives way, as central would decide. Where it is strict,
    or where another order shall give way, one of them has to answer.
    """

    HELP_TEXT = (
        "These goods are promised to somebody who ordered online. Sell something else if you can."
        " If you sell them all the same, central looks for another store for the order that the"
        " cursor is on and tells that customer. A lead or manager may choose another order with"
        " ↓, and answers with number and PIN."
    )
    BINDINGS = [
        Binding("escape", "cancel", "Do not sell"),
        Binding("down", "app.focus_next", "Next field", show=False),
        Binding("up", "app.focus_previous", "Previous field", show=False),
    ]

    def __init__(self, basket: Basket, submit: Submit) -> None:
        super().__init__()
        self._basket = basket
        self._submit = submit

    def compose(self) -> ComposeResult:
        """Show what would break, the orders, and who answers."""
        with Vertical(classes="dialog", id="broken-promise"):
            yield Static(self._title(), classes="dialog-title", markup=False)
            yield Static(self._text(), classes="dialog-text", markup=False)
            yield WorkList(self._looks(), id="broken-orders")
            with Horizontal(classes="field", id="approval"):
                yield Static("Approved by", classes="field-label")
                yield _field("number of lead or manager", "approver")
                pin = _field("their PIN", "approver-pin")
                pin.password, pin.max_length = True, PIN_DIGITS_MAX
                yield pin
            yield Says("", id="sell-says", classes="says")
            yield Static(self._keys(), id="sell-keys", classes="dialog-keys", markup=False)

    def _title(self) -> str:
        line = self._basket.lines[0]
        return f"Promised to somebody else: {line.units} × {line.name}"

    def _text(self) -> str:
        line = self._basket.lines[0]
        count = sum(one.units for one in line.broken)
        orders = "this order" if len(line.broken) == 1 else "these orders"
        verb = "is" if count == 1 else "are"
        words = f"{count} of {line.units} {verb} promised to {orders}. " if count else ""
        if line.unheard:
            words += f"{line.unheard} of {line.units} may just have been promised online."
        return f"{words.strip()}\n{ADVICE if count else ADVICE_UNHEARD}"

    def _keys(self) -> str:
        choose = "   ↑ ↓: which order" if len(self._basket.broken) > 1 else ""
        approve = "" if self.desk.actor.may_override else "   Tab: approval"
        return f"Enter: sell anyway{choose}{approve}   Esc: do not sell"

    def _looks(self) -> Looks:
        return Looks(
            (
                Column("GIVES WAY", 10),
                Column("CUSTOMER", 16, share=1),
                Column("PROMISED BY", 12),
                Column("UNITS", 5, right=True),
            ),
            key=lambda one: f"{one.order.id}/{one.line.line}",
            cells=self._cells,
            empty="No order that has arrived here.",
        )

    def _cells(self, one: GivesWay) -> Sequence[Cell]:
        host = self.host
        when = day_time(host.store_row, one.order.promised_by_ms, host.clock.now_ms())
        return (
            Cell(one.order.order_number, bold=True),
            Cell(one.order.customer_name),
            Cell(when, "warn"),
            Cell(str(one.units)),
        )

    def on_mount(self) -> None:
        """Begin where something has to be typed."""
        orders = self.query_one("#broken-orders", WorkList)
        orders.styles.height = max(1, min(len(self._basket.broken), ROWS_MAX)) + 1
        orders.show_rows(self._basket.broken)
        self.store_changed()
        if self._basket.needs_override and not self.desk.actor.may_override:
            self.query_one(Says).plain(f"{STRICT[0]} {STRICT[1]}")
            self.query_one("#approver", Input).focus()
        else:
            orders.focus()

    def store_changed(self) -> None:
        """Take in who answers now: somebody else may have taken the terminal over."""
        self.query_one("#approval").display = not self.desk.actor.may_override
        self.query_one("#sell-keys", Static).update(self._keys())

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.input.id == "approver" and event.value.strip():
            self.query_one("#approver-pin", Input).focus()
        else:
            self._go_on()

    @on(WorkList.Chosen)
    def _chosen(self, event: WorkList.Chosen) -> None:
        event.stop()
        self._go_on()

    def _go_on(self) -> None:
        approver = self.query_one("#approver", Input).value.strip()
        attempt = Attempt(approver, self.query_one("#approver-pin", Input).value)
        self.attempt(partial(self._try, attempt), "sell", attempt)

    def _override(self, attempt: Attempt) -> Override | None:
        """Return who answers and for which order; None where nobody has to."""
        orders = self.query_one("#broken-orders", WorkList)
        one: GivesWay | None = orders.current
        named = "" if one is None else one.order.id
        if self.desk.actor.may_override:
            return Override(actor=self.desk.actor, breaks=named)
        if attempt.associate_id:
            return Override(attempt, breaks=named)
        if self._basket.needs_override:
            raise Refusal(*STRICT)
        if one is not None and one != self._basket.broken[0]:
            raise Refusal(
                "Only a lead or manager chooses another order.",
                "Let one type number and PIN, or go back to the first.",
            )
        return None

    async def _try(self, attempt: Attempt) -> None:
        panel = self.query_one(Says)
        panel.plain("Recording …")
        try:
            override = self._override(attempt)
            sold = await self.host.off_loop(partial(self._submit, override))
        except OperationRefused as error:
            panel.bad(*refusal(error))
            pin = self.query_one("#approver-pin", Input)
            if pin.value == attempt.pin:
                pin.value = ""
            self.app.bell()
        except Exception as error:  # noqa: BLE001 - a full disk must be said, whatever it raises
            self.host.note_error(error)
            panel.bad(f"Not recorded: {error}.", "Do not sell it here; tell a manager.")
        else:
            self.dismiss(sold)


def _field(placeholder: str, name: str) -> Input:
    field = Input(placeholder=placeholder, id=name)
    field.cursor_blink = False
    return field
