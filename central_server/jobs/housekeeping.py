"""Forgets what nobody can ask for any more."""

from typing import TYPE_CHECKING

from sync.clock import Clock

if TYPE_CHECKING:
    from central_server.storage.database import Database

DAY_MS = 86_400_000


def forget_old_answers(database: "Database", clock: Clock, days: int) -> int:
    """Drop the answers to requests that were made `days` ago or earlier; return how many."""
    before = clock.now_ms() - days * DAY_MS
    return database.write(lambda unit: unit.idempotency.forget(before))
