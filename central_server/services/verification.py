"""Is what central keeps true to itself? Books, chains and feeds are reckoned anew.

A restore ends with it; it reads only, on either engine.
"""

from typing import TYPE_CHECKING

from central_server.records import Replica
from sync.protocol.lines import chain, genesis
from sync.protocol.rows import row_digest

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import View

PAGE = 5_000
NAMED_MAX = 50


def verify(database: "Database") -> list[str]:
    """Return what is wrong, in words; nothing if all is well."""
    with database.read() as view:
        found = _books(view)
        for replica in view.replicas.all():
            found += _chain(view, replica)
        found += _feeds(view)
    return found[:NAMED_MAX]


def _books(view: "View") -> list[str]:
    """Compare the stock with the sums of the ledger."""
    sums = view.stock_ledger.sums()
    found = []
    for key, counted in sorted(view.stock.everywhere().items()):
        if sums.pop(key, (0, 0)) != counted:
            found.append(f"stock of {key[1]} at {key[0]} is not what its ledger adds up to")
    orphans = (key for key, moved in sums.items() if moved != (0, 0))
    return found + [f"the ledger of {sku} at {place} has no stock" for place, sku in orphans]


def _chain(view: "View", replica: Replica) -> list[str]:
    """Reckon the hashes of a replica's operations anew."""
    end = (0, 0, b"")
    for epoch, base in sorted(view.journal.epochs(replica.id).items()):
        seq, current = base, genesis(replica.id, epoch)
        while page := view.journal.operations(replica.id, epoch, seq + 1, PAGE):
            for one in page:
                seq, current = seq + 1, chain(current, bytes(one.line))
                if (one.seq, bytes(one.hash)) != (seq, current):
                    return [f"operation {seq} of {replica.id} (epoch {epoch}) breaks its chain"]
        end = (epoch, seq, current)
    if end != (replica.epoch, replica.last_seq, bytes(replica.last_hash)):
        return [f"the operations of {replica.id} do not end where its position is"]
    return []


def _feeds(view: "View") -> list[str]:
    """Reckon each scope's checksum anew."""
    found = []
    for name, state in view.feed.all_scopes().items():
        checksum = alive = after = 0
        while rows := view.feed.rows_after(name, after, PAGE):
            after = rows[-1].rev
            for row in rows:
                if row.body is not None:
                    checksum ^= row_digest(row.entity, row.key, row.rev)
                    alive += 1
        if (checksum, alive) != (state.checksum, state.rows_live):
            found.append(f"the rows of {name} are not those of its checksum")
    return found
