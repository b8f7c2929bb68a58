"""replica.db as the edge sees it: takes pages and snapshots in, keeps cursors and checksums."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from store_client.replica import kept_rows, products
from store_client.replica.database import ReplicaDatabase, chunks, placeholders
from store_client.replica.views import Views
from sync.clock import Clock
from sync.edge.journal import Journal
from sync.edge.ports import ScopeCursor, SyncReport
from sync.edge.sqlite import Connection, UnsafeDatabase
from sync.edge.verdicts import Late
from sync.protocol.adapters import adapter
from sync.protocol.endpoint import PullPage
from sync.protocol.rows import (
    CATALOGUE_SCOPE,
    PRICES_PREFIX,
    STORE_PREFIX,
    Entity,
    VerdictRow,
    row_digest,
)
from sync.protocol.session import SnapshotManifest

DOCUMENTS = (
    Entity.STORE.value, Entity.ASSOCIATE.value, Entity.EXCEPTION.value, Entity.VERDICT.value,
)  # fmt: skip
ALERTS_MAX = 200


class _Differs(Exception):
    """The scope would differ from central's with this page."""


class ReplicaStore:
    """Implements `sync.edge.ports.ReplicaWriter`."""

    def __init__(
        self, database: ReplicaDatabase, views: Views, clock: Clock, journal: Journal
    ) -> None:
        self._database = database
        self._journal = journal
        self._views = views
        self._clock = clock
        self._is_flushed = False
        """Whether all that was taken in is on the disk; a process before may have left some."""

    def bring_up(self) -> None:
        """Let rows and views be what this program makes of them, up to the journal's head."""
        if not kept_rows.is_read(self._database):
            with self._database.writing() as connection:
                kept_rows.read_anew(connection, self._apply, self._views)
        self._views.catch_up()

    def cursor(self, scope: str) -> ScopeCursor:
        """Return the cursor of a scope; zero for one never pulled."""
        row = self._database.one("SELECT incarnation, rev FROM scopes WHERE scope = ?", (scope,))
        return ScopeCursor(scope) if row is None else ScopeCursor(scope, row[0], row[1])

    def cursors(self) -> list[ScopeCursor]:
        """Return the cursors of all scopes that this replica follows."""
        rows = self._database.all("SELECT scope, incarnation, rev FROM scopes")
        return [ScopeCursor(*row) for row in rows]

    def keep_only(self, scopes: Sequence[str]) -> None:
        """Forget scopes that central no longer lists for this store."""
        known = [scope for (scope,) in self._database.all("SELECT scope FROM scopes")]
        for scope in known:
            if scope not in scopes:
                with self._database.writing() as connection:
                    self._clear(connection, scope)
                    connection.execute("DELETE FROM scopes WHERE scope = ?", (scope,))

    def apply_page(self, page: PullPage) -> bool:
        """Take a page in with its cursor; False where the checksum then differs.

        A page that goes on from what is here is not taken in then: it may be a part of
        itself. One that begins anew is: better that than no rows at all.
        """
        self._is_flushed = False
        try:
            return self._taken_in(page)
        except _Differs:
            return False

    def _taken_in(self, page: PullPage) -> bool:
        header = page.header
        read = json.loads(b"[" + b",".join(page.lines) + b"]")
        rows = list({(row["e"], row["k"]): row for row in read}.values())
        self._settle(rows)
        with self._database.writing() as connection:
            kept_rows.read_anew(connection, self._apply, self._views)
            checksum, alive = _scope_sums(connection, header.scope)
            by_entity: defaultdict[str, list[products.Row]] = defaultdict(list)
            for row in rows:
                body = None if row.get("d") else row["b"]
                by_entity[row["e"]].append((row["k"], row["r"], body))
            for entity, group in by_entity.items():
                before = self._apply(connection, header.scope, entity, group)
                xor, delta = _difference(entity, before, group)
                checksum ^= xor
                alive += delta
            same = header.checksum is None or (checksum, alive) == (
                header.checksum,
                header.rows_live,
            )
            if not same and header.after:
                raise _Differs  # and the cursor stays, so that it is found again until it is mended
            rev = header.to if same else header.after
            connection.execute(
                "INSERT OR REPLACE INTO scopes (scope, incarnation, rev, checksum, rows_live)"
                " VALUES (?, ?, ?, ?, ?)",
                (header.scope, header.incarnation, rev, checksum, alive),
            )
            self._views.catch_up_within(connection)
        return same

    def _settle(self, rows: Sequence[dict[str, Any]]) -> None:
        """Take verdicts that were settled later into the journal.

        Before the page itself and not within it: two files do not commit as one, and
        a page that is read again says the same again. Until it is taken in, the rows
        that are here do not include what was settled (`Journal.arrived`).
        """
        settled = [
            (row.replica_id, row.epoch, row.verdict)
            for one in rows
            if one["e"] == Entity.VERDICT and (row := _verdict(one)) is not None
        ]
        if settled:
            self._journal.settle_later(settled, Late.AHEAD)

    def _apply(
        self, connection: Connection, scope: str, entity: str, rows: Sequence[products.Row]
    ) -> dict[str, int]:
        """Apply rows of one entity; return the revs of living rows that they replaced."""
        if entity == Entity.PRODUCT:
            return products.apply_products(connection, rows)
        if entity == Entity.PRICE:
            return products.apply_prices(connection, scope.removeprefix(PRICES_PREFIX), rows)
        if entity == Entity.STOCK:
            return _apply_stock(connection, rows)
        if entity == Entity.FULFILLMENT:
            return self._apply_fulfillments(connection, rows)
        if entity in DOCUMENTS:
            return _apply_documents(connection, entity, rows)
        return _keep_unknown(connection, scope, entity, rows)

    def _apply_fulfillments(
        self, connection: Connection, rows: Sequence[products.Row]
    ) -> dict[str, int]:
        keys = [key for key, _, _ in rows]
        before = _revs(connection, "fulfillments", "id", keys, "AND gone = 0 AND rev > 0")
        self._views.put_bases(
            connection,
            (
                (key, rev, None if body is None else json.dumps(body, separators=(",", ":")))
                for key, rev, body in rows
            ),
        )
        return before

    def reset(self, scope: str, reason: str) -> None:
        """Forget a scope's rows and cursor, and leave an alert: never silently."""
        self._is_flushed = False
        with self._database.writing() as connection:
            self._clear(connection, scope)
            connection.execute("DELETE FROM scopes WHERE scope = ?", (scope,))
            _alert(connection, self._clock.now_ms(), scope, f"read again from central: {reason}")

    def _clear(self, connection: Connection, scope: str) -> None:
        """Forget what central said in `scope`."""
        connection.execute("DELETE FROM unknown_rows WHERE scope = ?", (scope,))
        if scope == CATALOGUE_SCOPE:
            products.clear_products(connection)
        elif scope.startswith(PRICES_PREFIX):
            zone = scope.removeprefix(PRICES_PREFIX)
            connection.execute("DELETE FROM prices WHERE zone = ?", (zone,))
        elif scope.startswith(STORE_PREFIX):
            connection.execute("DELETE FROM stock")
            connection.execute("UPDATE shared SET rev = 0")
            connection.execute("DELETE FROM documents")
            self._views.forget_all(connection)

    def install(self, manifest: SnapshotManifest, file: Path) -> None:
        """Take a verified, unpacked snapshot in, in one transaction with the cursor."""
        self._is_flushed = False
        with self._database.sibling() as database, database.attached(file):
            if database.one("PRAGMA snapshot.quick_check")[0] != "ok":
                raise UnsafeDatabase(f"the snapshot of {manifest.scope} is damaged")
            with database.writing() as connection:
                products.copy_snapshot(connection, manifest.scope)
                connection.execute(
                    "INSERT OR REPLACE INTO scopes (scope, incarnation, rev, checksum, rows_live)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (manifest.scope, manifest.incarnation, manifest.rev, manifest.checksum,
                     manifest.rows_live),
                )  # fmt: skip

    def alert(self, text: str) -> None:
        """Leave a note for people; one that is kept already is not repeated."""
        with self._database.writing() as connection:
            known = connection.execute("SELECT 1 FROM alerts WHERE text = ?", (text,)).fetchone()
            if known is None:
                _alert(connection, self._clock.now_ms(), "", text)

    def flush(self) -> None:
        """Have all that was taken in on the disk: the journal is about to build on it."""
        if not self._is_flushed:
            self._database.flush()
            self._is_flushed = True

    def refold(self) -> None:
        """Bring the view up to the journal's head; drop orders that central does not have."""
        self._answered = self._journal.acked_seq()
        self._views.catch_up()
        self._views.settle_own()
        self._views.drop_gone()

    def report(self, report: SyncReport) -> None:
        """Record how the connection stands.

        A round that came to its end has read all rows since it began: they include
        what central had answered by then.
        """
        heard = self._answered if report.contact and not report.error else 0
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE connection SET last_error = ?, halted = ?, clock_offset_ms = ?,"
                " last_contact_ms = CASE WHEN ? THEN ? ELSE last_contact_ms END,"
                " heard_seq = max(heard_seq, ?)",
                (report.error, int(report.halted), report.clock_offset_ms,
                 int(report.contact), report.now_ms, heard),
            )  # fmt: skip


