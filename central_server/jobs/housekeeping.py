"""Forgets what nobody can ask for any more."""

from functools import partial
from random import Random
from typing import TYPE_CHECKING

from central_server.services.idempotency import IMPORTED
from central_server.services.piecework import Piece, Piecework
from sync.clock import Clock
from sync.hub.feed import FeedWriter
from sync.protocol.adapters import adapter
from sync.protocol.rows import Entity, VerdictRow, store_scope

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import Unit

DAY_MS = 86_400_000
VERDICT_DAYS = 45
"""As long as a store keeps its settled work: a journal restored from a backup may be as old."""


def forget_old_answers(database: "Database", clock: Clock, days: int) -> int:
    """Drop the answers to requests that were made `days` ago or earlier; return how many.

    Those of imported orders stay: a file of the past may be imported again after any time.
    """
    before = clock.now_ms() - days * DAY_MS
    return database.write(lambda unit: unit.idempotency.forget(before, sparing=IMPORTED))


def forget_settled_verdicts(database: "Database", clock: Clock, random: Random) -> int:
    """Take verdicts out of the feed that their store has and that are old; return how many.

    A store has what it says it has followed, by revs and not by a clock. One that is
    behind, or that never said, keeps its rows for as long as that lasts; so does a
    location without a device. Tombstones that the store has are then dropped: its scope
    has no other reader, and whoever comes with an older cursor reads the scope anew.
    """
    before = clock.now_ms() - VERDICT_DAYS * DAY_MS
    with database.read() as view:
        followed = view.replicas.followed()
    pieces = Piecework(database, clock, random, job="verdicts", words="keeps its old verdicts")

    def forget(piece: Piece) -> int:
        place = piece.location_id
        return database.write(
            partial(_forget, location_id=place, followed_rev=followed[place], before_ms=before)
        )

    return pieces.each((Piece(one, location_id=one) for one in sorted(followed)), forget)


def _forget(unit: "Unit", location_id: str, followed_rev: int, before_ms: int) -> int:
    scope = store_scope(location_id)
    old = [
        row.key
        for row in unit.feed.living(scope, Entity.VERDICT.value, followed_rev)
        if adapter(VerdictRow).validate_json(row.body or "").settled_at_ms < before_ms
    ]
    unit.feed.drop_tombstones(scope, followed_rev)
    feed = FeedWriter(unit.feed)
    for key in old:
        feed.remove(scope, Entity.VERDICT, key)
    feed.flush()
    return len(old)
