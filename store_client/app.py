"""The terminal: owns the screens, hears every key first, and watches the store's data.

It loads no network library: sending is the daemon's business. Nothing that
touches a disk runs on its loop; see `off_loop`.
"""

import asyncio
import fcntl
import traceback
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TextIO, TypeVar

from rich.text import Text
from textual import events
from textual.app import SystemCommand
from textual.binding import Binding
from textual.screen import Screen

from store_client.devices import PrintJob
from store_client.flows import ALL_FLOWS_UI
from store_client.ports import InboxItem, OperationFate, Store, SyncState
from store_client.screens.base import TerminalModal, TerminalScreen, begin
from store_client.screens.help import HelpScreen, keys_of, title_of
from store_client.screens.host import Behind, FlowUi
from store_client.screens.inbox import InboxScreen
from store_client.screens.leaving import LeavingApp
from store_client.screens.printing import PrintScreen
from store_client.screens.sign_in import SignInScreen
from store_client.screens.stock_lookup import StockLookupScreen
from store_client.screens.sync_status import SyncStatusScreen
from store_client.screens.today import TodayScreen
from store_client.screens.work import WorkScreen
from store_client.services.alerts import Alerts, Work
from store_client.services.calendar import local
from store_client.services.desk import Actor, TerminalSettings
from store_client.services.inbox import badge, waits
from store_client.services.printing import badge as paper_badge
from store_client.services.scanner import read_code
from store_client.services.words import (
    Said,
    clock_time,
    connection,
    last_recorded,
    reaches_central,
)
from store_client.widgets.bars import Standing, StatusBar
from store_client.widgets.tones import DEFAULT_COLORS, THEMES
from sync.clock import Clock
from sync.domain.card_numbers import without_card_numbers
from sync.domain.fulfillment import FulfillmentStatus
from sync.protocol.rows import StoreRow
from sync.transport import switch

T = TypeVar("T")
STATE_EVERY_MS = 1_000
MINUTE_MS = 60_000
ALERTS_MAX = 500
"""How many orders of a flow are looked at, the most urgent first."""
WARM_UP_CODE = "5901234123457"


