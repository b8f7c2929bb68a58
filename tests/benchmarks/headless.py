"""The real terminal without a screen: every paint is noticed, at the moment it happens."""

import asyncio
import time
from collections.abc import Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from store_client.app import StoreApp
from store_client.bootstrap import build_app, open_store
from store_client.config import StoreSettings
from store_client.services.desk import Actor
from sync.domain.people import Role
from tests.support.builders import LEADER

SIZE = (120, 36)
WAIT_SECONDS = 20.0
LOOK_AGAIN_S = 0.05


class Paints:
    """Calls back after each paint, and lets others wait for one that shows what they want."""

    def __init__(self, app: StoreApp) -> None:
        self._changed = asyncio.Event()
        self.last_ns = 0
        display = app._display

        def noticed(screen: Any, renderable: Any) -> None:
            display(screen, renderable)
            self.last_ns = time.monotonic_ns()
            self._changed.set()

        app._display = noticed  # type: ignore[method-assign]

    async def until(self, shows: Callable[[], bool]) -> int:
        """Return the time in ns of the first paint after which `shows()` is true."""
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                await self._changed.wait()
                self._changed.clear()
                if shows():
                    return self.last_ns

    async def settled(self, holds: Callable[[], bool]) -> None:
        """Wait until `holds()`, which may become true without one more paint; nothing is timed."""
        async with asyncio.timeout(WAIT_SECONDS):
            while not holds():
                self._changed.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), LOOK_AGAIN_S)


@asynccontextmanager
async def terminal(folder: Path):
    """Run the terminal of the store in `folder`, signed in; give the app and its paints."""
    settings = StoreSettings(data_dir=folder)
    store = open_store(settings)
    app = build_app(settings, store)
    paints = Paints(app)
    try:
        async with app.run_test(size=SIZE) as pilot:
            await pilot.pause()
            app.call_later(app.signed_in, Actor(LEADER, "Robin Alder", Role.LEAD))
            yield app, paints
    finally:
        store.close()
