"""The payment of a parcel: taken, often on the telephone, before its boxes may leave."""

from typing import ClassVar

from store_client.screens.tender import TenderScreen
from store_client.widgets.panels import Says


class ParcelPaymentScreen(TenderScreen):
    """Takes payments for one parcel order; its boxes then leave as any others do."""

    HELP_TEXT = (
        "Type what the customer gives and press F4 or Enter for cash. F5 lets the payment terminal"
        " charge what is due, or the amount that is typed: for a customer on the telephone, key"
        " the card in there; only its reference comes here. Where it falls silent, F5 asks again"
        " without charging twice. F6 and F8 take a gift card or store credit. Payments add up; ^Z"
        " gives the one under the cursor back. Enter goes back to the order once it is paid: its"
        " boxes may leave then. Never type or scan a card's number."
    )
    PAID: ClassVar[str] = "PAID: its boxes may leave"

    def _change(self, by: int) -> None:
        """Change nothing: a box leaves with all that is in it."""

    def _enter(self) -> None:
        if self._due > 0:
            super()._enter()
        elif self._due < 0:
            self.query_one(Says).bad("More is paid than is sent.", "Give a payment back: ^Z.")
        elif self.not_paid is not None:
            todo = "Its boxes stay here. ^Z on that row; Esc goes back to the order."
            self.query_one(Says).bad(f"{self.not_paid.words}.", todo)
        else:
            self.action_cancel()