def _scope_sums(connection: Connection, scope: str) -> tuple[int, int]:
    row = connection.execute(
        "SELECT checksum, rows_live FROM scopes WHERE scope = ?", (scope,)
    ).fetchone()
    return (0, 0) if row is None else (row[0], row[1])


def _difference(
    entity: str, before: dict[str, int], rows: Iterable[products.Row]
) -> tuple[int, int]:
    checksum = 0
    for key, rev in before.items():
        checksum ^= row_digest(entity, key, rev)
    alive = -len(before)
    for key, rev, body in rows:
        if body is not None:
            checksum ^= row_digest(entity, key, rev)
            alive += 1
    return checksum, alive


def _revs(
    connection: Connection, table: str, column: str, keys: Sequence[str], extra: str = ""
) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in chunks(keys):
        found.update(
            connection.execute(
                f"SELECT {column}, rev FROM {table} WHERE {column} IN ({placeholders(part)})"
                f" {extra}",
                part,
            ).fetchall()
        )
    return found


def _apply_stock(connection: Connection, rows: Sequence[products.Row]) -> dict[str, int]:
    before = _revs(connection, "stock", "sku", [key for key, _, _ in rows])
    connection.executemany(
        "DELETE FROM stock WHERE sku = ?", [(key,) for key, _, body in rows if body is None]
    )
    connection.executemany(
        "INSERT OR REPLACE INTO stock (sku, on_hand, allocated, floor, safety_stock, aisle, rev,"
        " generation, promised, returned, op_replica, op_epoch, op_seq)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (key, body["on_hand"], body["allocated"], body.get("floor", 0),
             body.get("safety_stock", 0), body.get("aisle", ""), rev, *_rights_of(body))
            for key, rev, body in rows
            if body is not None
        ],
    )  # fmt: skip
    return before


