"""A wave: one walk through the store, place by place, with the tote for each unit."""

from collections.abc import Sequence
from functools import partial

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content

from store_client.screens.base import begin
from store_client.screens.dialogs import (
    FIRST_SEEN,
    Choice,
    ChooseDialog,
    ConfirmDialog,
    what_follows,
)
from store_client.screens.recording import ScanScreen
from store_client.screens.wave_list import LOOKS
from store_client.services import waves
from store_client.services.desk import Desk, Refusal
from store_client.services.rejecting import Here, OtherThanShown, preview_row
from store_client.services.scanner import Code, read_code
from store_client.services.wave_paper import print_wave
from store_client.services.words import SHORT_REASONS, Said, units
from store_client.widgets.bars import Hint
from store_client.widgets.panels import Banner, NextPanel, NextStep, Panel, Says
from store_client.widgets.tones import tone_style
from store_client.widgets.work_list import WorkList
from sync.domain.errors import OperationRefused
from sync.domain.fulfillment import ShortReason
from sync.domain.waves import PickMode


class WaveScreen(ScanScreen):
    """The pick list of one wave, sorted by where things lie; then the sorting, where that waits."""

    HELP_TEXT = (
        "Walk from the top to the bottom. Scan each item: the terminal says into which tote it"
        " goes, one tote an order; where the wave is sorted after picking, scan each item once"
        " more at the end for its tote (F6 goes between picking and sorting). F4 does it without a"
        " barcode, F7 says that nothing of it is there, Ctrl+K prints the list. A wave of somebody"
        " else's is taken over by Ctrl+G. Nothing is lost if the power fails: open the wave again"
        " from its desk."
    )
    BINDINGS = [
        Binding("escape", "back", "Back"),
        Binding("f4", "pick", "Pick or sort one of this line by hand", id="pick"),
        Binding("f5", "type_code", "Type a code", id="type_code"),
        Binding("f6", "sort", "Sort what is picked, or pick on", id="sort_wave"),
        Binding("f7", "short", "None left of this item", id="short"),
        Binding("f8", "leave", "Give the rest of the wave back", id="leave_wave"),
        Binding("ctrl+g", "take_over", "Take this wave over", id="take_over"),
        Binding("ctrl+k", "paper", "Print the pick list, with totes", id="wave_paper"),
    ]

    def __init__(self, key: waves.WaveName, left_out: str = "") -> None:
        super().__init__()
        self._key = key
        self._left_out = left_out
        """Which orders that were asked for are not in it, where it was just begun."""
        self._wave: waves.Wave | None = None
        self._picker = ""
        self._is_gone = False
        """Whether no order of it is open any more: it ended while it was shown."""
        self._chose_sorting: bool | None = None

    def compose_body(self) -> ComposeResult:
        """Show the next place, the list, and what the last scan did."""
        yield Panel("", id="order-title")
        yield NextPanel("", id="next")
        yield Banner("", id="banner")
        yield WorkList(LOOKS, id="wave")
        yield Says("", id="says")

    def on_mount(self) -> None:
        """Read."""
        super().on_mount()
        self.query_one("#banner", Banner).display = False
        rows = self.query_one("#wave", WorkList)
        rows.show_rows((), empty="Reading …")
        rows.focus()
        if self._left_out:
            self.query_one(Says).news(Said("▲", "Left out", "warn"), self._left_out)
        self.store_changed()

    def on_screen_resume(self) -> None:
        """Catch up with what was done on the screens above, unless it is taken away, too."""
        if self.is_mounted and self.is_active:
            self.store_changed()

    @property
    def _is_mine(self) -> bool:
        actor = self.host.actor
        return self._wave is None or actor is None or self._wave.picker == actor.id

    @property
    def _sorts(self) -> bool:
        """Whether scans sort: chosen, or because nothing is left to pick."""
        wave = self._wave
        if wave is None or wave.mode is not PickMode.SORT_AFTER_PICK:
            return False
        return not wave.to_pick if self._chose_sorting is None else self._chose_sorting

    def hints(self) -> Sequence[Hint]:
        """Return the keys to show."""
        wave = self._wave
        if self._is_gone:
            return (Hint("Esc", "Back", "screen.back"), Hint("F1", "Help", "app.help"))
        if wave is not None and wave.is_over:
            return (
                Hint("Enter", "Open the next tote"), Hint("Esc", "Back", "screen.back"),
                Hint("F1", "Help", "app.help"),
            )  # fmt: skip
        if not self._is_mine:
            return (
                Hint("^G", "Take over", "screen.take_over"), Hint("Esc", "Back", "screen.back"),
                Hint("F1", "Help", "app.help"),
            )  # fmt: skip
        modes = wave is not None and wave.mode is PickMode.SORT_AFTER_PICK
        turn = (Hint("F6", "Pick" if self._sorts else "Sort", "screen.sort"),) if modes else ()
        return (
            Hint("Scan", "Sort" if self._sorts else "Pick"),
            Hint("F4", "By hand", "screen.pick"),
            *turn,
            Hint("F7", "None left", "screen.short"),
            Hint("F8", "Give back", "screen.leave"),
            Hint("Esc", "Back", "screen.back"),
            Hint("F1", "Help", "app.help"),
        )

    def store_changed(self) -> None:
        """Read again."""
        begin(self, self._read, "wave", exclusive=True)

    async def _read(self) -> None:
        desk = self.desk
        try:
            wave, picker = await self.host.off_loop(lambda: self._look(desk))
        except OperationRefused as error:
            self._show_gone(error)
        else:
            self._picker = picker
            self._show(wave)

    def _look(self, desk: Desk) -> tuple[waves.Wave, str]:
        wave = waves.find(desk, self._key)
        return wave, desk.name_of(wave.picker)

    def _show_gone(self, error: OperationRefused) -> None:
        """Show no place to walk to, and no key that does nothing."""
        self._wave, self._is_gone = None, True
        self.query_one("#order-title", Panel).say(Content(f"Wave {self._key.name}"))
        over = Said("✓", "This wave is over", "done")
        self.query_one("#next", NextPanel).show(NextStep(over, "Esc goes back."))
        self.query_one("#banner", Banner).show("")
        self.query_one("#wave", WorkList).show_rows((), empty=str(error))
        self.offer_hints()

    def _show(self, wave: waves.Wave) -> None:
        self._wave, self._is_gone = wave, False
        if not (wave.to_sort if self._chose_sorting else wave.to_pick):
            self._chose_sorting = None
        by = self._picker or wave.picker
        title = Content.assemble(
            (f"Wave {wave.name} ", "bold"),
            (f"{units(len(wave.totes), 'tote')}, picked by {by}  ", tone_style("dim")),
            (f"{wave.picked} of {wave.picked + wave.to_pick}", tone_style("work", bold=True)),
            (f", {wave.to_sort} to sort" if wave.to_sort else "", tone_style("work")),
        )
        self.query_one("#order-title", Panel).say(title)
        self.query_one("#next", NextPanel).show(self._next(wave))
        self.query_one("#banner", Banner).show(self._banner(wave))
        self.query_one("#wave", WorkList).show_rows(wave.rows, empty=LOOKS.empty)
        self.offer_hints()

    def _banner(self, wave: waves.Wave) -> str:
        if not self._is_mine and not wave.is_over:
            return f"{self._picker or wave.picker} picks this wave. Ctrl+G takes it over."
        ended = [
            f"tote {tote.number}: put {tote.order.total('to_put_back')} back" for tote in wave.ended
        ]
        return f"Not expected any more, {'; '.join(ended)}" if ended else ""

    def _next(self, wave: waves.Wave) -> NextStep:
        if self._sorts and wave.to_sort:
            row = next(row for row in wave.rows if row.to_sort)
            how = f"{wave.to_sort} picked, in no tote yet"
            return NextStep(Said("◑", "Sort", "work"), how, f"Scan each one; first {row.name}")
        place = next((row for row in wave.rows if row.to_pick), None)
        if place is None:
            how = "Enter opens the next tote's order: pack it, put it on the shelf."
            return NextStep(Said("✓", "All picked", "good"), how, "")
        where = f"Aisle {place.shelf.aisle}" if place.shelf.aisle else place.shelf.department
        tote = f"; first into tote {place.totes[0][0]}"
        after = "" if wave.mode is PickMode.SORT_AFTER_PICK else tote
        how = f"{place.to_pick} × {place.name}"
        said = Said("◐", where or "Place unknown", "work")
        return NextStep(said, how, f"Scan each one{after}")

    # --- picking ------------------------------------------------------------------------

    def use_scan(self, code: Code) -> None:
        """Pick or sort the unit that was scanned; an order's label opens the order."""
        if code.order_number:
            self.open_other(code)
            return
        key = self._key
        act = waves.sort_scan if self._sorts else waves.scan
        self.do(lambda desk: act(desk, key, code), self._scanned)

    def _scanned(self, scan: waves.WaveScan) -> str:
        self._show(scan.wave)
        sorts = self._sorts
        left = [row.sku for row in scan.wave.rows if (row.to_sort if sorts else row.to_pick)]
        # Where the last unit of a place was picked, the cursor walks on to the next place.
        here = scan.line.sku if scan.line.sku in left or not left else left[0]
        self.query_one("#wave", WorkList).go_to(here)
        return scan.says

    @property
    def _row(self) -> waves.PickRow | None:
        found: waves.PickRow | None = self.query_one("#wave", WorkList).current
        return found

    def action_pick(self) -> None:
        """Pick or sort one unit of the row under the cursor."""
        row = self._row
        if self._may_act() and row is not None and not self.busy:
            self.use_scan(Code(row.sku))

    def _may_act(self, *, on_others: bool = False) -> bool:
        """Return whether anything can be done to the wave here; say why not."""
        if self._is_gone:
            self.refuse(waves.over())
        elif not self._is_mine and not on_others:
            self.refuse(waves.not_yours(self._picker))
        else:
            return True
        return False

    def action_sort(self) -> None:
        """Go from picking to sorting, or back."""
        wave = self._wave
        if not self._may_act(on_others=True):
            return
        if wave is None or wave.mode is not PickMode.SORT_AFTER_PICK:
            self.refuse(Refusal("This wave is sorted while it is picked.", "Each scan says where."))
            return
        if not self._sorts and not wave.to_sort:
            self.refuse(Refusal("Nothing is picked that is to be sorted.", "Pick first."))
            return
        self._chose_sorting = not self._sorts
        self._show(wave)

    def action_short(self) -> None:
        """Say why nothing of the row under the cursor can be picked, after seeing what follows."""
        row = self._row
        if not self._may_act():
            return
        if row is None or not row.to_pick:
            self.refuse(Refusal("Nothing of this item is to be picked.", "Choose another line."))
            return
        choices = [Choice(reason.value, label) for reason, label in SHORT_REASONS.items()]

        def chosen(reason: str | None) -> None:
            if reason is not None:
                self._confirm(row, ShortReason(reason))

        dialog = ChooseDialog(f"{row.name}: why?", choices, text=FIRST_SEEN)
        self.app.push_screen(dialog, chosen)

    def _confirm(self, row: waves.PickRow, reason: ShortReason) -> None:
        """Show what follows for all orders that want it; do it only on a yes."""
        host, key = self.host, self._key
        here = Here(host.store_row, host.clock.now_ms(), host.reaches_central)
        said = preview_row(key.flow, row.to_pick, len(row.totes), reason, here)

        def as_shown(desk: Desk) -> waves.Wave:
            now = {one.sku: one.totes for one in waves.find(desk, key).rows}
            if now.get(row.sku) != row.totes:
                raise OtherThanShown
            return waves.short_row(desk, key, row.sku, reason)

        def answered(yes: bool | None) -> None:
            if yes:
                self.do_answer(as_shown, partial(self._given_up, row))

        self.app.push_screen(what_follows(said), answered)

    def _given_up(self, row: waves.PickRow, wave: waves.Wave) -> str:
        self._show(wave)
        return f"Given up {row.to_pick}: {row.name}"

    def action_leave(self) -> None:
        """Give back what is still to be picked, so that others can take it."""
        wave, key = self._wave, self._key
        if not self._may_act() or wave is None:
            return
        try:
            waves.leaving(wave)
        except Refusal as error:
            self.refuse(error)
            return
        dialog = ConfirmDialog(
            "Give the wave back", "Orders that are not picked yet leave this wave.", yes="Give back"
        )

        def left(given: waves.GivenBack) -> str:
            if not given.staying:
                self.dismiss()
                return ""
            self.store_changed()
            stay = f"{units(given.staying, 'order')} to be sorted first: F6"
            return f"Given back {units(given.orders, 'order')}; {stay}"

        def answered(yes: bool | None) -> None:
            if yes:
                self.do_answer(lambda desk: waves.leave(desk, key), left)

        self.app.push_screen(dialog, answered)

    def action_take_over(self) -> None:
        """Ask, then go on with what somebody else began."""
        wave, key = self._wave, self._key
        if not self._may_act(on_others=True) or wave is None:
            return
        try:
            waves.to_take_over(self.desk, wave)
        except Refusal as error:
            self.refuse(error)
            return
        text = f"{self._picker} is told nothing: say so. The totes stay as they are."
        dialog = ConfirmDialog("Take this wave over", text, yes="Take over")

        def taken(wave: waves.Wave) -> str:
            self._picker = ""
            self.store_changed()
            return f"Yours now: {units(wave.to_pick)} still to pick"

        def answered(yes: bool | None) -> None:
            if yes:
                self.do_answer(lambda desk: waves.take_over(desk, key), taken)

        self.app.push_screen(dialog, answered)

    def action_paper(self) -> None:
        """Put the list on paper."""
        key = self._key
        self.do(lambda desk: print_wave(desk, key), str)

    @on(WorkList.Chosen, "#wave")
    def _entered(self, event: WorkList.Chosen) -> None:
        event.stop()
        wave = self._wave
        if self.typed:
            text = self.typed
            self.set_typed("")
            self.take_code(read_code(text))
        elif wave is not None and wave.is_over:
            waiting = [tote.order for tote in wave.totes if not tote.order.staging_spot]
            chosen = (waiting or [tote.order for tote in wave.totes])[0]
            self.host.open_order(chosen.flow, chosen.id)
        elif self._may_act():
            self.query_one(Says).plain("Scan the item. No barcode? F4 does it by hand.")
