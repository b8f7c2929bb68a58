"""What screens share that record one command at a time: in a thread, durable before it is said."""

from collections.abc import Callable
from functools import partial
from typing import Any

from store_client.screens.approval import ask_approval
from store_client.screens.base import TerminalScreen, begin
from store_client.services.desk import Desk
from store_client.services.words import refusal
from store_client.widgets.panels import Says
from sync.domain.errors import OperationRefused

Command = Callable[[Desk], Any]
LEAVES = "Recording …, then back."
"""Said to who leaves while something is being recorded."""


class RecordingScreen(TerminalScreen):
    """A screen whose keys are commands. A key pressed while one is recorded does nothing."""

    busy = False
    """Whether a command is being recorded."""
    _leaves = False
    """Whether it is left as soon as nothing waits."""

    @property
    def has_waiting(self) -> bool:
        """Whether something is being recorded, or is about to be."""
        return self.busy

    def do(self, command: Command, then: Callable[[Any], None]) -> None:
        """Record one command, then go on with its result."""
        if not self.busy:
            self.busy = True
            begin(self, partial(self._record, command, then), "perform")

    async def _record(self, command: Command, then: Callable[[Any], None]) -> None:
        try:
            desk = self.desk
            result = await self.host.off_loop(lambda: command(desk))
        except OperationRefused as error:
            self._leaves = False
            if not ask_approval(self, error, partial(self.do, command, then)):
                self.refuse(error)
        except Exception as error:  # noqa: BLE001 - a full disk must be said, whatever it raises
            self._leaves = False
            self.host.note_error(error)
            self.query_one(Says).bad(f"NOT recorded: {error}.", "Try again; else tell support.")
        else:
            then(result)
        finally:
            self.busy = False
            self.host.approval = None
            self.recorded()

    def recorded(self) -> None:
        """Go on with what waited while a command was recorded."""
        if self._leaves and not self.has_waiting:
            self.dismiss()

    def refuse(self, error: OperationRefused) -> None:
        """Say why not and what to do, and look again. Whoever was leaving has to read it."""
        self._leaves = False
        self.query_one(Says).bad(*refusal(error))
        self.app.bell()
        self.store_changed()

    def action_back(self) -> None:
        """Go back, once all is recorded: whoever leaves hears where it is not."""
        if self.has_waiting:
            self._leaves = True
            self.query_one(Says).plain(LEAVES)
        else:
            self.dismiss()
