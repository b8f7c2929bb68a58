"""What screens share that record one command at a time: in a thread, durable before it is said."""

from abc import abstractmethod
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from store_client.screens.approval import ask_approval
from store_client.screens.base import TerminalScreen, TypingScreen, begin
from store_client.screens.host import Approved, with_approval
from store_client.services.desk import Desk
from store_client.services.scanner import Code
from store_client.services.words import refusal
from store_client.widgets.panels import Says
from sync.domain.errors import OperationRefused

Command = Callable[[Desk], Any]
Then = str | Callable[[Any], str | None]
"""What to say after a command, or what goes on with its result and returns what to say."""
LEAVES = "Recording …, then back."
"""Said to who leaves while something is being recorded."""
SCANS_WAITING_MAX = 32


class RecordingScreen(TerminalScreen):
    """A screen whose keys are commands. A key pressed while one is recorded does nothing.

    What was asked for through dialogs waits its turn: nobody answers four of them for nothing.
    """

    busy = False
    """Whether a command is being recorded."""
    _leaves: Callable[[], object] | None = None
    """What takes it away, as soon as nothing waits."""
    _is_answered = False
    """Whether what is done now was asked for through a dialog."""

    def __init__(self) -> None:
        super().__init__()
        self._answers: deque[tuple[Command, Then, Approved | None]] = deque()

    @property
    def has_waiting(self) -> bool:
        """Whether something is being recorded, or is about to be."""
        return self.busy or bool(self._answers)

    def do(self, command: Command, then: Then, approved: Approved | None = None) -> None:
        """Record one command, then say so, or go on with its result."""
        if not self.busy:
            self.busy = True
            begin(self, partial(self._record, command, then, approved), "perform")
        elif self._is_answered:
            self._answers.append((command, then, approved))

    def answer(self, chosen: Callable[[], object]) -> None:
        """Do what was chosen in a dialog; a command that it leads to at once waits its turn."""
        self._is_answered = True
        try:
            chosen()
        finally:
            self._is_answered = False

    def do_answer(self, command: Command, then: Then, approved: Approved | None = None) -> None:
        """Record what was asked for through a dialog, after what is being recorded now."""
        self.answer(partial(self.do, command, then, approved))

    async def _record(self, command: Command, then: Then, approved: Approved | None) -> None:
        try:
            with with_approval(self.host, approved):
                desk = self.desk
                result = await self.host.off_loop(lambda: command(desk))
        except OperationRefused as error:
            self.stay()
            self.is_unread = False
            if not ask_approval(self, error, partial(self.do_answer, command, then)):
                self.refuse(error)
        except Exception as error:  # noqa: BLE001 - a full disk must be said, whatever it raises
            self.stay()
            self.host.note_error(error)
            todo = "Try again; if it stays, tell support."
            self.query_one(Says).bad(f"NOT recorded: {error}.", todo)
            self.app.bell()
        else:
            self.show_done(result, then)
        finally:
            self.busy = False
            self.recorded()

    def show_done(self, result: Any, then: Then) -> None:
        """Go on with what was done, and say so."""
        words = then if isinstance(then, str) else then(result)
        if words:
            self.query_one(Says).good(words)

    def recorded(self) -> None:
        """Go on with what waited while a command was recorded."""
        if self._answers and not self.busy:
            self.do(*self._answers.popleft())
        leave = self._leaves
        if leave is not None and not self.has_waiting and self.is_active:
            self._leaves = None
            leave()

    def stay(self) -> None:
        """Forget who was leaving: there is something to read first."""
        self._leaves = None
        self.is_unread = True

    def on_screen_resume(self) -> None:
        """Be on top again, and go where that was waited for."""
        self.recorded()

    def refuse(self, error: OperationRefused) -> None:
        """Say why not and what to do, and look again. Whoever was leaving has to read it."""
        self.stay()
        self.query_one(Says).bad(*refusal(error))
        self.app.bell()
        self.store_changed()

    def may_leave(self, then: Callable[[], object]) -> bool:
        """Return whether all is recorded; else say so, and leave when it is.

        Whoever leaves hears where it is not.
        """
        if not self.has_waiting:
            return True
        self._leaves = then
        self.query_one(Says).plain(LEAVES)
        return False

    def action_back(self) -> None:
        """Go back, once all is recorded."""
        if self.may_leave(self.dismiss):
            self.dismiss()


class ScanScreen(TypingScreen, RecordingScreen):
    """A screen whose scans and typed codes are commands: each waits its turn, none is lost."""

    def __init__(self) -> None:
        super().__init__()
        self._scans: deque[Code] = deque()
        self._opens = False
        """Whether an order is being opened from here: what is scanned behind its label is its."""

    @abstractmethod
    def use_scan(self, code: Code) -> None:
        """Act on a scanned or typed code; called while no command is being recorded."""

    @property
    def can_scan(self) -> bool:
        """Whether what the codes are about has been read."""
        return True

    @property
    def has_waiting(self) -> bool:
        """Whether a command is being recorded, or a scan waits for it."""
        waits = bool(self._scans) and self.can_scan and not self._opens
        return super().has_waiting or waits

    def take_code(self, code: Code) -> None:
        """Take a scan; scans wait for each other, none is lost in silence."""
        if len(self._scans) >= SCANS_WAITING_MAX:
            self.host.unused_code(code)
        else:
            self._scans.append(code)
            self.recorded()

    def recorded(self) -> None:
        """Use the next scan that waits, or leave where that was asked for meanwhile."""
        super().recorded()
        if self._scans and self.can_scan and not self.busy and not self._opens and self.display:
            self.use_scan(self._scans.popleft())
            if self.is_active:  # the next one's turn has come already where this led to no command
                self.call_later(self.recorded)

    def open_other(self, code: Code) -> None:
        """Open the order that a scan names; the scans behind it wait, and go along to it."""
        self._opens = True
        self.host.open_code(code, self._take_behind)

    def _take_behind(self) -> list[Code]:
        self._opens = False
        behind = [*self._scans]
        self._scans.clear()
        return behind

    def stay(self) -> None:
        """Name what was scanned for an order that is not opened now."""
        super().stay()
        if self._opens:
            self._name_unused()

    def _name_unused(self) -> None:
        for code in self._take_behind():
            self.host.unused_code(code)

    def on_unmount(self) -> None:
        """Name the scans that were still waiting when the screen was left at once."""
        self._name_unused()

    # --- typing without a field ---------------------------------------------------------

    def show_typed(self, text: str) -> None:
        """Show what is typed."""
        says = self.query_one(Says)
        says.typing(text, "uses it") if text else says.plain("")

    def action_type_code(self) -> None:
        """Say that typing is enough."""
        self.query_one(Says).typing(self.typed, "uses it")

    def action_back(self) -> None:
        """Forget what is typed, or go back once all is recorded."""
        if self.typed:
            self.set_typed("")
        else:
            super().action_back()
