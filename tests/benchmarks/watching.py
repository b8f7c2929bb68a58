"""The terminal of a store that tells which orders it has painted, and when.

`python -m tests.benchmarks.watching DIR` prints a line of JSON once its board is
there, then `[fulfillment id, monotonic ns]` for each order that newly shows.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from store_client.screens.today import TodayScreen
from store_client.widgets.work_list import WorkList
from tests.benchmarks import headless


async def watch(folder: Path) -> None:
    """Run until killed."""
    async with headless.terminal(folder) as (app, paints):
        known: set[str] = set()
        await paints.until(lambda: bool(_shown(app)))
        known |= _shown(app)
        _tell({"ready": len(known)})
        headless.WAIT_SECONDS = 3600
        while True:
            at = await paints.until(lambda: bool(_shown(app) - known))
            for key in _shown(app) - known:
                known.add(key)
                _tell([key, at])


def _shown(app: Any) -> set[str]:
    if not isinstance(app.screen, TodayScreen):
        return set()
    boards = app.screen.query(WorkList)
    return {row.entry.id for board in boards for row in board.rows}


def _tell(document: object) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(watch(Path(sys.argv[1])))
