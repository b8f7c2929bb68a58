"""The idle lock of the terminal: when it comes, and how it goes away again."""

from collections.abc import Callable

from textual import events
from textual.widgets import Input

from store_client.screens.base import OrderlyScreen
from store_client.screens.lock import LockScreen
from store_client.screens.scanning import ScanningApp
from store_client.services.desk import Actor
from sync.clock import Clock

LOCK_AGAIN_S = 0.05


class LockingApp(ScanningApp):
    """The part of the terminal that asks for a PIN when nobody has touched it for a while."""

    clock: Clock
    jobs: int
    tell_screens: Callable[[], None]
    say_standing: Callable[[], None]
    _touched_ms = 0

    def touch(self) -> None:
        """Note that somebody is there."""
        self._touched_ms = self.clock.monotonic_ms()

    async def on_event(self, event: events.Event) -> None:
        """Note that somebody is there, and sees the screen in front; let the event go its way."""
        if isinstance(event, events.Key | events.MouseDown):
            self.touch()
            if isinstance(self.screen, OrderlyScreen):
                self.screen.is_unread = False
        await super().on_event(event)

    @property
    def is_locked(self) -> bool:
        """Whether a PIN is asked for before anything else."""
        return any(isinstance(screen, LockScreen) for screen in self.screen_stack)

    def lock_when_idle(self) -> None:
        """Lock where nobody has touched a key for as long as that is set."""
        idle_ms = self.clock.monotonic_ms() - self._touched_ms
        if 0 < self.settings.idle_lock_seconds * 1000 <= idle_ms and not self.jobs:
            self.action_lock()

    def action_lock(self) -> None:
        """Ask for a PIN; what is on the screen stays underneath."""
        if self.jobs:  # what is being recorded may close its dialog: first that
            self.set_timer(LOCK_AGAIN_S, self.action_lock)
        elif self.actor is not None and not self.is_locked:
            self._forget_pins()
            self.push_screen(LockScreen(self.actor))

    def _forget_pins(self) -> None:
        """Empty every field with a PIN: whoever unlocks must not send another's."""
        for screen in self.screen_stack:
            for field in screen.query(Input):
                if field.password:
                    field.value = ""

    def unlocked(self, actor: Actor) -> None:
        """Go on where the terminal was; whoever unlocked it is signed in from now on."""
        while self.is_locked:
            self.pop_screen()
        before, self.actor = self.actor, actor
        if before is not None and before.id != actor.id:
            self.notify(
                f"From now on in the name of {actor.name}.", title="Taken over", markup=False
            )
        self.tell_screens()
        self.say_standing()
