"""Devices: who is enrolled, where, and what was last heard of them."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, Connection, Table, bindparam, case, insert, select, update

from central_server.records import EnrolmentCode, Replica
from central_server.sourcing.stock_reports import StockReport
from central_server.storage.bulk import among, upsert_many
from central_server.storage.prepared import Prepared
from central_server.storage.tables import (
    ENROLMENT_CODES,
    REPLICA_EPOCHS,
    REPLICAS,
    STOCK_REPORTS,
)
from sync.protocol.lines import genesis

_COLUMNS = tuple(
    REPLICAS.c[name]
    for name in (
        "replica_id", "location_id", "epoch", "last_seq", "last_hash", "install_nonce", "enabled",
        "public_key", "app_version", "enrolled_at_ms", "last_contact_ms", "backlog",
        "clock_offset_ms", "base_seq", "pushed_ms", "follows",
    )
)  # fmt: skip

_REPORT = ("location_id", "at_ms", "source", "gaps")
_ONE = Prepared(lambda _: select(*_COLUMNS).where(REPLICAS.c.replica_id == bindparam("replica_id")))


class Replicas:
    """The tables `replicas`, `enrolment_codes` and `stock_reports`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, replica_id: str) -> Replica | None:
        """Return one replica."""
        row = _ONE.row(self._connection, replica_id=replica_id)
        return None if row is None else Replica(*row)

    def at_location(self, location_id: str) -> tuple[Replica, ...]:
        """Return a location's replicas, the newest first."""
        return self._list(REPLICAS.c.location_id == location_id)

    def all(self) -> tuple[Replica, ...]:
        """Return every replica, the newest first."""
        return self._list()

    def _list(self, *conditions: object) -> tuple[Replica, ...]:
        rows = self._connection.execute(
            select(*_COLUMNS)
            .where(*conditions)  # type: ignore[arg-type]
            .order_by(REPLICAS.c.enrolled_at_ms.desc(), REPLICAS.c.replica_id)
        )
        return tuple(Replica(*row) for row in rows)

    def enrol(
        self, replica_id: str, location_id: str, install_nonce: str, public_key: str,
        app_version: str, now_ms: int, follows: str = "",
    ) -> None:  # fmt: skip
        """Add a replica at the start of its journal: epoch 1, no operations."""
        self._connection.execute(
            insert(REPLICAS).values(
                replica_id=replica_id,
                location_id=location_id,
                epoch=1,
                last_seq=0,
                last_hash=genesis(replica_id, 1),
                install_nonce=install_nonce,
                enabled=True,
                public_key=public_key,
                app_version=app_version,
                enrolled_at_ms=now_ms,
                last_contact_ms=None,
                backlog=0,
                clock_offset_ms=0,
                follows=follows,
            )
        )
        self._connection.execute(
            insert(REPLICA_EPOCHS).values(
                replica_id=replica_id, epoch=1, base_seq=0, begun_ms=now_ms
            )
        )

    def set_enabled(self, replica_id: str, enabled: bool) -> None:
        """Revoke a device, or let it in again."""
        self._update(replica_id, enabled=enabled)

    def save_hello(
        self, replica_id: str, *, app_version: str, backlog: int, clock_offset_ms: int, now_ms: int
    ) -> None:
        """Write what a hello says of the device; its position is the push's business.

        One that is shut out only hands in its work: that is no contact of its store's.
        """
        self._update(
            replica_id,
            app_version=app_version,
            backlog=backlog,
            clock_offset_ms=clock_offset_ms,
            last_contact_ms=case((REPLICAS.c.enabled, now_ms), else_=REPLICAS.c.last_contact_ms),
        )

    def _update(self, replica_id: str, **values: object) -> None:
        self._connection.execute(
            update(REPLICAS).where(REPLICAS.c.replica_id == replica_id).values(**values)
        )

    def last_contacts(self, location_ids: Sequence[str] | None = None) -> dict[str, int]:
        """Return when each location was last heard of, by its id; never-heard ones are missing.

        Where none of its devices spoke, by a device that was shut out since, or the last file that
        told its stock: by the later of the two.
        """
        heard, gone = self._contacts(location_ids)
        for one in self._reports(location_ids):
            gone[one.location_id] = max(one.at_ms, gone.get(one.location_id, 0))
        return gone | heard

    def silent_since(self, location_ids: Sequence[str] | None = None) -> dict[str, int]:
        """Return from when on rules count a location's silence, by its id.

        From the last contact of its device; where none spoke, from when the next file was due, or
        from the last contact of a device that was shut out since: a store is not heard again
        because its machine was stolen. A later file of which nobody knows when the next one is due
        says that it is heard by files.
        """
        heard, gone = self._contacts(location_ids)
        for one in self._reports(location_ids):
            last_ms = gone.get(one.location_id, 0)
            if one.due_ms is not None:
                gone[one.location_id] = max(one.due_ms, last_ms)
            elif one.at_ms > last_ms:
                gone.pop(one.location_id, None)
        return gone | heard

    def _contacts(
        self, location_ids: Collection[str] | None
    ) -> tuple[dict[str, int], dict[str, int]]:
        """Return when devices were last heard of, by location: those let in, and those shut out."""
        heard: dict[str, int] = {}
        gone: dict[str, int] = {}
        for replica in self._list(*self._at(REPLICAS, location_ids)):
            if replica.last_contact_ms is not None:
                found, place = heard if replica.enabled else gone, replica.location_id
                found[place] = max(found.get(place, 0), replica.last_contact_ms)
        return heard, gone

    def _reports(self, location_ids: Collection[str] | None) -> list[StockReport]:
        rows = self._connection.execute(
            select(*(STOCK_REPORTS.c[name] for name in _REPORT)).where(
                *self._at(STOCK_REPORTS, location_ids)
            )
        )
        return [
            StockReport(place, at_ms, source, tuple(map(int, gaps.split())))
            for place, at_ms, source, gaps in rows
        ]

    def _at(
        self, table: Table, location_ids: Collection[str] | None
    ) -> tuple[ColumnElement[bool], ...]:
        """Return the condition that rows are of some locations; none where all are asked for."""
        if location_ids is None:
            return ()
        return (among(self._connection, table.c.location_id, location_ids),)

    def stock_told(self, location_ids: Collection[str], source: str, now_ms: int) -> None:
        """Note that a file told the stock of locations."""
        known = {one.location_id: one for one in self._reports(sorted(location_ids))}
        told = [
            known[place].then(source, now_ms) if place in known
            else StockReport(place, now_ms, source)
            for place in sorted(location_ids)
        ]  # fmt: skip
        rows = [
            (one.location_id, one.at_ms, one.source, " ".join(map(str, one.gaps))) for one in told
        ]
        upsert_many(self._connection, STOCK_REPORTS, _REPORT, rows)

    def followed(self) -> dict[str, int]:
        """Return, by location, up to where its present device has the rows of its own scope.

        One that has never said so is missing, as is a location without a device.
        """
        rows = self._connection.execute(
            select(REPLICAS.c.location_id, REPLICAS.c.followed_rev).where(
                REPLICAS.c.enabled, REPLICAS.c.followed_rev.is_not(None)
            )
        )
        found: dict[str, int] = dict(rows.all())
        return found

    def add_code(self, code: EnrolmentCode) -> None:
        """Keep a one-time code under its hash."""
        self._connection.execute(
            insert(ENROLMENT_CODES).values(
                hash=code.hash, location_id=code.location_id,
                expires_at_ms=code.expires_at_ms, used_at_ms=None,
            )
        )  # fmt: skip

    def use_code(self, code_hash: str, now_ms: int) -> str | None:
        """Use up a code and return its location; None if unknown, used or over.

        One conditional update: of two devices with the same code one gets in.
        """
        return self._connection.execute(
            update(ENROLMENT_CODES)
            .where(
                ENROLMENT_CODES.c.hash == code_hash,
                ENROLMENT_CODES.c.used_at_ms.is_(None),
                ENROLMENT_CODES.c.expires_at_ms > now_ms,
            )
            .values(used_at_ms=now_ms)
            .returning(ENROLMENT_CODES.c.location_id)
        ).scalar_one_or_none()