def _rights_of(body: Mapping[str, Any]) -> tuple[object, ...]:
    """Return generation, promised, returned and the watermark's three columns."""
    rights, mark = body.get("rights", {}), body.get("watermark", {})
    return (
        rights.get("generation", 0), rights.get("promised", 0), rights.get("returned", 0),
        mark.get("replica_id", ""), mark.get("epoch", 0), mark.get("seq", 0),
    )  # fmt: skip


def _apply_documents(
    connection: Connection, entity: str, rows: Sequence[products.Row]
) -> dict[str, int]:
    keys = [key for key, _, _ in rows]
    before: dict[str, int] = {}
    for part in chunks(keys):
        before.update(
            connection.execute(
                "SELECT key, rev FROM documents WHERE entity = ?"
                f" AND key IN ({placeholders(part)})",
                (entity, *part),
            ).fetchall()
        )
    for key, rev, body in rows:
        if body is None:
            connection.execute("DELETE FROM documents WHERE entity = ? AND key = ?", (entity, key))
        else:
            connection.execute(
                "INSERT OR REPLACE INTO documents (entity, key, rev, body) VALUES (?, ?, ?, ?)",
                (entity, key, rev, json.dumps(body)),
            )
    return before


def _keep_unknown(
    connection: Connection, scope: str, entity: str, rows: Sequence[products.Row]
) -> dict[str, int]:
    """Keep rows of an entity that this version does not know, for the version that will."""
    keys = [key for key, _, _ in rows]
    before: dict[str, int] = {}
    for part in chunks(keys):
        before.update(
            connection.execute(
                "SELECT key, rev FROM unknown_rows WHERE scope = ? AND entity = ?"
                f" AND body IS NOT NULL AND key IN ({placeholders(part)})",
                (scope, entity, *part),
            ).fetchall()
        )
    connection.executemany(
        "INSERT OR REPLACE INTO unknown_rows (scope, entity, key, rev, body)"
        " VALUES (?, ?, ?, ?, ?)",
        [
            (scope, entity, key, rev, None if body is None else json.dumps(body))
            for key, rev, body in rows
        ],
    )
    return before


def _verdict(row: dict[str, Any]) -> VerdictRow | None:
    """Return a row's verdict; None for a tombstone, and for what only a newer version reads."""
    try:
        return None if row.get("d") else adapter(VerdictRow).validate_python(row["b"])
    except ValidationError:
        return None


def _alert(connection: Connection, now_ms: int, scope: str, text: str) -> None:
    connection.execute(
        "INSERT INTO alerts (at_ms, scope, text) VALUES (?, ?, ?)", (now_ms, scope, text)
    )
    connection.execute(
        "DELETE FROM alerts WHERE rowid NOT IN"
        " (SELECT rowid FROM alerts ORDER BY rowid DESC LIMIT ?)",
        (ALERTS_MAX,),
    )
