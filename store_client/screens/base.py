"""What all screens share: the frame, the way to the store's data, and the keys that always work.

Nothing here waits: whatever touches a disk runs through `Host.off_loop`, in a
thread, because a write that is being made durable holds the store's lock.
"""

from abc import ABCMeta, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar, cast

from textual import events
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding
from textual.containers import Vertical
from textual.css.query import NoMatches
from textual.dom import DOMNode
from textual.message_pump import _MessagePumpMeta  # what Textual makes its classes with
from textual.screen import ModalScreen, Screen

from store_client.screens.host import Host, NobodySignedIn, desk_of, host_of
from store_client.services.desk import Desk
from store_client.services.scanner import Code
from store_client.widgets.bars import Hint, Hints, StatusBar

T = TypeVar("T")
Result = TypeVar("Result")


def begin(
    node: DOMNode, job: Callable[[], Awaitable[object]], group: str, *, exclusive: bool = False
) -> None:
    """Begin `job` beside the screen; an exclusive one takes the place of its group's last.

    The job itself is handed over, not its coroutine: one that is replaced before
    it began leaves nothing behind that was never awaited. A screen that is being
    left has lost its widgets already: what its job did stands, and shows on the next one.
    """

    async def run() -> None:
        try:
            await job()
        except NoMatches:
            if node.display:
                raise
        except NobodySignedIn:  # who has signed out reads nothing any more
            if node in node.app.screen_stack:
                raise

    node.run_worker(cast("Any", run), group=group, exclusive=exclusive)


class ScreenMeta(_MessagePumpMeta, ABCMeta):
    """Lets screens have abstract methods: one that lacks what it must bring cannot be made."""


class OrderlyScreen(Screen[Result], metaclass=ScreenMeta):
    """A screen that closes from the top of the pile only, and once.

    Textual's `dismiss` takes away whatever is on top. A screen whose command ends while
    something stands over it (help, the lock) would close that instead, and stay itself.
    """

    _goes_with: tuple[Result | None] | None = None
    """Its result, from when it is known."""
    is_unread = False
    """Whether it says what became of a command, and nobody has touched a key before it since."""
    is_asking = False
    """Whether an approval is asked for on top of it: then that is what there is to read."""

    @property
    def is_leaving(self) -> bool:
        """Whether it is closed, or will be once nothing stands over it."""
        return self._goes_with is not None

    @property
    def has_waiting(self) -> bool:
        """Whether something is being recorded here, or is about to be."""
        return False

    def dismiss(self, result: Result | None = None) -> AwaitComplete:
        """Close with a result: at once, or as soon as what stands over this is gone.

        The first result counts. A screen that was closed already closes nothing.
        """
        if self._goes_with is None:
            self._goes_with = (result,)
        if not self.is_active:
            return AwaitComplete()
        return super().dismiss(self._goes_with[0])

    def on_screen_resume(self) -> None:
        """Be on top again, and go where that was waited for."""
        if self._goes_with is not None:
            self.dismiss()


class TerminalScreen(OrderlyScreen[None]):
    """A full screen: status bar on top, keys at the bottom, and the screen's own in between."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
    HELP_TEXT = ""
    """What the help says about this screen, above its keys."""
    typed = ""
    """What was typed here without a field: a code, or the beginning of a search."""
    more_keys: Sequence[Binding] = ()
    """Keys of this one screen, beside those of its class."""

    def compose(self) -> ComposeResult:
        """Frame the screen's own widgets."""
        yield StatusBar()
        with Vertical(id="body"):
            yield from self.compose_body()
        yield Hints()

    @abstractmethod
    def compose_body(self) -> ComposeResult:
        """Yield what is between the bars."""

    @property
    def host(self) -> Host:
        """The application."""
        return host_of(self)

    @property
    def desk(self) -> Desk:
        """Store, clock and who is signed in; only for screens behind the sign-in."""
        return desk_of(self.host)

    @property
    def in_front(self) -> bool:
        """Whether this is the screen that people see, be it under a dialog."""
        full = [screen for screen in self.app.screen_stack if not isinstance(screen, ModalScreen)]
        return bool(full) and full[-1] is self

    def hints(self) -> Sequence[Hint]:
        """Return the keys to show, most important first."""
        return ()

    def offer_hints(self) -> None:
        """Show the keys that matter now."""
        for bar in self.query(Hints):
            bar.offer(self.hints())

    def on_mount(self) -> None:
        """Start with the right keys, and say how things stand."""
        self.offer_hints()
        self.host.say_standing()

    def store_changed(self) -> None:
        """Take in that something in the store's data changed, or that a minute passed."""

    def standing_changed(self) -> None:
        """Take in that the status bar says something else now."""

    def take_code(self, code: Code) -> None:
        """Act on a scan: unless the screen has a use of its own, open what it means."""
        self.host.open_code(code)

    def may_leave(self, then: Callable[[], object]) -> bool:
        """Return whether it can be taken away at once; else it does `then` when it can."""
        del then
        return True

    def set_typed(self, text: str) -> None:
        """Put back what was typed without a field."""
        self.typed = text


