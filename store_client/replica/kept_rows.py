"""Rows that another version of this program took in: read anew by the one that is here.

What a version does not know it keeps: rows of an unknown entity aside, an order that it cannot
read as it came, a field that it has no use for inside of both. None of that changes at central
when the store's program does, and the checksums agree: nothing would bring it a second time.
So a replica says which knowledge it was last read with, and is read anew where that differs.
"""

import json
from collections.abc import Callable, Sequence

from store_client.replica.database import ReplicaDatabase
from store_client.replica.products import Row
from store_client.replica.views import Views
from sync.domain.flows import ALL_FLOWS
from sync.edge.sqlite import Connection
from sync.protocol.rows import Entity
from sync.protocol.version import PROTOCOL_VERSION, SCHEMA_HASHES

KNOWS = ":".join((SCHEMA_HASHES[PROTOCOL_VERSION], *sorted(flow.name for flow in ALL_FLOWS)))
"""What this program can read: the shapes of all messages (a test pins them), and the flows."""
Apply = Callable[[Connection, str, str, Sequence[Row]], object]
"""Takes rows of one entity of a scope in."""
_KNOWN = "SELECT knows FROM program"


def is_read(database: ReplicaDatabase) -> bool:
    """Return whether it was this program, or one that knows the same, that took the rows in."""
    return bool(database.one(_KNOWN) == (KNOWS,))


def read_anew(connection: Connection, apply: Apply, views: Views) -> None:
    """Take in what was kept for this program, and fold all orders; nothing where it read them."""
    if connection.execute(_KNOWN).fetchone() == (KNOWS,):
        return
    groups = connection.execute("SELECT DISTINCT scope, entity FROM unknown_rows").fetchall()
    for scope, entity in groups:
        if entity in set(Entity):
            _take_in(connection, apply, scope, entity)
    keys = [key for (key,) in connection.execute("SELECT id FROM fulfillments").fetchall()]
    views.refold(connection, keys)
    connection.execute("UPDATE program SET knows = ?", (KNOWS,))


def _take_in(connection: Connection, apply: Apply, scope: str, entity: str) -> None:
    """Move the rows of an entity to where they belong; the scope's checksum counts them already."""
    place = (scope, entity)
    rows = connection.execute(
        "SELECT key, rev, body FROM unknown_rows WHERE scope = ? AND entity = ?", place
    ).fetchall()
    connection.execute("DELETE FROM unknown_rows WHERE scope = ? AND entity = ?", place)
    known = [(key, rev, None if body is None else json.loads(body)) for key, rev, body in rows]
    apply(connection, scope, entity, known)
