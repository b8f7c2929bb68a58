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


class RecordingScreen(TerminalScreen):
    """A screen whose keys are commands. A key pressed while one is recorded does nothing."""

    busy = False
    """Whether a command is being recorded."""

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
            if not ask_approval(self, error, partial(self.do, command, then)):
                self.refuse(error)
        except Exception as error:  # noqa: BLE001 - a full disk must be said, whatever it raises
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

    def refuse(self, error: OperationRefused) -> None:
        """Say why not and what to do, and look again."""
        self.query_one(Says).bad(*refusal(error))
        self.app.bell()
        self.store_changed()

    def action_back(self) -> None:
        """Go back."""
        self.dismiss()
