"""Walk through every screen of the real terminal: `python -m tests.benchmarks.walking DIR`.

Prints JSON: the ms from the key that opens a screen to its last paint, by screen;
the ms from a key within a list or a field to the paint that follows it; and the
most memory that the process had, in MB.
"""

import asyncio
import json
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from textual import events

from sync.domain.flows import ALL_FLOWS
from tests.benchmarks.baselines import peak_memory_mb
from tests.benchmarks.headless import Paints, terminal

VISITS = 5
KEYS = 120
STILL_S = 0.12
"""A screen is complete when nothing was painted for so long, and nothing is being read."""
LOOK_S = 0.01
COMES_S = 20
WALK = (
    ("find", "f3", "StockLookupScreen", "escape"),
    ("inbox", "f9", "InboxScreen", "escape"),
    ("sync status", "ctrl+s", "SyncStatusScreen", "escape"),
    ("help", "f1", "HelpScreen", "escape"),
    ("menu", "f10", "CommandPalette", "escape"),
    ("drawer", "f8", "DrawerScreen", "escape"),
    ("pickup desk", "f7", "PickupDeskScreen", "escape"),
    ("shipping desk", "f4", "ShippingDeskScreen", "escape"),
    ("curbside desk", "f6", "CurbsideDeskScreen", "escape"),
    ("print queue", "ctrl+r", "PrintScreen", "escape"),
    ("parcel", "ship_from_store", "ShipScreen", "escape"),
    ("curbside order", "curbside", "CurbsideScreen", "escape"),
    ("reservation", "reserve", "ReserveScreen", ""),
    ("today again", "f2", "TodayScreen", ""),
    ("order", "pickup", "PickupScreen", ""),
    ("timeline", "ctrl+t", "OrderDetailScreen", "escape"),
    ("today", "f2", "TodayScreen", ""),
)
"""(screen, key or flow that opens it, its class, key that leaves it)."""
TYPED = "thing 12345"


def press(app: Any, key: str) -> int:
    """Send a key, or open the most urgent order of a flow; return when."""
    if key in {flow.name for flow in ALL_FLOWS}:
        (row,) = app.store.board(key, limit=1)
        began = time.monotonic_ns()
        app.call_later(app.open_order, key, row.id)
        return began
    character = key if len(key) == 1 else None
    began = time.monotonic_ns()
    app.post_message(events.Key({" ": "space"}.get(key, key), character))
    return began


async def complete(app: Any, paints: Paints, name: str, began: int) -> float:
    """Return the ms from `began` to the last paint of a screen that then stays still."""
    while time.monotonic_ns() - began < COMES_S * 1e9:
        await asyncio.sleep(LOOK_S)
        is_still = time.monotonic_ns() - max(paints.last_ns, began) > STILL_S * 1e9
        if type(app.screen).__name__ == name and app.jobs == 0 and is_still:
            return (paints.last_ns - began) / 1e6
    raise RuntimeError(f"{name} did not come: {app.screen}")


async def walk(folder: Path) -> dict[str, Any]:
    """Visit every screen several times, then press keys in the longest list and in a field."""
    screens: defaultdict[str, list[float]] = defaultdict(list)
    async with terminal(folder) as (app, paints):
        await complete(app, paints, "TodayScreen", time.monotonic_ns())
        for _ in range(VISITS):
            for screen, key, name, back in WALK:
                before = type(app.screen).__name__
                screens[screen].append(await complete(app, paints, name, press(app, key)))
                if back:
                    await complete(app, paints, before, press(app, back))
        keys = [await _key(app, paints, "down") for _ in range(KEYS)]
        await complete(app, paints, "StockLookupScreen", press(app, "f3"))
        for _ in range(KEYS // len(TYPED)):
            keys += [await _key(app, paints, character) for character in TYPED]
            for _ in TYPED:
                await _key(app, paints, "backspace")
    return {"screens": screens, "keys": keys, "memory_mb": peak_memory_mb()}


async def _key(app: Any, paints: Paints, key: str) -> float:
    await asyncio.sleep(LOOK_S)
    began = press(app, key)
    return (await paints.until(lambda: paints.last_ns > began) - began) / 1e6


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(walk(Path(sys.argv[1])))) + "\n")
