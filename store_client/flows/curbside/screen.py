"""The work screen of an order that is brought out: the hold shelf's, and who waits outside."""

from collections.abc import Callable
from functools import partial

from textual.binding import Binding

from store_client.flows.curbside import commands
from store_client.flows.curbside.board import BRING_OUT, outside_words
from store_client.screens.dialogs import Choice, EntryDialog, Question
from store_client.screens.fetching import FetchingScreen
from store_client.services.desk import Desk
from store_client.widgets.panels import NextStep
from sync.domain.flows import status_of
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus


def arrival_question(desk: Desk, number: str) -> Question:
    """Return what is asked of an arrival."""
    store = desk.store.store_row()
    spots = ", ".join(store.pickup.parking) if store is not None else ""
    return Question(
        f"{number}: where does the car stand?",
        "Parking spot, then what the car looks like",
        "P1, red van",
        text=f"Spots: {spots}" if spots else "",
    )


class CurbsideScreen(FetchingScreen):
    """One order, from accepting it to bringing it out."""

    HELP_TEXT = (
        f"{FetchingScreen.HELP_TEXT} Ctrl+N notes that the customer waits outside, and where; it"
        " stands on top from then on, and on the curbside desk (F6 at Today)."
    )
    BINDINGS = [Binding("ctrl+n", "arrived", "Customer waits outside", id="arrived")]

    def banner_of(self, order: FulfillmentOrder) -> str:
        """Return what must not be overlooked: first who waits outside."""
        waits = outside_words(order, self.host.central_now_ms())
        return waits if waits and not order.total("to_put_back") else super().banner_of(order)

    def panel_of(self, order: FulfillmentOrder) -> NextStep:
        """Return the next step, in words."""
        panel = super().panel_of(order)
        if status_of(order) is not FulfillmentStatus.CUSTOMER_WAITING:
            return panel
        return NextStep(BRING_OUT, panel.how, panel.about)

    def _problems(self, order: FulfillmentOrder) -> list[tuple[Choice, Callable[[], None]]]:
        waits = bool(outside_words(order, self.host.central_now_ms()))
        offered: list[tuple[Choice, Callable[[], None]]] = []
        if order.total("open"):
            label = "Stands elsewhere outside" if waits else "Customer waits outside"
            offered.append((Choice(label, label), self.action_arrived))
        if waits:
            label = "Nobody waits outside"
            offered.append((Choice(label, label), self.action_left))
        return [*super()._problems(order), *offered]

    def action_arrived(self) -> None:
        """Ask where the car stands."""
        order = self.order
        if order is not None:
            self.app.push_screen(
                EntryDialog(  # whoever answers acts: the desk may be another's by then
                    arrival_question(self.desk, order.order_number),
                    lambda text: commands.arrived_at(self.desk, self.key, text),
                ),
                lambda after: self.show_done(after, "Noted: bring it out"),
            )

    def action_left(self) -> None:
        """Note that nobody waits outside."""
        self.do(partial(commands.left, fulfillment_id=self.key), "Noted: nobody waits outside")
