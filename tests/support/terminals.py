"""Drives the terminal in tests: opens it, types, scans, and waits until it is at rest."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from textual import events
from textual.pilot import Pilot

from store_client.adapters.payment_terminals import SimulatedTerminal
from store_client.adapters.receipt_files import ReceiptFiles
from store_client.app import StoreApp
from store_client.devices import Devices
from store_client.screens.dialogs import ChooseDialog
from store_client.services.desk import Actor, TerminalSettings
from sync.clock import Clock
from sync.domain.people import Role

PIN = "4711"
QUIET_SECONDS = 3600.0
"""How often the terminal looks by itself in tests: never; `look` does it."""


def hash_pin(pin: str = PIN) -> str:
    """Return a hash that is quick to verify."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(pin)


class KeyTimes:
    """When keys come: slowly from people, quickly from scanners."""

    def __init__(self) -> None:
        self.at_ms = 0
        self.gap_ms = 180

    def __call__(self, _event: events.Key) -> int:
        self.at_ms += self.gap_ms
        return self.at_ms


class Terminal:
    """A terminal that runs without a screen."""

    def __init__(self, app: StoreApp, pilot: Pilot, keys: KeyTimes) -> None:
        self.app = app
        self.pilot = pilot
        self.keys = keys

    @property
    def screen(self) -> Any:
        """The screen in front."""
        return self.app.screen

    async def rest(self) -> None:
        """Wait until nothing is under way."""
        for _ in range(3):
            await self.pilot.pause()
            await self.app.workers.wait_for_complete()

    async def press(self, *keys: str) -> None:
        """Press keys as a person does, and let the terminal come to rest."""
        for key in keys:
            await self.pilot.press(key)
            if isinstance(self.screen, ChooseDialog) and self.screen.typed:
                while isinstance(self.screen, ChooseDialog) and self.screen.typed:
                    await self.pilot.pause(0.01)  # until it is no scan
                await self.rest()  # a person reads what the choice led to before the next key
        await self.rest()

    async def type(self, text: str) -> None:
        """Type `text`."""
        self._post(*[_key(character) for character in text])
        await self.rest()

    async def scan(self, text: str, end: str = "enter") -> None:
        """Scan `text` with a keyboard-wedge scanner."""
        self.keys.gap_ms = 8
        self.keys.at_ms += 500
        self._post(*[_key(character) for character in text], end)
        await self.rest()
        self.keys.gap_ms = 180

    def _post(self, *keys: str) -> None:
        """Let keys arrive at once, as a driver delivers them."""
        for key in keys:
            self.app.post_message(events.Key(key, _CHARACTERS.get(key)))

    async def look(self) -> None:
        """Let the terminal notice what changed in the store's data."""
        self.app._watch()
        await self.rest()

    def count_bells(self) -> list[int]:
        """Return a list that grows by one with each ring of the bell from now on."""
        rung: list[int] = []
        setattr(self.app, "bell", lambda: rung.append(1))  # noqa: B010 - a method is replaced
        return rung

    async def shows(self, words: str) -> None:
        """Wait until `words` are on the screen: what a choice leads to may take several turns."""
        for _ in range(100):
            if words in self.text():
                return
            await self.pilot.pause(0.02)
        assert words in self.text()

    def text(self) -> str:
        """Return what is on the screen."""
        lines = self.app.screen._compositor.render_strips(self.app.size)
        return "\n".join(strip.text.rstrip() for strip in lines)

    def toasts(self) -> str:
        """Return what pops up at the corner."""
        return "\n".join(f"{toast.title}: {toast.message}" for toast in self.app._notifications)

    def widget_text(self, selector: str) -> str:
        """Return what a widget of the screen in front says."""
        return str(self.app.screen.query_one(selector).render())


_CHARACTERS = {
    "minus": "-", "space": " ", "full_stop": ".", "enter": "\r", "tab": "\t",
    "ctrl+right_square_bracket": "\x1d",
}  # fmt: skip


def _key(character: str) -> str:
    names = {written: name for name, written in _CHARACTERS.items()}
    return names.get(character, character)


@asynccontextmanager
async def terminal(
    store,
    clock: Clock,
    *,
    role: Role | None = Role.ASSOCIATE,
    size: tuple[int, int] = (80, 24),
    settings: TerminalSettings | None = None,
) -> AsyncIterator[Terminal]:
    """Open a terminal, signed in with a role unless that is None."""
    keys = KeyTimes()
    app = StoreApp(
        store, clock, settings or TerminalSettings(poll_seconds=QUIET_SECONDS), key_ms=keys
    )
    async with app.run_test(size=size, notifications=True) as pilot:
        driven = Terminal(app, pilot, keys)
        await driven.rest()
        if role is not None:
            app.signed_in(actor_of(role))
            await driven.rest()
        yield driven


def till_settings(folder: Path, *, device: str = "T1") -> TerminalSettings:
    """Return the settings of a terminal with a payment terminal and receipts in `folder`."""
    devices = Devices(SimulatedTerminal(folder / "psp.json"), ReceiptFiles(folder / "receipts"))
    return TerminalSettings(device=device, poll_seconds=QUIET_SECONDS, devices=devices)


def actor_of(role: Role) -> Actor:
    """Return the person of the small store with a role."""
    number, name = {
        Role.ASSOCIATE: ("A103", "Rafael C."),
        Role.LEAD: ("A102", "Devi D."),
        Role.MANAGER: ("A101", "Jonas V."),
        Role.AUDITOR: ("A109", "Amir L."),
    }[role]
    return Actor(number, name, role)
