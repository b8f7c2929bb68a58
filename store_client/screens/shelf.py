"""What work screens of goods share: picking, the hold shelf, putting back, and what goes wrong."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from textual.binding import Binding

from store_client.ports import OperationFate
from store_client.screens.base import begin
from store_client.screens.dialogs import (
    FIRST_SEEN,
    Choice,
    ChooseDialog,
    ConfirmDialog,
    EntryDialog,
    Question,
    what_follows,
)
from store_client.screens.recording import Command
from store_client.screens.wave import WaveScreen
from store_client.screens.work import WorkScreen
from store_client.services import shelf, waves
from store_client.services.desk import Desk, Refusal, TakenOver
from store_client.services.rejecting import (
    Here,
    OtherThanShown,
    at_central,
    everything_open,
    preview,
)
from store_client.services.spots import free_spot, spots_of, spots_words
from store_client.services.words import REFUSAL_REASONS, SHORT_REASONS, units
from store_client.widgets.bars import Hint
from store_client.widgets.panels import Says
from store_client.widgets.work_list import WorkList
from sync.domain.fulfillment import FulfillmentOrder, RefusalReason, ShortReason

UNDO_HELP = (
    " Ctrl+Z undoes your own picks of this order, the latest first, whenever they were made. What"
    " was given up, rejected, put back, handed over or sold cannot be undone."
)
Problem = tuple[Choice, Callable[[], None]]


class ShelfScreen(WorkScreen):
    """One order whose goods are taken from the shelf and wait for a customer."""

    CANNOT = "give"
    """What a store does with goods in this flow, as in "cannot give"."""
    IS_BACK = "Is everything back on the shelf"

    BINDINGS = [Binding("ctrl+g", "take_over", "Take over what somebody else picks", id="take")]

    def __init__(self, fulfillment_id: str) -> None:
        super().__init__(fulfillment_id)
        self._taken = ("", 0)
        """Who goes on here with what somebody else began, and up to which operation."""
        self._were_here: frozenset[str] = frozenset()
        """Who has stood here: whoever takes the terminal over goes on with what they did at it."""
        self._may_undo = False
        """Whether a pick of who is signed in can be undone."""

    @abstractmethod
    def step_hints(self, order: FulfillmentOrder) -> Iterable[Hint]:
        """Return the keys that matter for the next step; the flow says."""

    @abstractmethod
    def _problems(self, order: FulfillmentOrder) -> list[Problem]:
        """Return what can go wrong now, and what to do about it; the flow says."""

    @property
    def desk(self) -> Desk:
        """The desk, at which what was taken over may be picked by who took it."""
        desk = super().desk
        me = desk.actor.id
        self._were_here |= {me}
        by, seq = self._taken
        taken = TakenOver(self.key, seq if by == me else 0, self._were_here - {me})
        return replace(desk, takes_over=taken)

    def hints(self) -> Sequence[Hint]:
        """Return the key to take over what somebody else picks, and those of the next step."""
        back = Hint("Esc", "Back", "screen.back")
        if self.order is None:
            return (back,)
        held = (Hint("^G", "Take over", "screen.take_over"),) if self.held else ()
        return (*held, *self.step_hints(self.order), back, Hint("F1", "Help", "app.help"))

    def first_of(self, order: FulfillmentOrder, *, put_back: bool) -> str:
        """Return the first line to pick or to put back: how many of what, and where it lies."""
        counter = "to_put_back" if put_back else "to_pick"
        line = next((one for one in order.lines if getattr(one, counter)), None)
        if line is None:
            return ""
        aisle = self.aisles.get(line.sku, "")
        where = f", aisle {aisle}" if aisle else ""
        return f"{getattr(line, counter)} × {line.name}{where}"

    def action_take_over(self) -> None:
        """Ask, then let who is signed in go on with what somebody else picks."""
        held, actor = self.held, self.desk.actor
        if held is None:
            self.refuse(Refusal("Nobody else picks this order.", "Go on."))
            return
        if not actor.may_work:
            self.refuse(Refusal(f"{actor.name} may only read.", "Leave it to who picks it."))
            return
        text = f"{held.words}, and is told nothing: say so. What is picked stays picked."

        def answered(yes: bool | None) -> None:
            if yes:
                self._taken = (actor.id, held.seq)
                self.store_changed()
                self.query_one(Says).good("Yours with your first pick: go on scanning")

        self.app.push_screen(ConfirmDialog("Take this order over", text, yes="Take over"), answered)

    def _scanned(self, scanned: shelf.Scanned) -> str:
        if not scanned.put_back:
            self._may_undo = True
            self.offer_hints()
        self.query_one("#lines", WorkList).go_to(str(scanned.line.line))
        return scanned.says

    def _show_fates(self, fates: Sequence[OperationFate]) -> None:
        super()._show_fates(fates)
        order, actor = self.order, self.host.actor
        if order is not None and actor is not None:
            self._may_undo = bool(shelf.own_picks(order, fates, actor.id))
            self.offer_hints()

    def _explain_pick(self) -> None:
        self.query_one(Says).plain("Scan the item. No barcode? F4 picks the line under the cursor.")

    def action_accept(self) -> None:
        """Take the work on."""
        self.do(partial(shelf.accept, fulfillment_id=self.key), "Accepted: pick it now")

    def action_pick(self) -> None:
        """Pick one unit of the line under the cursor by hand."""
        line = self.line
        if line is None:
            return

        def picked(_order: FulfillmentOrder) -> str:
            self._may_undo = True
            self.offer_hints()
            return f"Picked 1 by hand: {line.name}"

        self.do(partial(shelf.pick_by_hand, fulfillment_id=self.key, line=line.line), picked)

    def action_undo(self) -> None:
        """Undo one's own last pick; what waits on the shelf comes off it first."""
        if self.order is not None and shelf.may_unstage(self.order):
            self.action_unstage()
        else:
            self.do(
                partial(shelf.undo_pick, fulfillment_id=self.key),
                "Undone: put that item back on the shelf",
            )

    def action_stage(self) -> None:
        """Ask for the spot, with how full each one is and the next free one."""
        begin(self, self._ask_spot, "spot", exclusive=True)

    async def _ask_spot(self) -> None:
        desk, key = self.desk, self.key
        spots = await self.host.off_loop(lambda: spots_of(desk, without=key))
        if not self.is_active:
            return  # whoever pressed the key has gone on, or away
        free = free_spot(spots)
        question = Question(
            "Where does it wait?",
            "Spot of the hold shelf",
            "scan or type it, such as A1",
            value="" if free is None or free.capacity is None else free.name,
            text=spots_words(spots),
        )
        self.app.push_screen(
            EntryDialog(question, lambda text: shelf.stage(self.desk, key, text)),
            lambda order: self.show_done(order, lambda after: f"Put at {after.staging_spot}"),
        )

    def action_unstage(self) -> None:
        """Take the order back from the hold shelf; ask first where the customer was told."""
        order = self.order
        if order is None:
            return
        command = partial(shelf.unstage, fulfillment_id=self.key)
        if order.ready_at_ms is None:
            self.do(command, "Off the hold shelf: put it at a spot again when it is right")
            return
        words = "The customer was told to come, and is told not to come yet."
        dialog = ConfirmDialog("Not ready after all?", words, yes="Take it back")

        def answered(yes: bool | None) -> None:
            if yes:
                away = "" if self.host.reaches_central else " when central hears of it"
                self.do_answer(command, f"Not ready any more: the customer is told{away}")

        self.app.push_screen(dialog, answered)

    def action_put_back(self) -> None:
        """Ask whether everything is back on the shelf."""
        due = self.order.total("to_put_back") if self.order else 0
        if not due:
            self.refuse(Refusal("Nothing has to go back.", "See the next step at the top."))
            return
        dialog = ConfirmDialog("Put back", f"{self.IS_BACK} ({units(due)})?", yes="All back")
        self.app.push_screen(dialog, self._all_back)

    def _all_back(self, yes: bool | None) -> None:
        if yes:
            command = partial(shelf.put_back_all, fulfillment_id=self.key)
            self.do_answer(command, "Everything is back on the shelf")

    def action_problem(self) -> None:
        """Offer everything that can go wrong now."""
        order = self.order
        if order is not None:
            offered = self._problems(order)
            choices = [choice for choice, _ in offered]
            actions = {choice.key: action for choice, action in offered}
            self.app.push_screen(
                ChooseDialog("What is the problem?", choices),
                lambda key: self.answer(actions[key]) if key else None,
            )

    def action_short(self) -> None:
        """Give up units of the line under the cursor, after seeing what follows."""
        line = self.line
        if line is None:
            return

        def give_up(quantity: int, reason: str) -> None:
            why = ShortReason(reason)
            command = partial(
                shelf.short,
                fulfillment_id=self.key,
                line=line.line,
                quantity=quantity,
                reason=why,
            )
            self._confirm({line.line: quantity}, why, command, f"Short {quantity}: {line.name}")

        self._ask_reason(
            f"Why can this store not {self.CANNOT} {line.name}?",
            SHORT_REASONS,
            line.to_pick or line.open,
            give_up,
            text=FIRST_SEEN,
        )

    def _confirm(
        self, given_up: Mapping[int, int], reason: ShortReason, command: Command, did: str
    ) -> None:
        """Show what follows; do it only on a yes."""
        order, host = self.order, self.host
        if order is None:
            return
        here = Here(host.store_row, host.clock.now_ms(), host.reaches_central)
        said = preview(order, given_up, reason, here)
        later = "" if host.reaches_central else " when it hears of it"
        words = f"{did}. Central {at_central(order.flow).does}{later}"

        def as_shown(desk: Desk) -> Any:
            fresh = desk.store.fulfillment(order.id)
            if fresh is None or preview(fresh, given_up, reason, here) != said:
                raise OtherThanShown
            return command(desk)

        def answered(yes: bool | None) -> None:
            if yes:
                self.do_answer(as_shown, words)

        self.app.push_screen(what_follows(said), answered)

    def action_refuse(self) -> None:
        """Note that the customer does not take units of the line under the cursor."""
        line = self.line
        if line is None:
            return

        def refused(quantity: int, reason: str) -> None:
            self.do_answer(
                partial(
                    shelf.customer_refuses,
                    fulfillment_id=self.key,
                    line=line.line,
                    quantity=quantity,
                    reason=RefusalReason(reason),
                ),
                f"Refused {quantity}: {line.name}. Put it back on the shelf",
            )

        self._ask_reason(
            f"Why does the customer not take {line.name}?",
            REFUSAL_REASONS,
            line.deliverable,
            refused,
        )

    def _ask_reason(
        self,
        title: str,
        reasons: Mapping[Any, str],
        most: int,
        then: Callable[[int, str], None],
        *,
        text: str = "",
    ) -> None:
        """Ask for a reason, then for a quantity where there is a choice."""

        def counted(reason: str) -> None:
            question = Question("How many?", f"1 to {most}", value=str(most))
            self.app.push_screen(
                EntryDialog(question, partial(shelf.quantity, most=most)),
                lambda quantity: then(quantity, reason) if quantity else None,
            )

        def chosen(reason: str | None) -> None:
            if reason is not None:
                counted(reason) if most > 1 else then(1, reason)

        choices = [Choice(reason.value, label) for reason, label in reasons.items()]
        self.app.push_screen(ChooseDialog(title, choices, text=text), chosen)

    def action_wave(self) -> None:
        """Open the wave in which the order is picked."""
        order = self.order
        if order is None or order.wave is None:
            self.refuse(Refusal("This order is in no wave.", "Pick it here."))
            return
        self.app.push_screen(WaveScreen(waves.WaveName(order.flow, order.wave.name)))

    def action_leave_wave(self) -> None:
        """Take this order out of its wave."""

        def leave(desk: Desk) -> FulfillmentOrder:
            return waves.leave_one(desk, shelf.load(desk, self.key))

        self.do(leave, "Out of its wave: pick it here")

    def action_reject(self) -> None:
        """Decline everything that is still open, after seeing what follows."""
        order = self.order
        if order is None:
            return

        def rejected(chosen: str | None) -> None:
            if chosen is not None:
                why = ShortReason(chosen)
                command = partial(shelf.reject, fulfillment_id=self.key, reason=why)
                self._confirm(everything_open(self.order or order), why, command, "Rejected")

        choices = [Choice(reason.value, label) for reason, label in SHORT_REASONS.items()]
        title = "Why does this store reject the order?"
        self.app.push_screen(ChooseDialog(title, choices, text=FIRST_SEEN), rejected)

    def action_unpick(self) -> None:
        """Take a pick of the line under the cursor back."""
        line = self.line
        if line is not None:
            self.do(
                partial(shelf.unpick, fulfillment_id=self.key, line=line.line),
                f"Taken back: put 1 {line.name} on the shelf",
            )
