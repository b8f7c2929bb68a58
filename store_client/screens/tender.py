"""Payment: what is due, what was paid, and the keys that take money; then the goods go."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from store_client.screens.approval import ask_approval
from store_client.screens.base import RecordingModal, begin
from store_client.screens.dialogs import Choice, ChooseDialog, EntryDialog, Question
from store_client.screens.host import Approved, with_approval
from store_client.services import card_settling, card_voiding, giving_back, tendering
from store_client.services.cash import read_positive_amount
from store_client.services.counter import JUST_ENDED
from store_client.services.scanner import Code
from store_client.services.tendering import MEANS, Paid, Sold
from store_client.services.words import Said, money, refusal
from store_client.widgets.panels import Banner, Says
from store_client.widgets.tones import tone_style
from store_client.widgets.work_list import Cell, Column, Looks, WorkList
from sync.domain.card_numbers import has_card_number
from sync.domain.errors import OperationRefused
from sync.domain.fulfillment import FulfillmentLine, FulfillmentOrder
from sync.domain.operations import LineQuantity
from sync.domain.paying import balance_of, price_of, reservation_of
from sync.domain.tenders import Tender, TenderKind, TenderState, rounded

LINES_MAX = 4
TENDERS_MAX = 4
KEYS = "F4 cash  F5 card  F6 gift card  F8 credit  ^Z give back  Esc back"
STATES: dict[TenderState, Said] = {
    TenderState.TAKEN: Said("✓", "taken", "good"),
    TenderState.ASKED: Said("…", "no answer yet", "warn"),
    TenderState.DECLINED: Said("✗", "declined", "bad"),
    TenderState.RETURNED: Said("↶", "given back", "dim"),
}
DECLINED = Said("✗", "Not paid: a card was declined", "bad")
NOT_CLEAR = Said("!", "NOT CLEAR: a card goes back", "bad")

NOT_SURE = Choice("", "Not known", "the goods stay here")
SURE = Choice("sure", "It has: I have made sure", "recorded as given back")


class TenderScreen(RecordingModal[Sold | None]):
    """Takes payments for one reservation until it is paid, then hands the goods over."""

    HELP_TEXT = (
        "Type what the customer gives and press F4 or Enter for cash: the change is said. F5 lets"
        " the payment terminal charge what is due, or the amount that is typed; where it falls"
        " silent, F5 asks it again without charging twice. F6 and F8 take a gift card or store"
        " credit. Payments add up; ^Z gives the one under the cursor back. ◂ ▸ on a line hand"
        " over fewer of it. Enter hands over once it is paid. Never type or scan a card's number."
    )
    BINDINGS = [
        Binding("escape", "cancel", "Back, keeping what was paid"),
        Binding("f4", "cash", "Cash: what is typed, or exactly what is due", id="pay_cash"),
        Binding("f5", "card", "Card: charge, or ask again what became of it", id="pay_card"),
        Binding("f6", "gift_card", "Gift card", id="pay_gift"),
        Binding("f8", "credit", "Store credit", id="pay_credit"),
        Binding("ctrl+z", "give_back", "Give the payment under the cursor back", id="pay_back"),
        Binding("left", "fewer", "Hand over one fewer", show=False),
        Binding("right", "more", "Hand over one more", show=False),
        Binding("down", "app.focus_next", "Next field", show=False),
        Binding("up", "app.focus_previous", "Previous field", show=False),
    ]

    PAID: ClassVar[str] = "PAID: Enter hands over"

    def __init__(self, order: FulfillmentOrder) -> None:
        super().__init__()
        self._order = order
        self._counts = {line.line: line.deliverable for line in order.lines}
        self._issuers: Mapping[int, bool] = {}
        """Of which offline cards it is known whether they were declined."""
        self._begun: Mapping[int, str] = {}
        """Which cards are being given back, each with its terminal."""
        self._used = ""
        """The amount that was typed for what is being recorded."""

    # --- layout -------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Show the goods, the payments, one field, and what was last said."""
        lines = Looks(
            (Column("NOW", 8), Column("ITEM", 34, share=1), Column("PRICE", 10, right=True)),
            key=lambda line: str(line.line),
            cells=self._line_cells,
        )
        tenders = Looks(
            (Column("PAID BY", 13), Column("", 22, share=1), Column("AMOUNT", 10, right=True)),
            key=lambda one: str(one.number),
            cells=self._tender_cells,
            empty="Nothing paid yet.",
        )
        with Vertical(classes="dialog", id="tender"):
            yield Static("", id="tender-title", markup=False)
            yield Banner("", id="banner")
            yield WorkList(lines, id="tender-lines")
            yield WorkList(tenders, id="tender-tenders")
            with Horizontal(classes="field"):
                yield Static("Amount", classes="field-label")
                field = Input(placeholder="what the customer gives", id="tender-amount")
                field.cursor_blink = False
                yield field
                yield Static("", id="tender-due", markup=False)
            yield Says("", id="tender-says")
            yield Static(KEYS, classes="dialog-keys", markup=False)

    def on_mount(self) -> None:
        """Begin with the amount."""
        self.query_one("#banner", Banner).display = False
        self.query_one("#tender-amount", Input).focus()
        self._show()
        self.store_changed()

    def _line_cells(self, line: FulfillmentLine) -> Sequence[Cell]:
        count = self._counts.get(line.line, 0)
        price = money(line.unit_price_minor * count, self._order.currency)
        part = count < line.deliverable
        return (
            Cell(f"{count} of {line.deliverable}", "warn" if part else "good", bold=True),
            Cell(line.name),
            Cell(price),
        )

    def _tender_cells(self, one: Tender) -> Sequence[Cell]:
        said = STATES[one.state]
        words = f"{said} {one.reference}".strip()
        declined = self._issuers.get(one.number)
        if declined:
            said, words = STATES[TenderState.DECLINED], "✗ DECLINED by its issuer"
        elif one.number in self._begun and one.state is TenderState.TAKEN:
            said, words = NOT_CLEAR, f"! goes back at {self._begun[one.number]}: NOT CLEAR"
        elif one.is_offline and one.state is TenderState.TAKEN and declined is None:
            words += ", not confirmed yet"
        elif one.state is TenderState.ASKED and one.means is not TenderKind.CARD:
            words = "… asked central"
        return (
            Cell(MEANS[one.means], bold=True),
            Cell(words, said.tone),
            Cell(money(one.amount_minor, self._order.currency)),
        )

    @property
    def _price(self) -> int:
        lines = [LineQuantity(line, count) for line, count in self._counts.items()]
        return price_of(self._order, lines)

    @property
    def _due(self) -> int:
        held = reservation_of(self._order)
        return self._price - balance_of(self._order) - held.asked_minor

    def _show(self) -> None:
        order = self._order
        lines = [line for line in order.lines if line.deliverable]
        listed = self.query_one("#tender-lines", WorkList)
        listed.styles.height = max(1, min(len(lines), LINES_MAX)) + 1
        listed.show_rows(lines)
        tenders = reservation_of(order).tenders
        paid = self.query_one("#tender-tenders", WorkList)
        paid.styles.height = max(1, min(len(tenders), TENDERS_MAX)) + 1
        paid.show_rows(tenders)
        price = money(self._price, order.currency)
        self.query_one("#tender-title", Static).update(
            Content.assemble(
                (f"Pay {order.order_number} ", "bold"), f"{order.customer_name}   total {price}"
            )
        )
        self._show_due()

    @property
    def not_paid(self) -> Said | None:
        """Why nothing leaves although nothing is due: what the services refuse to sell for."""
        if card_settling.declined_card(self._order, self._issuers):
            return DECLINED
        return NOT_CLEAR if card_voiding.unclear_card(self._order, self._begun) else None

    def _show_due(self) -> None:
        due, currency = self._due, self._order.currency
        asked, not_paid = reservation_of(self._order).asked_minor, self.not_paid
        if not_paid is DECLINED or (not_paid is not None and due <= 0):
            said = not_paid
        elif due > 0:
            said = Said("", f"DUE {money(due, currency)}", "warn")
        elif asked:
            said = Said("…", f"{money(asked, currency)} wait for an answer", "warn")
        elif due < 0:
            said = Said("!", f"{money(-due, currency)} to give back", "bad")
        elif not any(self._counts.values()):
            said = Said("", "Nothing goes out", "dim")
        else:
            said = Said("✓", self.PAID, "good")
        content = Content.assemble((str(said), tone_style(said.tone, bold=True)))
        self.query_one("#tender-due", Static).update(content)

    # --- what may change meanwhile ------------------------------------------------------

    def store_changed(self) -> None:
        """Take in central's answer without touching what is typed."""
        begin(self, self._reload, "tender-order", exclusive=True)

    async def _reload(self) -> None:
        host, key = self.host, self._order.id
        order = await host.off_loop(lambda: host.store.fulfillment(key))
        if order is None or self.busy or self.is_leaving:
            return
        now, desk = order, self.desk
        known = await host.off_loop(
            lambda: (card_settling.issuers_said(desk, now), host.store.voids_begun(key))
        )
        is_same = known == (self._issuers, self._begun)
        self._issuers, self._begun = known
        if order == self._order:
            if not is_same:
                self._show()
            return
        had_goods = any(self._counts.values())
        before = {one.number: one.state for one in reservation_of(self._order).tenders}
        self._take(order)
        if had_goods and not order.total("deliverable"):
            self.query_one("#banner", Banner).show(JUST_ENDED)
        for one in reservation_of(order).tenders:
            if before.get(one.number) is TenderState.ASKED and one.state is not TenderState.ASKED:
                amount = money(one.amount_minor, order.currency)
                words = f"{MEANS[one.means]} {amount} {STATES[one.state].words}"
                says = self.query_one(Says)
                says.good(words) if one.state is TenderState.TAKEN else says.bad(f"{words}.")

    def _take(self, order: FulfillmentOrder) -> None:
        self._order = order
        allowed = {line.line: line.deliverable for line in order.lines}
        self._counts = {n: min(count, allowed.get(n, 0)) for n, count in self._counts.items()}
        self._show()

    # --- keys ---------------------------------------------------------------------------

    def _change(self, by: int) -> None:
        line: FulfillmentLine | None = self.query_one("#tender-lines", WorkList).current
        if line is not None:
            count = self._counts.get(line.line, 0) + by
            self._counts[line.line] = max(0, min(count, line.deliverable))
            self._show()

    def action_fewer(self) -> None:
        """Hand over one fewer of the line under the cursor."""
        self._change(-1)

    def action_more(self) -> None:
        """Hand over one more of the line under the cursor."""
        self._change(1)

    def _typed_amount(self) -> int | None:
        text = self.query_one("#tender-amount", Input).value.strip()
        return read_positive_amount(text, self._order.currency) if text else None

    def action_cash(self) -> None:
        """Take cash: what is typed, or exactly what is due."""

        def pay() -> Paid:
            due, typed = self._due, self._typed_amount()
            step = tendering.policy_of(self.desk).cash_step_minor
            given = rounded(due, step) if typed is None else typed
            return tendering.pay_cash(self.desk, self._order.id, given, due)

        self._do(pay)

    def action_card(self) -> None:
        """Let the payment terminal charge, or ask it again."""
        open_card = any(
            one.state is TenderState.ASKED and one.means is TenderKind.CARD
            for one in reservation_of(self._order).tenders
        )

        def pay() -> Paid:
            if open_card:
                return tendering.ask_card_again(self.desk, self._order.id)
            return tendering.pay_card(self.desk, self._order.id, self._typed_amount(), self._due)

        waiting = "Asking the payment terminal again …" if open_card else "Payment terminal: card …"
        self._do(pay, waiting)

    def action_gift_card(self) -> None:
        """Take a gift card."""
        self._ask_code(TenderKind.GIFT_CARD)

    def action_credit(self) -> None:
        """Take store credit."""
        self._ask_code(TenderKind.STORE_CREDIT)

    def _ask_code(self, means: TenderKind) -> None:
        def submit(code: str) -> Paid:
            typed, due = self._typed_amount(), self._due
            return tendering.pay_value(self.desk, self._order.id, means, code, typed, due)

        if self.busy:
            return
        self._used = self.query_one("#tender-amount", Input).value
        name = MEANS[means]
        question = Question(
            f"{name}: scan or type its code", "Code", "such as GC7Q-29ZX-MK0P",
            text="Never the number of a bank card.",
        )  # fmt: skip
        self.app.push_screen(EntryDialog(question, submit), self._said)

    def action_give_back(self) -> None:
        """Give the payment under the cursor back, or the last one that still can go back."""
        tenders = reservation_of(self._order).tenders
        live = [one for one in tenders if giving_back.can_go_back(self._order, one)]
        chosen: Tender | None = self.query_one("#tender-tenders", WorkList).current
        if chosen is not None and chosen not in live and self._issuers.get(chosen.number):
            self.query_one(Says).bad(
                "Goods have left for that card: it is a debt now, and stays in the payment.",
                "Go on without it, or choose another payment to give back.",
            )
            return
        if chosen not in live:
            declined = [one for one in live if self._issuers.get(one.number)]
            chosen = next(reversed(declined or live), None)
        if chosen is None:
            self.query_one(Says).bad("Nothing is paid that could be given back.")
            return
        number = chosen.number
        self._do(lambda: giving_back.give_back(self.desk, self._order.id, number))

    def _ask_whether_sure(self, unclear: card_voiding.CardUnclear) -> None:
        """Ask what a person knows of a card that its payment terminal says nothing of here.

        Who approved that a device is asked has not said that: it is approved by itself.
        """

        def answered(chosen: str | None) -> None:
            self.is_asking = False
            if chosen == SURE.key:
                key, number = self._order.id, unclear.tender
                self._do(lambda: giving_back.made_sure(self.desk, key, number))

        self.is_asking = True
        text = f"{unclear} If its payment terminal cannot be asked any more, ask the acquirer."
        title = "Has the card its money back?"
        self.app.push_screen(ChooseDialog(title, (NOT_SURE, SURE), text=text), answered)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._enter()

    @on(WorkList.Chosen)
    def _listed(self, event: WorkList.Chosen) -> None:
        event.stop()
        self._enter()

    def _enter(self) -> None:
        """Hand over what is paid; else take what is typed as cash."""
        if self._due <= 0:
            quantities = tuple(self._counts.items())
            self._do(lambda: tendering.sell(self.desk, self._order.id, quantities))
        elif self.query_one("#tender-amount", Input).value.strip():
            self.action_cash()
        else:
            self.query_one(Says).bad("Not paid yet.", "Type what was given, or choose F4 to F8.")

    def take_code(self, code: Code) -> None:
        """A scan here is no payment: gift cards are asked for by their key."""
        del code
        self.query_one(Says).bad("That scan was not used.", "F6 gift card, F8 store credit.")

    def _do(
        self,
        job: Callable[[], Paid | Sold],
        waiting: str = "Recording …",
        approved: Approved | None = None,
    ) -> None:
        if not self.busy:
            self._used = self.query_one("#tender-amount", Input).value
            self.query_one(Says).plain(waiting)
        self.attempt(partial(self._try, job, approved), "tender")

    async def _try(self, job: Callable[[], Paid | Sold], approved: Approved | None) -> None:
        says = self.query_one(Says)
        try:
            with with_approval(self.host, approved):
                done = await self.host.off_loop(job)
        except OperationRefused as error:
            if ask_approval(self, error, lambda given: self._do(job, approved=given)):
                return
            says.bad(*refusal(error))
            if isinstance(error, card_voiding.CardUnclear):
                self._ask_whether_sure(error)
            field = self.query_one("#tender-amount", Input)
            if has_card_number(field.value):
                field.value = ""
            self.app.bell()
        except Exception as error:  # noqa: BLE001 - a full disk must be said, whatever it raises
            self.host.note_error(error)
            says.bad(f"Not recorded: {error}.", "Do not hand over; tell a manager.")
        else:
            self._said(done)

    def _said(self, done: Paid | Sold | None) -> None:
        if done is None:
            return
        if isinstance(done, Sold):
            self.dismiss(done)
            return
        self._take(done.order)
        amount = self.query_one("#tender-amount", Input)
        if amount.value == self._used:
            amount.value = ""
        says = self.query_one(Says)
        worried = any(one.state is TenderState.ASKED for one in reservation_of(done.order).tenders)
        refused = "declined" in done.says or "charged nothing" in done.says
        if refused or "NOT CLEAR" in done.says:
            says.bad(f"{done.says}.")
            self.app.bell()
        elif worried:
            says.news(Said("…", done.says, "warn"), "")
        else:
            says.good(done.says)
