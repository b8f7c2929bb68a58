"""The work screen of a parcel order: which key is which command, and what a scan means."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from textual.binding import Binding

from store_client.flows.ship import commands, manifests
from store_client.flows.ship.board import (
    Step,
    banner_words,
    due_words,
    facts_of,
    how_words,
    next_step,
    step_words,
    unlabeled,
)
from store_client.flows.ship.pay_screen import ParcelPaymentScreen
from store_client.flows.ship.paying import may_be_paid, may_end_unpaid
from store_client.screens.dialogs import Choice, ChooseDialog, ConfirmDialog, EntryDialog, Question
from store_client.screens.shelf import UNDO_HELP, Problem, ShelfScreen
from store_client.services.desk import Refusal
from store_client.services.holds import not_wanted, release
from store_client.services.pick_lists import is_in_wave
from store_client.services.scanner import Code
from store_client.services.words import REFUSAL_REASONS, Said, units
from store_client.widgets.bars import Hint
from store_client.widgets.panels import NextStep, Says
from sync.domain import operations as op
from sync.domain.flows.ship import shipment_of, to_pack
from sync.domain.fulfillment import FulfillmentOrder, RefusalReason

_STEP_LABELS = {
    Step.PUT_BACK: "All put back",
    Step.ACCEPT: "Accept",
    Step.PACK: "Pack all",
    Step.LABEL: "Label",
    Step.LIST: "On manifest",
    Step.PAY: "Payment",
    Step.GIVE_BACK: "Payments",
    Step.HAND_OVER: "Carrier took it",
    Step.NOTHING: "Done",
}


class ShipScreen(ShelfScreen):
    """One parcel order, from accepting it to giving it to its carrier, or putting it back."""

    HELP_TEXT = (
        "Enter does what the top of the screen says. Scan items to pick them or to put them back."
        " Packing asks for the weight; one order may go into several boxes (F6). A label takes a"
        " number that came with the order, or is asked of central and then comes by itself, with"
        " its files. F7 lists everything that can go wrong." + UNDO_HELP
    )
    CANNOT = "send"
    IS_BACK = "Is everything out of its box and on the shelf"
    BINDINGS = [
        Binding("escape", "back", "Back"),
        Binding("enter", "next", "Do the next step", id="next"),
        Binding("f4", "pick", "Pick one of this line by hand", id="pick"),
        Binding("f5", "type_code", "Type a code", id="type_code"),
        Binding("f6", "pack_some", "Pack some of this line into a box", id="pack_some"),
        Binding("f7", "problem", "Problem: short, reject, unpack, void …", id="problem"),
        Binding("f8", "reprint", "Print labels and slips again", id="reprint"),
        Binding("ctrl+b", "put_back", "Put everything back that is not wanted", id="put_back"),
        Binding("ctrl+z", "undo", "Undo the last pick", id="undo"),
        Binding("ctrl+t", "timeline", "Timeline of this order", id="timeline"),
    ]

    def step_hints(self, order: FulfillmentOrder) -> Iterator[Hint]:
        """Yield the keys that matter for the next step."""
        step = next_step(facts_of(order))
        if step in _STEP_LABELS:
            yield Hint("Enter", _STEP_LABELS[step], "screen.next")
        if step in {Step.PICK, Step.ACCEPT}:
            yield Hint("F4", "Pick by hand", "screen.pick")
        if any(to_pack(order, line) for line in order.lines):
            yield Hint("F6", "Pack some", "screen.pack_some")
        if step is not Step.NOTHING:
            yield Hint("F7", "Problem", "screen.problem")
        if self._may_undo and step in {Step.PICK, Step.PACK}:
            yield Hint("^Z", "Undo", "screen.undo")

    # --- what this flow says ------------------------------------------------------------

    def panel_of(self, order: FulfillmentOrder) -> NextStep:
        """Return the next step, how to do it, and on what."""
        facts = facts_of(order)
        step = next_step(facts)
        return NextStep(step_words(facts), how_words(order, step), self._about(order, step))

    def due_of(self, order: FulfillmentOrder) -> Said:
        """Return until when it has to leave."""
        facts = facts_of(order)
        return due_words(facts, self.host.store_row, self.host.clock.now_ms())

    def banner_of(self, order: FulfillmentOrder) -> str:
        """Return what must not be overlooked."""
        return banner_words(order, self.host.store_row, self.cancelled_ms)

    def _about(self, order: FulfillmentOrder, step: Step) -> str:
        if step in {Step.PICK, Step.ACCEPT, Step.PUT_BACK}:
            return self.first_of(order, put_back=step is Step.PUT_BACK)
        return self._boxes(order)

    def _boxes(self, order: FulfillmentOrder) -> str:
        shipment = shipment_of(order)
        shown = [
            f"box {box.number}: {box.units} pcs, {box.weight_grams / 1000:.2f} kg, "
            + (box.tracking or ("label asked of central" if box.requested_at_ms else "no label"))
            for box in shipment.boxes
            if box.is_here
        ]
        return "; ".join(shown) or f"{shipment.carrier} {shipment.service} to {_town(order)}"

    def use_code(self, order: FulfillmentOrder, code: Code) -> None:
        """Take a code as an item."""
        del order
        self.do(partial(commands.scan_item, fulfillment_id=self.key, code=code), self._scanned)

    def do_next(self, order: FulfillmentOrder) -> None:
        """Do the next step."""
        {
            Step.PUT_BACK: self.action_put_back,
            Step.ACCEPT: self.action_accept,
            Step.PICK: self._explain_pick,
            Step.PACK: self.action_pack,
            Step.LABEL: self.action_label,
            Step.WAIT_FOR_LABEL: self._explain_wait,
            Step.LIST: self.action_list,
            Step.PAY: self.action_payment,
            Step.GIVE_BACK: self.action_payment,
            Step.HAND_OVER: self.action_hand_over,
            Step.NOTHING: self.action_back,
        }[next_step(facts_of(order))]()

    def _explain_wait(self) -> None:
        away = "" if self.host.reaches_central else " Central is not reached now: go on meanwhile."
        self.query_one(Says).plain(f"The label comes by itself, with its files.{away}")

    # --- picking and packing -----------------------------------------------------------

    def action_pack(self) -> None:
        """Pack everything that waits, and weigh it."""
        self._weigh(())

    def action_pack_some(self) -> None:
        """Pack some units of the line under the cursor into a box of their own."""
        line, order = self.line, self.order
        most = to_pack(order, line) if line is not None and order is not None else 0
        if line is None or not most:
            self.refuse(Refusal("Nothing of this line waits to be packed.", "Choose another line."))
            return
        question = Question("How many into this box?", f"1 to {most}", value=str(most))
        self.app.push_screen(
            EntryDialog(question, partial(commands.quantity, most=most)),
            lambda units: self._weigh((op.LineQuantity(line.line, units),)) if units else None,
        )

    def _weigh(self, lines: Sequence[op.LineQuantity]) -> None:
        order = self.order
        if order is None:
            return
        packed = lines or commands.everything(order)
        box, count = shipment_of(order).next_box, sum(one.quantity for one in packed)
        question = Question(
            f"Box {box}: {units(count)}", "Weight", "grams, or 1.25 kg",
            text="Put the packing slip in, close the box and weigh it.",
        )  # fmt: skip
        self.app.push_screen(
            EntryDialog(question, lambda text: commands.pack(self.desk, self.key, text, packed)),
            lambda after: self.show_done(after, f"Box {box} is packed: label it"),
        )

    # --- labels, manifest, carrier -----------------------------------------------------

    def action_label(self) -> None:
        """Label the next box."""
        self.do(partial(commands.label, fulfillment_id=self.key), self._labeled)

    def _labeled(self, labeled: commands.Labeled) -> str:
        if labeled.number or self.host.reaches_central:
            return labeled.says
        return f"{labeled.says} once central is reached. Go on meanwhile"

    def action_reprint(self) -> None:
        """Make labels and slips of all labeled boxes again."""
        self.do(
            partial(commands.reprint, fulfillment_id=self.key),
            lambda labeled: f"Printed again. {labeled.says}",
        )

    def action_list(self) -> None:
        """Put its boxes on the manifest."""
        order = self.order
        if order is not None:
            self.do(partial(manifests.list_box, order=order), "On the manifest")

    def action_hand_over(self) -> None:
        """Note that the carrier took its boxes."""
        order = self.order
        if order is None:
            return
        words = "The carrier has it: the customer is told"
        later = "" if self.host.reaches_central else " when central hears of it"
        dialog = ConfirmDialog(
            "Carrier", "Has the carrier taken the boxes of this order?", yes="Taken"
        )

        def answered(yes: bool | None) -> None:
            if yes:
                self.do_answer(partial(manifests.hand_over_order, order=order), words + later)

        self.app.push_screen(dialog, answered)

    # --- paid here ----------------------------------------------------------------------

    def action_payment(self) -> None:
        """Open the payment of what is paid here."""
        order = self.order
        if order is None or not may_be_paid(order):
            self.refuse(Refusal("Nothing of it is in hand.", "Pick it first."))
            return
        self.app.push_screen(ParcelPaymentScreen(order), lambda _: self.store_changed())

    def action_not_wanted(self) -> None:
        """Note that the customer wants none of it any more."""

        def chosen(reason: str | None) -> None:
            if reason is not None:
                self.do_answer(
                    partial(not_wanted, fulfillment_id=self.key, reason=RefusalReason(reason)),
                    "Not wanted: put its goods back",
                )

        choices = [Choice(reason.value, label) for reason, label in REFUSAL_REASONS.items()]
        self.app.push_screen(ChooseDialog("Why does the customer not want it?", choices), chosen)

    def _not_paid(self) -> None:
        self.do(partial(release, fulfillment_id=self.key), "Released: put its goods back")

    # --- problems -----------------------------------------------------------------------

    def _problems(self, order: FulfillmentOrder) -> list[Problem]:
        line = self.line
        offered: list[tuple[bool, str, str, Callable[[], None]]] = []
        if line is not None:
            offered += [
                (line.open > 0, "Cannot send this item", line.name, self.action_short),
                (to_pack(order, line) > 0, "Take a pick back", line.name, self.action_unpick),
            ]
        boxes, in_wave = [box for box in shipment_of(order).boxes if box.is_here], is_in_wave(order)
        bare = unlabeled(order)
        voidable = [box for box in boxes if box.tracking or box.requested_at_ms is not None]
        last = boxes[-1].number if boxes else 0
        void = voidable[-1].number if voidable else 0
        offered += [
            (may_be_paid(order), "Payment", "take it, or give it back", self.action_payment),
            (may_end_unpaid(order), "Not wanted any more", "the customer said so",
             self.action_not_wanted),
            (may_end_unpaid(order), "Not paid in time", "its goods go back on the shelf",
             self._not_paid),
            (order.total("open") > 0, "Reject the whole order", "see first what follows",
             self.action_reject),
            (in_wave, "Open its wave", "", self.action_wave),
            (in_wave, "Pick it alone", "out of its wave", self.action_leave_wave),
            (bool(boxes), f"Unpack box {last}", "its label is void", partial(self._unpack, last)),
            (bool(voidable), f"Void the label of box {void}", "or the request for one",
             partial(self._void, void)),
            (bool(bare), "Write down a label bought otherwise", "", self._by_hand),
            (order.total("to_put_back") > 0, "Everything is back", "", self.action_put_back),
            (any(box.tracking for box in boxes), "Print labels and slips again", "",
             self.action_reprint),
            (True, "Timeline of this order", "", self.action_timeline),
        ]  # fmt: skip
        return [
            (Choice(label, label, detail), action)
            for fits, label, detail, action in offered
            if fits
        ]

    def _unpack(self, box: int) -> None:
        self.do(
            partial(commands.unpack, fulfillment_id=self.key, box=box),
            f"Box {box} is unpacked; a label on it is void",
        )

    def _void(self, box: int) -> None:
        found = shipment_of(self.order).box(box) if self.order is not None else None
        listed = found is not None and bool(found.manifest)
        anew = ", and make the manifest again (F7 at Shipping)" if listed else ""
        self.do(
            partial(commands.void, fulfillment_id=self.key, box=box),
            f"The label of box {box} is void: tear it off{anew}",
        )

    def _by_hand(self) -> None:
        order = self.order
        bare = unlabeled(order) if order is not None else []
        if not bare:
            return
        box = bare[0].number
        question = Question(f"Label of box {box}", "Number", "scan or type what is on the label")
        self.app.push_screen(
            EntryDialog(
                question, lambda text: commands.label_by_hand(self.desk, self.key, box, text)
            ),
            lambda labeled: self.show_done(labeled, lambda done: done.says),
        )


def _town(order: FulfillmentOrder) -> str:
    address = shipment_of(order).address
    return " ".join(part for part in (address.city, address.postal_code) if part) or "?"
