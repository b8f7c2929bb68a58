"""Scan barcodes into the real terminal: `python -m tests.benchmarks.scanning DIR` prints ms."""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from textual import events

from store_client.widgets.work_list import WorkList
from tests.benchmarks.headless import Paints, terminal
from tests.support.network import gtin_of

SCANS = 150
WARM_UP = 5


async def scan_all(folder: Path) -> list[float]:
    """Pick by scanning; return the ms from the scanner's Enter to the painted line, for each."""
    took: list[float] = []
    async with terminal(folder) as (app, paints):
        rows = app.store.board("pickup", limit=500)
        for row in rows:
            app.call_later(app.open_order, "pickup", row.id)
            await paints.settled(lambda r=row: _is_shown(app, r.id))
            order = app.store.fulfillment(row.id)
            for line in order.lines:
                took += [
                    await _scan(app, paints, line.line, line.sku, unit)
                    for unit in range(1, line.allocated + 1)
                ]
            app.call_later(app.screen.dismiss)
            await asyncio.sleep(0)
            if len(took) >= SCANS + WARM_UP:
                return took[WARM_UP:]
    raise RuntimeError("not enough units to scan")


def _is_shown(app: Any, key: str) -> bool:
    screen = app.screen
    order = getattr(screen, "order", None)
    return order is not None and order.id == key and app.jobs == 0


async def _scan(app: Any, paints: Paints, line: int, sku: str, wanted: int) -> float:
    for character in gtin_of(int(sku.removeprefix("SKU-")))[1:]:
        app.post_message(events.Key(character, character))
    await asyncio.sleep(0)
    began = time.monotonic_ns()
    app.post_message(events.Key("enter", "\r"))
    painted = await paints.until(lambda: _line_is(app, line, wanted))
    return (painted - began) / 1e6


def _line_is(app: Any, line: int, wanted: int) -> bool:
    rows = [row for found in app.screen.query(WorkList) for row in found.rows]
    return any(getattr(one, "line", 0) == line and one.picked == wanted for one in rows)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(scan_all(Path(sys.argv[1])))) + "\n")