class StoreApp(LeavingApp):
    """One store's terminal."""

    TITLE = "Holdshelf"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS = [
        Binding("f1", "help", "Help for this screen", id="help", priority=True),
        Binding("f2", "today", "Today: what to do next", id="today"),
        Binding("f3", "find", "Find a product or an order", id="find"),
        Binding("f9", "inbox", "Inbox: follow-ups, and what went wrong", id="inbox"),
        Binding("ctrl+r", "printing", "Printing: what waits, copies, pick list", id="printing"),
        Binding("f10", "command_palette", "Menu: every action", id="menu"),
        Binding("ctrl+s", "sync_status", "Sync: what central has", id="sync_status"),
        Binding("ctrl+l", "sign_out", "Sign out", id="sign_out"),
        Binding("ctrl+o", "lock", "Lock: your work stays on the screen", id="lock", priority=True),
        Binding("f12", "network", "Demo: cut or restore the network", id="network"),
        Binding("ctrl+q", "quit", "Quit", id="quit", priority=True),
    ]

    def __init__(
        self,
        store: Store,
        clock: Clock,
        settings: TerminalSettings | None = None,
        *,
        flows: Sequence[FlowUi] = ALL_FLOWS_UI,
        key_ms: Callable[[events.Key], int] | None = None,
        when_shown: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(settings or TerminalSettings(), key_ms)
        self.store = store
        self.clock = clock
        self.flows = flows
        self._when_shown = when_shown
        self.actor: Actor | None = None
        self.store_row: StoreRow | None = None
        self.sync_state: SyncState | None = None
        self.jobs = 0
        """Jobs that run in threads now; 0 when the terminal is at rest."""
        self._token: tuple[int, ...] | None = None
        self._minute = -1
        self._state_at_ms = 0
        self._central_ahead_ms = 0
        """What central's clock shows beyond this machine's."""
        self._alerts = Alerts(self.settings.alerts)
        self._work_seen: tuple[object, ...] = ()
        self._inbox: Sequence[InboxItem] = ()
        self._prints: Sequence[PrintJob] = ()
        self._cut = False
        self._marker: TextIO | None = None
        self._watching = False
        for theme in THEMES:
            self.register_theme(theme)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Let any of Textual's own themes work with this style sheet too."""
        return dict(DEFAULT_COLORS)

    # --- life ---------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Paint first, read afterwards."""
        self.theme = self.settings.theme
        self.set_keymap(dict(self.settings.keymap))
        self._read_switch()
        crashed = self._mark_running()
        self.push_screen(SignInScreen())
        self.set_interval(self.settings.poll_seconds, self._watch)
        self._watch()
        if self._when_shown is not None:  # what else starts must not take the first paint's time
            self.call_after_refresh(self._when_shown)
        if crashed:
            begin(self, self._tell_last_action, "crash")

    def _mark_running(self) -> bool:
        """Hold a marker for as long as the terminal runs; True where one was left behind."""
        marker = self.settings.running_marker
        if marker is None:
            return False
        marker.parent.mkdir(parents=True, exist_ok=True)
        found = marker.exists()
        file = marker.open("a", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()  # another terminal of this machine runs: the marker is its own
            return False
        self._marker = file
        return found

    async def _tell_last_action(self) -> None:
        newest: Sequence[OperationFate] = await self.off_loop(lambda: self.store.operations(1))
        row = await self.off_loop(self.store.store_row)
        if newest:
            words = last_recorded(row, newest[0], self.clock.now_ms())
            self.notify(
                words, title="The terminal had stopped without warning", timeout=20, markup=False
            )

    def on_unmount(self) -> None:
        """Leave no marker behind: this end was meant."""
        if self._marker is not None:
            if self.settings.running_marker is not None and not self._exception:
                self.settings.running_marker.unlink(missing_ok=True)
            self._marker.close()

    def _handle_exception(self, error: Exception) -> None:
        """Write the log, give the terminal back, and say where the log is."""
        self.note_error(error)
        if self.is_headless:
            super()._handle_exception(error)
            return
        self._return_code = 1
        self._exception = self._exception or error
        where = self.settings.log_path or "standard error (no log file is set)"
        self.panic(
            Text(
                "The terminal stopped because of an error.\n"
                "Everything it had confirmed is recorded. Start it again to go on.\n"
                f"{type(error).__name__}: {error}\nLog: {where}"
            )
        )

    def note_error(self, error: BaseException) -> None:
        """Append an error to the log."""
        if self.settings.log_path is None:
            return
        lines = without_card_numbers("".join(traceback.format_exception(error)))
        try:
            self.settings.log_path.parent.mkdir(parents=True, exist_ok=True)
            with self.settings.log_path.open("a", encoding="utf-8") as log:
                log.write(f"{self.clock.now_ms()} {lines}\n")
        except OSError:
            self.bell()

    async def off_loop(self, job: Callable[[], T]) -> T:
        """Run `job` in a thread: a disk that is slow never freezes the screen."""
        self.jobs += 1
        try:
            return await asyncio.to_thread(job)
        finally:
            self.jobs -= 1

    # --- what changes by itself ---------------------------------------------------------

    def _watch(self) -> None:
        if not self._watching:
            self._watching = True
            begin(self, self._look, "watch")

    async def _look(self) -> None:
        """Ask whether anything changed; tell the screens, and keep the bar true."""
        try:
            now_ms = self.clock.now_ms()
            self.lock_when_idle()
            token = await self.off_loop(self.store.change_token)
            changed, minute = token != self._token, now_ms // MINUTE_MS
            if changed or abs(now_ms - self._state_at_ms) >= STATE_EVERY_MS:
                self._state_at_ms = now_ms
                counts = changed or minute != self._minute
                await self.off_loop(partial(self._read_state, counts=counts))
            first, self._token = self._token is None, token
            if (changed or minute != self._minute) and not first:
                self.tell_screens()
            self._minute = minute
            self.say_standing()
        finally:
            self._watching = False

    def central_now_ms(self) -> int:
        """Return what central's clock shows, by what was known at the last look."""
        return self.clock.now_ms() + self._central_ahead_ms

    def _read_state(self, *, counts: bool) -> None:
        self._read_switch()
        self._central_ahead_ms = self.store.central_now_ms() - self.clock.now_ms()
        self.sync_state = self.store.sync_state()
        prints = self.settings.devices.queue.jobs()
        if prints != self._prints:
            self._prints = prints
            self.call_from_thread(self.tell_screens)
        if counts:
            self.store_row = self.store.store_row()
            self._inbox = self.store.exceptions()
            self._look_at_work()

    def _look_at_work(self) -> None:
        """Find what is new and what is late, and ring for what nobody was told yet."""
        row, now_ms = self.store_row, self.central_now_ms()
        counts = [sorted(self.store.counts(flow.name).items()) for flow in self.flows]
        seen = (now_ms // MINUTE_MS, self.actor is None, counts, self._inbox)
        if seen == self._work_seen:
            return  # a pick or a scan: no order is new or late by it, and reading all costs time
        self._work_seen = seen
        new: set[str] = set()
        late: set[str] = set()
        for flow in self.flows:
            for each in self.store.board(flow.name, limit=ALERTS_MAX):
                if each.status is FulfillmentStatus.NEW:
                    new.add(each.id)
                if flow.board.describe(each, row, now_ms).late:
                    late.add(each.id)
        waiting = [item for item in self._inbox if waits(item)]
        overdue = [item.id for item in waiting if item.due_ms <= now_ms]
        work = Work(
            frozenset(new), frozenset(late), frozenset(item.id for item in waiting),
            frozenset(overdue),
        )  # fmt: skip
        moment = None if row is None else local(row, now_ms)
        minute = 0 if moment is None else moment.hour * 60 + moment.minute
        if self._alerts.take(work, now_ms, minute, told=self.actor is not None):
            # In the bar and by the bell: whatever pops up would cover what the last scan did.
            self.call_from_thread(self.bell)

    def tell_screens(self) -> None:
        """Let every screen take in that something changed."""
        for screen in self.screen_stack:
            if isinstance(screen, TerminalScreen | TerminalModal) and screen.is_mounted:
                screen.store_changed()

    def say_standing(self) -> None:
        """Tell every screen's bar how things stand."""
        now_ms, row, actor = self.clock.now_ms(), self.store_row, self.actor
        said = Said("◌", "STARTING", "warn")
        if self.sync_state is not None:
            said = connection(self.sync_state, now_ms, cut=self._cut)
        standing = Standing(
            store=row.name if row else "",
            who=actor.name if actor else "",
            role=actor.role.value if actor else "",
            connection=said,
            time=clock_time(row, now_ms),
            news=self._alerts.words(
                self.central_now_ms(),
                on_today=actor is None or isinstance(self.screen, TodayScreen),
            ),
            inbox=badge(self._inbox, now_ms) if actor else None,
            paper=paper_badge(self._prints) if actor else None,
        )
        for screen in self.screen_stack:
            for bar in screen.query(StatusBar):
                if bar.say(standing) and isinstance(screen, TerminalScreen):
                    screen.standing_changed()

    # --- going from screen to screen ----------------------------------------------------

    def signed_in(self, actor: Actor) -> None:
        """Go on as `actor`."""
        self.actor = actor
        self.touch()
        self.to_base(lambda: self.switch_screen(TodayScreen()))
        # What the first scan needs is loaded now, not while somebody waits for it.
        begin(self, partial(self.off_loop, partial(read_code, WARM_UP_CODE)), "warm")

    def open_order(self, flow: str, fulfillment_id: str, scans: Behind = tuple) -> None:
        """Open the work screen of an order; it begins with these scans."""
        found = next((ui for ui in self.flows if ui.name == flow), self.flows[0])
        self._push(found.screen(fulfillment_id), scans)

    def show_lookup(self, text: str) -> None:
        """Look a code up, on top of whatever is open."""
        self._push(StockLookupScreen(text))

    def _push(self, screen: Screen[Any], scans: Behind = tuple) -> None:
        order_for_order = isinstance(screen, WorkScreen) and isinstance(self.screen, WorkScreen)
        replaces = isinstance(self.screen, StockLookupScreen) or order_for_order
        if replaces and not self.may_leave(partial(self._push, screen, scans)):
            return
        taken = scans()
        if replaces:
            self.switch_screen(screen)
        else:
            self.push_screen(screen)
        for code in taken:
            if isinstance(screen, TerminalScreen):
                screen.take_code(code)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer an action only where it makes sense."""
        if action == "lock":
            return self.actor is not None and not self.is_locked
        if action in {"today", "find", "inbox", "printing", "sync_status", "sign_out"}:
            is_over = isinstance(self.screen, TerminalModal) or self.is_locked
            return self.actor is not None and not is_over
        if action == "network":
            return self.settings.network_switch is not None
        return super().check_action(action, parameters)

    def action_today(self) -> None:
        """Go back to Today."""
        self.to_base(self.say_standing)

    def action_find(self) -> None:
        """Find a product or an order."""
        if not isinstance(self.screen, StockLookupScreen):
            self.push_screen(StockLookupScreen())

    def action_inbox(self) -> None:
        """Show what waits for somebody here."""
        if not isinstance(self.screen, InboxScreen):
            self._push(InboxScreen())

    def action_sync_status(self) -> None:
        """Show what central has."""
        if not isinstance(self.screen, SyncStatusScreen):
            self._push(SyncStatusScreen())

    def action_printing(self) -> None:
        """Show what waits for a printer."""
        if not isinstance(self.screen, PrintScreen):
            self._push(PrintScreen())

    def action_sign_out(self) -> None:
        """Let somebody else sign in."""
        self.to_base(self._signed_out)

    def _signed_out(self) -> None:
        self.actor = None
        self.switch_screen(SignInScreen())

    def action_help(self) -> None:
        """Explain the screen in front."""
        screen = self.screen
        if isinstance(screen, HelpScreen):
            screen.action_close()
        elif isinstance(screen, TerminalScreen | TerminalModal):
            self.push_screen(HelpScreen(title_of(screen), screen.HELP_TEXT, keys_of(screen)))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every action that works on the screen in front, with its key."""
        for entry in keys_of(screen):
            yield SystemCommand(
                entry.does,
                f"Key {entry.key}",
                partial(self.call_later, self.run_action, entry.action, screen),
            )
        yield SystemCommand("Theme", "Dark, light or high contrast", self.action_change_theme)

    # --- demo: the network switch -------------------------------------------------------

    @property
    def network_is_cut(self) -> bool:
        """Whether the demo's switch is off."""
        return self._cut

    @property
    def reaches_central(self) -> bool:
        """Whether central hears soon of what is recorded now."""
        state, now_ms = self.sync_state, self.clock.now_ms()
        return state is not None and reaches_central(state, now_ms, cut=self._cut)

    def _read_switch(self) -> None:
        path = self.settings.network_switch
        self._cut = path is not None and _mode(path) is not switch.LinkMode.PASS

    def action_network(self) -> None:
        """Cut or restore this store's network."""
        path = self.settings.network_switch
        if path is None:
            return
        cut = not self._cut
        switch.write_mode(path, switch.LinkMode.CUT if cut else switch.LinkMode.PASS)
        self._cut = cut
        self.say_standing()
        words = "Go on working: nothing will be lost." if cut else "Sending what has waited."
        self.notify(words, title="Network cut (demo)" if cut else "Network restored (demo)")


def _mode(path: Any) -> switch.LinkMode:
    try:
        return switch.read_mode(path)
    except (OSError, ValueError):
        return switch.LinkMode.PASS
