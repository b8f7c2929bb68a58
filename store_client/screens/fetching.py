"""The work screen of what a customer fetches: which key is which command, what a scan means."""

from collections.abc import Callable, Iterator
from functools import partial

from textual.binding import Binding

from store_client.screens.dialogs import Choice, ChooseDialog, ConfirmDialog, EntryDialog, Question
from store_client.screens.hand_over import HandOverScreen
from store_client.screens.shelf import UNDO_HELP, ShelfScreen
from store_client.services import fetching as commands
from store_client.services.board import facts_of
from store_client.services.counter import HandOver, may_refuse
from store_client.services.desk import Refusal
from store_client.services.fetching_board import (
    Step,
    banner_words,
    code_refusal,
    due_words,
    how_words,
    next_step,
    step_words,
)
from store_client.services.pick_lists import is_in_wave
from store_client.services.scanner import Code
from store_client.services.shelf import may_unstage
from store_client.services.words import REFUSAL_REASONS, Said, units
from store_client.widgets.bars import Hint
from store_client.widgets.panels import NextStep
from sync.domain.fulfillment import FulfillmentOrder, RefusalReason

EXTENSION_DAYS = 3

_STEP_LABELS = {
    Step.PUT_BACK: "All put back",
    Step.ACCEPT: "Accept",
    Step.SORT: "Open its wave",
    Step.STAGE: "Put on the shelf",
    Step.READY: "Mark ready",
    Step.RELEASE: "No-show: all back",
    Step.HAND_OVER: "Hand over",
    Step.NOTHING: "Done",
}


