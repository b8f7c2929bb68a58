"""Reserving a product at the counter: for whom, how many; or a place on the waiting list."""

from collections.abc import Callable
from functools import partial

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from store_client.ports import ProductHit
from store_client.screens.base import RecordingModal
from store_client.services.desk import Desk
from store_client.services.reserving import QUANTITY_MAX, Wish, reserve, wait
from store_client.services.shelf import quantity
from store_client.services.words import money, refusal, stock_terms
from store_client.widgets.panels import Says
from sync.domain.card_numbers import has_card_number
from sync.domain.errors import OperationRefused
from sync.domain.fulfillment import FulfillmentOrder

Begin = Callable[[Desk, ProductHit, Wish], FulfillmentOrder]


class ReserveDialog(RecordingModal[FulfillmentOrder | None]):
    """Asks for a name; holds at once what is free, or asks central for a place in the queue."""

    HELP_TEXT = (
        "Holds the product for a customer who pays later, at the price shown now. What is free in"
        " this store is held at once, with or without a network. F6 puts the customer on the"
        " waiting list instead: central answers, and holds the goods when stock has come. A"
        " telephone number helps to find the customer again. Never type the number of a card."
    )
    BINDINGS = [
        Binding("escape", "cancel", "Cancel"),
        Binding("f6", "wait", "Waiting list: hold it when stock comes", id="wait"),
        Binding("down", "app.focus_next", "Next field", show=False),
        Binding("up", "app.focus_previous", "Previous field", show=False),
    ]

    def __init__(self, hit: ProductHit) -> None:
        super().__init__()
        self._hit = hit

    def compose(self) -> ComposeResult:
        """Show the product and three fields."""
        hit = self._hit
        price = money(hit.price_minor, hit.currency)
        with Vertical(classes="dialog", id="reserve-item"):
            yield Static(f"Reserve: {hit.name}", classes="dialog-title", markup=False)
            text = f"{price} each, paid when it is taken. {stock_terms(hit)}"
            yield Static(text, classes="dialog-text", markup=False)
            for label, name, value, hint in (
                ("Customer", "reserve-name", "", "name"),
                ("Telephone", "reserve-phone", "", "if they want to be called"),
                ("How many", "reserve-quantity", "1", f"1 to {QUANTITY_MAX}"),
            ):
                with Horizontal(classes="field"):
                    yield Static(label, classes="field-label")
                    field = Input(value, placeholder=hint, id=name)
                    field.cursor_blink = False
                    yield field
            yield Says("", id="reserve-says")
            keys = "Enter: hold it now   F6: waiting list   Esc: cancel"
            yield Static(keys, classes="dialog-keys", markup=False)

    def on_mount(self) -> None:
        """Begin with the name."""
        self.query_one("#reserve-name", Input).focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.input.id == "reserve-name":
            self.query_one("#reserve-quantity", Input).focus()
        else:
            self._go_on(reserve)

    def action_wait(self) -> None:
        """Ask for a place on the waiting list."""
        self._go_on(wait)

    def _go_on(self, begun: Begin) -> None:
        typed = tuple(
            self.query_one(f"#reserve-{field}", Input).value
            for field in ("name", "phone", "quantity")
        )
        self.attempt(partial(self._try, begun, typed), "reserve", (begun, typed))

    async def _try(self, begun: Begin, typed: tuple[str, ...]) -> None:
        says = self.query_one(Says)
        says.plain("Recording …")
        name, phone, count = typed

        def job() -> FulfillmentOrder:
            wish = Wish(name, quantity(count, most=QUANTITY_MAX), phone)
            return begun(self.desk, self._hit, wish)

        try:
            order = await self.host.off_loop(job)
        except OperationRefused as error:
            says.bad(*refusal(error))
            for field in self.query(Input):
                if has_card_number(field.value):
                    field.value = ""
            self.app.bell()
        except Exception as error:  # noqa: BLE001 - a full disk must be said, whatever it raises
            self.host.note_error(error)
            says.bad(f"Not recorded: {error}.", "Nothing is held; tell a manager.")
        else:
            self.dismiss(order)