class TypingScreen(TerminalScreen):
    """A screen on which typing needs no field: what is typed collects and Enter uses it."""

    _typing_is_due = False
    _typing_is_shown = False

    def set_typed(self, text: str) -> None:
        """Collect, and show it once all keys that have arrived are taken in."""
        self.typed = text
        if not self._typing_is_due:
            self._typing_is_due = True
            self.call_later(self._show_typing)

    def _show_typing(self) -> None:
        self._typing_is_due = False
        if self.typed or self._typing_is_shown:
            self._typing_is_shown = bool(self.typed)
            self.show_typed(self.typed)

    @abstractmethod
    def show_typed(self, text: str) -> None:
        """Show what is typed, or that nothing is."""

    def on_key(self, event: events.Key) -> None:
        """Collect printable keys that no widget wanted."""
        if event.key == "backspace" and self.typed:
            self.set_typed(self.typed[:-1])
        elif event.is_printable and event.character and (self.typed or event.character != " "):
            self.set_typed(self.typed + event.character)
        else:
            return
        event.stop()
        event.prevent_default()


class TerminalModal(ModalScreen[Result], OrderlyScreen[Result]):
    """A dialog over a screen. It hears of changes and scans as screens do."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
    HELP_TEXT = ""
    typed = ""

    @property
    def host(self) -> Host:
        """The application."""
        return host_of(self)

    @property
    def desk(self) -> Desk:
        """Store, clock and who is signed in; only for dialogs behind the sign-in."""
        return desk_of(self.host)

    def store_changed(self) -> None:
        """Take in that something changed."""

    def take_code(self, code: Code) -> None:
        """Act on a scan: unless the dialog has a use of its own, say that it was not used."""
        self.host.unused_code(code)

    def set_typed(self, text: str) -> None:
        """Put back what was typed without a field."""
        self.typed = text


class RecordingModal(TerminalModal[Result]):
    """A dialog whose answer is recorded before it closes. Esc cancels it until that begins."""

    busy = False
    """Whether something is being recorded."""

    _tried: object = None
    """What was typed for the attempt that is under way."""
    _next_try: Callable[[], None] | None = None
    """Begins with what was typed meanwhile."""

    @property
    def has_waiting(self) -> bool:
        """Whether something is being recorded."""
        return self.busy

    @property
    def is_superseded(self) -> bool:
        """Whether something else was typed, and is tried next."""
        return self._next_try is not None

    def attempt(self, job: Callable[[], Awaitable[None]], group: str, typed: object = None) -> None:
        """Begin to record; another key press meanwhile, or on the way out, does nothing.

        Where something else was `typed` than what is being tried, it is tried after that.
        """
        if self.busy:
            is_other = typed is not None and typed != self._tried
            self._next_try = partial(self.attempt, job, group, typed) if is_other else None
        elif not self.is_leaving:
            self.busy, self._tried = True, typed
            begin(self, partial(self._attempt, job), group)

    async def _attempt(self, job: Callable[[], Awaitable[None]]) -> None:
        try:
            await job()
        finally:
            self.busy = False
        self.is_unread = not (self.is_leaving or self.is_asking)
        self.attempted()

    def attempted(self) -> None:
        """Catch up with what came, or was typed, while something was recorded."""
        following, self._next_try = self._next_try, None
        if not self.is_leaving:
            self.store_changed()
        if following is None:
            return
        if self.is_leaving:
            self.notify("What was typed meanwhile was not used.", title="Recorded before")
        elif self.is_active:
            following()
        else:  # somebody is asked something first
            self.notify("Enter tries what was typed meanwhile.", title="Still in its field")

    def action_cancel(self) -> None:
        """Close with nothing; what is being recorded already is waited for, so that it is seen."""
        if self.busy:
            self.notify("Still being recorded. Esc works again after that.", title="Wait")
        else:
            self.dismiss(None)