class FetchingScreen(ShelfScreen):
    """One order, from accepting it to handing it over or putting it back."""

    HELP_TEXT = (
        "Enter does what the top of the screen says. Scan items to pick them or to put them back,"
        " the label of a shelf spot to put the order there, the customer's code to hand it over."
        " F7 lists everything that can go wrong. Codes can be typed at any time, without a field."
        + UNDO_HELP
    )
    BINDINGS = [
        Binding("escape", "back", "Back"),
        Binding("enter", "next", "Do the next step", id="next"),
        Binding("f4", "pick", "Pick one of this line by hand", id="pick"),
        Binding("f5", "type_code", "Type a code", id="type_code"),
        Binding("f6", "hand_over", "Hand over to the customer", id="hand_over"),
        Binding("f7", "problem", "Problem: short, reject, refuse, extend …", id="problem"),
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
            yield Hint("F4", "Pick by hand", "screen.pick")
        if commands.may_hand_over(order) and step is not Step.HAND_OVER:
            yield Hint("F6", "Hand over", "screen.hand_over")
        if step is not Step.NOTHING:
            yield Hint("F7", "Problem", "screen.problem")
        if self._may_undo and step in {Step.PICK, Step.STAGE, Step.READY}:
            yield Hint("^Z", "Undo", "screen.undo")

    # --- what this flow says ------------------------------------------------------------

    def _step(self, order: FulfillmentOrder) -> Step:
        return next_step(facts_of(order), self.host.central_now_ms())

    def panel_of(self, order: FulfillmentOrder) -> NextStep:
        """Return the next step, how to do it, and on which item."""
        host, step = self.host, self._step(order)
        said = step_words(facts_of(order), host.store_row, host.central_now_ms())
        return NextStep(said, how_words(order, step), self._about(order, step))

    def due_of(self, order: FulfillmentOrder) -> Said:
        """Return by when the next step is due."""
        return due_words(facts_of(order), self.host.store_row, self.host.central_now_ms())

    def banner_of(self, order: FulfillmentOrder) -> str:
        """Return what must not be overlooked."""
        return banner_words(order, self.host.store_row, self.cancelled_ms)

    def _about(self, order: FulfillmentOrder, step: Step) -> str:
        if step not in {Step.PICK, Step.ACCEPT, Step.PUT_BACK}:
            return ""
        return self.first_of(order, put_back=step is Step.PUT_BACK)

    def use_code(self, order: FulfillmentOrder, code: Code) -> None:
        """Take a code as the customer's, as a spot's label, or as an item.

        What came in a customer's QR code is their pickup code, and never an item's.
        """
        if code.pickup_code:
            self._use_pickup_code(order, code.pickup_code)
        elif commands.is_spot(self.host.store_row, code.text):
            spot = code.text.upper()
            self.do(partial(commands.stage, fulfillment_id=self.key, spot=spot), f"Put at {spot}")
        elif self._step(order) is Step.RELEASE:
            self.do(
                partial(commands.no_show_scan, fulfillment_id=self.key, code=code), self._scanned
            )
        elif not code.gtin and self._step(order) is Step.HAND_OVER:
            self._open_counter(code.text)
        else:
            self.do(partial(commands.scan_item, fulfillment_id=self.key, code=code), self._scanned)

    def _use_pickup_code(self, order: FulfillmentOrder, code: str) -> None:
        why = code_refusal(order, self.host.store_row, self.host.central_now_ms())
        self.refuse(why) if why is not None else self._open_counter(code)

    def do_next(self, order: FulfillmentOrder) -> None:
        """Do the next step."""
        step = self._step(order)
        {
            Step.PUT_BACK: self.action_put_back,
            Step.ACCEPT: self.action_accept,
            Step.PICK: self._explain_pick,
            Step.SORT: self.action_wave,
            Step.STAGE: self.action_stage,
            Step.READY: self.action_ready,
            Step.RELEASE: self.action_no_show,
            Step.HAND_OVER: self.action_hand_over,
            Step.NOTHING: self.action_back,
        }[step]()

    def action_ready(self) -> None:
        """Let the customer come."""
        self.do(
            partial(commands.mark_ready, fulfillment_id=self.key),
            "Ready: the customer is told"
            if self.host.reaches_central
            else "Ready: central tells the customer when it hears of it",
        )

    def action_hand_over(self) -> None:
        """Open the counter."""
        self._open_counter("")

    def _open_counter(self, code: str) -> None:
        order = self.order
        if order is None or not commands.may_hand_over(order):
            self.refuse(Refusal("Nothing of this order is in hand.", "Pick it first."))
            return

        def submit(told: HandOver) -> FulfillmentOrder:
            return commands.hand_over(self.desk, order.id, told)

        counter = HandOverScreen(
            order, submit, code=code,
            slip=lambda lines: commands.slip(self.desk, order.id, lines),
        )  # fmt: skip
        self.app.push_screen(counter, self._handed_over)

    def _handed_over(self, order: FulfillmentOrder | None) -> None:
        if order is None:
            self.store_changed()
            return
        rest = order.total("open")
        verb = "waits" if rest == 1 else "wait"
        words = f"Handed over. {units(rest)} still {verb}" if rest else "Handed over: all done"
        self.show_done(order, words)

    # --- problems -----------------------------------------------------------------------

    def _problems(self, order: FulfillmentOrder) -> list[tuple[Choice, Callable[[], None]]]:
        line = self.line
        offered: list[tuple[bool, str, str, Callable[[], None]]] = []
        refuses = may_refuse(order)
        if line is not None:
            name = line.name
            offered += [
                (line.open > 0, "Cannot give this item", name, self.action_short),
                (line.held > 0 and line.open > 0, "Take a pick back", name, self.action_unpick),
                (
                    refuses and line.deliverable > 0, "Customer does not want it", name,
                    self.action_refuse,
                ),
            ]  # fmt: skip
        step = self._step(order)
        waiting = step in {Step.HAND_OVER, Step.RELEASE}
        in_wave = is_in_wave(order)
        still_open = order.total("open") > 0
        offered += [
            (still_open, "Reject the whole order", "see first what follows", self.action_reject),
            (commands.may_hand_over(order), "Move to another spot", "", self.action_stage),
            (in_wave, "Open its wave", "", self.action_wave),
            (in_wave, "Pick it alone", "out of its wave", self.action_leave_wave),
            (waiting, "Customer needs more time", "central decides", self.action_extend),
            (step is Step.RELEASE, "Nobody came: all is back", "", self.action_no_show),
            (step is Step.RELEASE, "Close it, put back later", "", self.action_release),
            (order.total("to_put_back") > 0, "Everything is back", "", self.action_put_back),
            (True, "Timeline of this order", "", self.action_timeline),
            (refuses, "Customer takes nothing", "", self.action_refuse_all),
            (may_unstage(order), "Not ready after all", "off the hold shelf", self.action_unstage),
        ]
        return [
            (Choice(label, label, detail), action)
            for fits, label, detail, action in offered
            if fits
        ]

    def action_refuse_all(self) -> None:
        """Ask why the customer takes nothing; everything goes back to the shelf then."""

        def chosen(reason: str | None) -> None:
            if reason is not None:
                self.do_answer(
                    partial(
                        commands.refuse_everything, fulfillment_id=self.key,
                        reason=RefusalReason(reason),
                    ),
                    "Refused at the counter: put everything back on the shelf",
                )  # fmt: skip

        choices = [Choice(one.value, label) for one, label in REFUSAL_REASONS.items()]
        title = "Why does the customer take nothing?"
        self.app.push_screen(ChooseDialog(title, choices), chosen)

    def action_extend(self) -> None:
        """Ask central to let the goods wait longer."""
        question = Question("How many open days longer?", "Days", value=str(EXTENSION_DAYS))
        self.app.push_screen(
            EntryDialog(question, lambda text: commands.extend_by(self.desk, self.key, text)),
            lambda order: self.show_done(order, "Asked: central answers when it is reached"),
        )

    def action_no_show(self) -> None:
        """Ask whether everything is back on the shelf; that closes the order."""
        count = self.order.total("open") if self.order else 0
        dialog = ConfirmDialog(
            "Nobody came",
            f"Is everything back on the shelf ({units(count)})? The order ends as a no-show.",
            yes="All back",
        )

        def answered(yes: bool | None) -> None:
            if yes:
                command = partial(commands.no_show, fulfillment_id=self.key)
                self.do_answer(command, f"Closed as a no-show; {self._told()}")

        self.app.push_screen(dialog, answered)

    def _told(self) -> str:
        is_away = not self.host.reaches_central
        return "central tells the customer when it hears" if is_away else "the customer is told"

    def action_release(self) -> None:
        """Release what nobody collected."""
        self.do(
            partial(commands.release, fulfillment_id=self.key),
            "Released: put it back on the shelf",
        )
