"""Going away from screens: what they are still recording is read by whoever leaves, if it fails."""

from collections.abc import Callable
from functools import partial

from store_client.screens.base import OrderlyScreen, RecordingModal, TerminalScreen
from store_client.screens.locking import LockingApp

Then = Callable[[], object]


class LeavingApp(LockingApp):
    """The part of the terminal that takes screens away, and ends."""

    def to_base(self, then: Then) -> None:
        """Take away what stands over the base, from the top, then do `then`.

        A screen that records is waited for: where it fails, people stay there and read it, as
        they do where what it says came while something stood over it.
        Nothing is taken away from under the lock, and the lock goes by a PIN only.
        """
        if self.is_locked:
            return
        while len(self.screen_stack) > 2:  # noqa: PLR2004 - Textual's own, and the base
            unread = isinstance(self.screen, OrderlyScreen) and self.screen.is_unread
            if unread or not self.may_leave(partial(self.to_base, then)):
                return
            self.pop_screen()
        then()

    def may_leave(self, then: Then) -> bool:
        """Return whether the screen in front can go at once; else `then` is done when it can."""
        screen = self.screen
        return not isinstance(screen, TerminalScreen) or screen.may_leave(then)

    async def action_quit(self) -> None:
        """End, once all is recorded. A locked terminal ends as it stands, or stays locked.

        It stays locked where something waits to be recorded, and where what became of a command
        was said when nobody was there any more.
        """
        stack = [screen for screen in self.screen_stack if isinstance(screen, OrderlyScreen)]
        if self.is_locked:
            if any(screen.has_waiting for screen in stack):
                todo = "Unlock it to see what, or press Ctrl+Q again after a while."
                self.notify(todo, title="Something here is not recorded yet")
            elif any(screen.is_unread for screen in stack):
                todo = "Unlock it and read it; Ctrl+Q ends the terminal after that."
                self.notify(todo, title="Something here was not read yet")
            else:
                self.exit()
        elif any(isinstance(screen, RecordingModal) and screen.busy for screen in stack):
            self.notify("Still being recorded. Ctrl+Q works again after that.", title="Wait")
        else:
            self.to_base(self.exit)
