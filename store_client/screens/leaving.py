"""Going away from screens: what they are still recording is read by whoever leaves, if it fails."""

from collections.abc import Callable
from functools import partial

from store_client.screens.base import RecordingModal, TerminalScreen
from store_client.screens.locking import LockingApp

Then = Callable[[], object]


class LeavingApp(LockingApp):
    """The part of the terminal that takes screens away, and ends."""

    def to_base(self, then: Then) -> None:
        """Take away what stands over the base, from the top, then do `then`.

        A screen that records is waited for: where it fails, people stay there and read it.
        """
        while len(self.screen_stack) > 2:  # noqa: PLR2004 - Textual's own, and the base
            if not self.may_leave(partial(self.to_base, then)):
                return
            self.pop_screen()
        then()

    def may_leave(self, then: Then) -> bool:
        """Return whether the screen in front can go at once; else `then` is done when it can."""
        screen = self.screen
        return not isinstance(screen, TerminalScreen) or screen.may_leave(then)

    async def action_quit(self) -> None:
        """End, once all is recorded."""
        if isinstance(self.screen, RecordingModal) and self.screen.busy:
            self.notify("Still being recorded. Ctrl+Q works again after that.", title="Wait")
        else:
            self.to_base(self.exit)
