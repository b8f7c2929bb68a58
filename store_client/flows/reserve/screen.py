"""The work screen of a reservation: which key is which command, and what a scan means."""

from collections.abc import Callable, Iterator
from functools import partial

from textual.binding import Binding

from store_client.flows.reserve import commands
from store_client.flows.reserve.board import (
    Step,
    banner_words,
    due_words,
    how_words,
    next_step,
    step_words,
)
from store_client.screens.dialogs import Choice, ChooseDialog, EntryDialog, Question
from store_client.screens.shelf import UNDO_HELP, ShelfScreen
from store_client.screens.tender import TenderScreen
from store_client.services.board import facts_of
from store_client.services.counter import may_refuse
from store_client.services.desk import Refusal
from store_client.services.receipt_copies import receipts_again
from store_client.services.scanner import Code
from store_client.services.shelf import may_unstage
from store_client.services.tendering import Sold
from store_client.services.words import REFUSAL_REASONS, Said, money
from store_client.widgets.bars import Hint
from store_client.widgets.panels import NextStep
from sync.domain.fulfillment import FulfillmentOrder, RefusalReason
from sync.domain.paying import due_of, open_price

EXTENSION_HOURS = 24

_STEP_LABELS = {
    Step.REFUND: "Payments",
    Step.PUT_BACK: "All put back",
    Step.PAY: "Go on paying",
    Step.ACCEPT: "Accept",
    Step.STAGE: "Put on the shelf",
    Step.READY: "Tell customer",
    Step.RELEASE: "Release",
    Step.SELL: "Customer pays",
    Step.NOTHING: "Done",
}


