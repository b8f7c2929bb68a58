"""Leases on stores' online rights, and when stores were cut off."""

from collections.abc import Callable, Collection

from pydantic import TypeAdapter
from sqlalchemy import Connection, delete, exists, func, select

from central_server.records import EscrowRule, Lease
from central_server.storage.bulk import upsert_many
from central_server.storage.prepared import Prepared
from central_server.storage.raw import Together
from central_server.storage.tables import CONTACT_GAPS, ESCROW_POLICIES, LEASES, REPLICAS, STOCK
from sync.domain.escrow import EscrowPolicy

_COLUMNS = ("location_id", "generation", "token_ms", "until_ms", "confirm_by_ms")
_RULE = ("location_id", "effective_from_ms", "escrow", "service_percent")
_ESCROW: TypeAdapter[EscrowPolicy] = TypeAdapter(EscrowPolicy)
_LEASE = tuple(LEASES.c[name] for name in _COLUMNS)

_AT_PLACES = Prepared(
    lambda engine: select(*_LEASE).where(engine.among(LEASES.c.location_id, "places"))
)


class Leases:
    """The tables `leases` and `contact_gaps`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, location_id: str) -> Lease | None:
        """Return a location's lease; None where it shares by a fixed floor."""
        return self.get_many([location_id]).get(location_id)

    def get_many(self, location_ids: Collection[str]) -> dict[str, Lease]:
        """Return the leases of those of the given locations that have one."""
        rows = _AT_PLACES.rows(self._connection, places=location_ids)
        return {row[0]: Lease(*row) for row in rows}

    def ask(
        self, together: Together, ids: Collection[str], then: Callable[[dict[str, Lease]], None]
    ) -> None:
        """Ask for `get_many` among others."""
        _AT_PLACES.ask(
            together, lambda rows: then({row[0]: Lease(*row) for row in rows}), places=ids
        )

    def save(self, lease: Lease) -> None:
        """Write a lease."""
        row = (
            lease.location_id, lease.generation, lease.token_ms, lease.until_ms,
            lease.confirm_by_ms,
        )  # fmt: skip
        upsert_many(self._connection, LEASES, _COLUMNS, [row])

    def raise_generation(self, location_id: str, generation: int) -> None:
        """Let a generation begin; how long the lease lives is nobody's to write here."""
        is_older = (LEASES.c.location_id == location_id, LEASES.c.generation < generation)
        self._connection.execute(LEASES.update().where(*is_older).values(generation=generation))

    def end_all(self, now_ms: int) -> None:
        """Promise nothing to anybody until each store has seen an answer later than this."""
        self._connection.execute(LEASES.update().values(until_ms=0, token_ms=now_ms))

    def end(self, location_id: str, now_ms: int) -> None:
        """Promise nothing of a location until it has seen an answer later than this."""
        here = LEASES.c.location_id == location_id
        self._connection.execute(LEASES.update().where(here).values(until_ms=0, token_ms=now_ms))

    def newest_generation(self, location_id: str) -> int:
        """Return the newest generation that a location's rights are of, 0 without any."""
        here = STOCK.c.location_id == location_id
        found = self._connection.execute(select(func.max(STOCK.c.generation)).where(here))
        return int(found.scalar() or 0)

    def skus_with_rights(self, location_id: str) -> set[str]:
        """Return the SKUs that a location has ever granted anything of."""
        here = (STOCK.c.location_id == location_id, STOCK.c.generation > 0)
        return set(self._connection.execute(select(STOCK.c.sku).where(*here)).scalars())

    def without_machine(self) -> set[str]:
        """Return the locations that have a lease, but no machine that is let in."""
        place = LEASES.c.location_id
        is_there = exists().where(REPLICAS.c.location_id == place, REPLICAS.c.enabled)
        return set(self._connection.execute(select(place).where(~is_there)).scalars())

    def drop(self, location_id: str) -> None:
        """Let a location share by a fixed floor again."""
        self._connection.execute(delete(LEASES).where(LEASES.c.location_id == location_id))

    def add_rule(self, rule: EscrowRule) -> None:
        """Add a policy, or replace the one of the same location and time."""
        body = _ESCROW.dump_json(rule.escrow).decode()
        row = (rule.location_id, rule.effective_from_ms, body, rule.service_percent)
        upsert_many(self._connection, ESCROW_POLICIES, _RULE, [row])

    def rules(self) -> list[EscrowRule]:
        """Return all policies, the oldest first."""
        table = ESCROW_POLICIES.c
        rows = self._connection.execute(
            select(*(table[name] for name in _RULE)).order_by(
                table.effective_from_ms, table.location_id
            )
        )
        return [
            EscrowRule(place, start, _ESCROW.validate_json(body), service)
            for place, start, body, service in rows
        ]

    def add_gap(self, location_id: str, from_ms: int, to_ms: int) -> None:
        """Note that a store was cut off."""
        columns = ("location_id", "from_ms", "to_ms")
        upsert_many(self._connection, CONTACT_GAPS, columns, [(location_id, from_ms, to_ms)])

    def gaps(self, location_id: str, since_ms: int) -> list[tuple[int, int]]:
        """Return (from, to) of a location's outages that ended after `since_ms`, oldest first."""
        gaps = CONTACT_GAPS.c
        rows = self._connection.execute(
            select(gaps.from_ms, gaps.to_ms)
            .where(gaps.location_id == location_id, gaps.to_ms > since_ms)
            .order_by(gaps.from_ms)
        )
        return [(start, end) for start, end in rows]