class ReserveScreen(ShelfScreen):
    """One reservation, from setting it aside to selling it or putting it back."""

    HELP_TEXT = (
        "Enter does what the top of the screen says. Scan items to set them aside or to put them"
        " back, the label of a shelf spot to put them there. F6 takes the payment, in cash, by"
        " card, gift card or store credit, alone or together, and hands the goods over. F7 lists"
        " everything else: more time, not wanted, goods that are not there." + UNDO_HELP
    )
    BINDINGS = [
        Binding("escape", "back", "Back"),
        Binding("enter", "next", "Do the next step", id="next"),
        Binding("f4", "pick", "Set one of this line aside by hand", id="pick"),
        Binding("f5", "type_code", "Type a code", id="type_code"),
        Binding("f6", "pay", "Payment: the customer pays, or gets money back", id="pay"),
        Binding("f7", "problem", "Problem: more time, not wanted, short …", id="problem"),
        Binding("f8", "stage", "Put at a spot of the hold shelf", id="stage"),
        Binding("ctrl+b", "put_back", "Put everything back that is not wanted", id="put_back"),
        Binding("ctrl+z", "undo", "Undo the last pick, or take it off the shelf", id="undo"),
        Binding("ctrl+t", "timeline", "Timeline of this order", id="timeline"),
    ]

    def step_hints(self, order: FulfillmentOrder) -> Iterator[Hint]:
        """Yield the keys that matter for the next step."""
        step = self._step(order)
        if step in _STEP_LABELS:
            yield Hint("Enter", _STEP_LABELS[step], "screen.next")
        if step in {Step.PICK, Step.ACCEPT}:
            yield Hint("F4", "By hand", "screen.pick")
        if commands.may_be_paid(order) and step not in {Step.SELL, Step.PAY, Step.REFUND}:
            yield Hint("F6", "Pay", "screen.pay")
        if step is not Step.NOTHING:
            yield Hint("F7", "Problem", "screen.problem")
        elif _is_sold(order):
            yield Hint("F7", "Receipt again", "screen.problem")

    # --- what this flow says ------------------------------------------------------------

    def _step(self, order: FulfillmentOrder) -> Step:
        return next_step(facts_of(order), self.host.central_now_ms())

    def panel_of(self, order: FulfillmentOrder) -> NextStep:
        """Return the next step, how to do it, and what it costs."""
        host, step = self.host, self._step(order)
        said = step_words(facts_of(order), host.store_row, host.central_now_ms())
        return NextStep(said, how_words(order, step), self._about(order, step))

    def _about(self, order: FulfillmentOrder, step: Step) -> str:
        if step in {Step.PICK, Step.ACCEPT, Step.PUT_BACK}:
            return self.first_of(order, put_back=step is Step.PUT_BACK)
        if order.total("open"):
            price, due = open_price(order), max(0, due_of(order))
            return (
                f"Price as promised {money(price, order.currency)},"
                f" still due {money(due, order.currency)}"
            )
        return ""

    def due_of(self, order: FulfillmentOrder) -> Said:
        """Return by when the next step is due."""
        return due_words(facts_of(order), self.host.store_row, self.host.central_now_ms())

    def banner_of(self, order: FulfillmentOrder) -> str:
        """Return what must not be overlooked."""
        return banner_words(order)

    def use_code(self, order: FulfillmentOrder, code: Code) -> None:
        """Take a code as a spot's label, or as an item."""
        del order
        if commands.is_spot(self.host.store_row, code.text):
            spot = code.text.upper()
            self.do(partial(commands.stage, fulfillment_id=self.key, spot=spot), f"Put at {spot}")
        else:
            self.do(partial(commands.scan_item, fulfillment_id=self.key, code=code), self._scanned)

    def do_next(self, order: FulfillmentOrder) -> None:
        """Do the next step."""
        {
            Step.REFUND: self.action_pay,
            Step.PUT_BACK: self.action_put_back,
            Step.PAY: self.action_pay,
            Step.ACCEPT: self.action_accept,
            Step.PICK: self._explain_pick,
            Step.STAGE: self.action_stage,
            Step.READY: self.action_ready,
            Step.RELEASE: self.action_release,
            Step.SELL: self.action_pay,
            Step.WAIT: self.action_problem,
            Step.NOTHING: self.action_back,
        }[self._step(order)]()

    def action_ready(self) -> None:
        """Let the customer come."""
        self.do(
            partial(commands.mark_ready, fulfillment_id=self.key),
            "The customer is told"
            if self.host.reaches_central
            else "Noted: central tells the customer when it hears of it",
        )

    def action_pay(self) -> None:
        """Open the payment."""
        order = self.order
        if order is None or not commands.may_be_paid(order):
            self.refuse(Refusal("Nothing of it is in hand.", "Set it aside first."))
            return
        self.app.push_screen(TenderScreen(order), self._paid)

    def _paid(self, sold: Sold | None) -> None:
        if sold is None:
            self.store_changed()
            return
        where = f". Receipt: {sold.receipt.rsplit('/', 1)[-1]}" if sold.receipt else ""
        self.show_done(sold.order, f"{sold.says}{where}")

    # --- problems -----------------------------------------------------------------------

    def _problems(self, order: FulfillmentOrder) -> list[tuple[Choice, Callable[[], None]]]:
        line, step = self.line, self._step(order)
        offered: list[tuple[bool, str, str, Callable[[], None]]] = []
        is_paying = step in {Step.PAY, Step.REFUND}
        still_open = order.total("open") > 0
        if line is not None:
            name = line.name
            offered += [
                (line.open > 0, "Cannot give this item", name, self.action_short),
                (line.held > 0 and line.open > 0, "Take a pick back", name, self.action_unpick),
                (
                    may_refuse(order) and line.deliverable > 0, "Customer does not want it", name,
                    self.action_refuse,
                ),
            ]  # fmt: skip
        all_of_it = (still_open or order.waits) and not is_paying
        offered += [
            (all_of_it, "Customer wants none of it", "", self.action_not_wanted),
            (still_open and not is_paying, "Customer needs more time", "asks central",
             self.action_extend),
            (still_open, "Cannot give any of it", "see first what follows", self.action_reject),
            (commands.may_be_moved(order), "Move to another spot", "", self.action_stage),
            (step is Step.RELEASE, "Nobody came: release it", "", self.action_release),
            (order.total("to_put_back") > 0, "Everything is back", "", self.action_put_back),
            (True, "Timeline of this order", "", self.action_timeline),
            (may_unstage(order), "Not ready after all", "off the hold shelf", self.action_unstage),
            (_is_sold(order), "Print the receipt again", "as a copy", self.action_receipt),
        ]  # fmt: skip
        return [
            (Choice(label, label, detail), action)
            for fits, label, detail, action in offered
            if fits
        ]

    def action_not_wanted(self) -> None:
        """Note that the customer wants none of it any more."""

        def chosen(reason: str | None) -> None:
            if reason is not None:
                self.do_answer(
                    partial(
                        commands.not_wanted,
                        fulfillment_id=self.key,
                        reason=RefusalReason(reason),
                    ),
                    "Released: it can be sold to anybody",
                )

        choices = [Choice(reason.value, label) for reason, label in REFUSAL_REASONS.items()]
        self.app.push_screen(ChooseDialog("Why does the customer not want it?", choices), chosen)

    def action_extend(self) -> None:
        """Ask central to hold it longer."""
        question = Question("How many hours longer?", "Hours", value=str(EXTENSION_HOURS))
        self.app.push_screen(
            EntryDialog(question, lambda text: commands.extend_by(self.desk, self.key, text)),
            lambda extended: self.show_done(extended, self._asked_to_extend),
        )

    def _asked_to_extend(self, extended: commands.Extended) -> str:
        if self.host.reaches_central:
            return f"Asked central to hold it until {extended.until}: it answers in a moment"
        here = f"held until {extended.until} here meanwhile"
        return f"Asked: {here}; central answers when it is reached"

    def action_receipt(self) -> None:
        """Print its receipt once more."""
        self.do(partial(receipts_again, key=self.key), lambda copied: copied.says)

    def action_release(self) -> None:
        """Release what nobody fetched."""
        self.do(
            partial(commands.release, fulfillment_id=self.key),
            "Released: put it back on the shelf",
        )


def _is_sold(order: FulfillmentOrder) -> bool:
    """Return whether something of it was paid and has left."""
    return order.total("fulfilled") > 0
