"""How this store's stock is divided: what central said, and what the store did since."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from store_client.replica.database import ReplicaDatabase, chunks, placeholders
from store_client.replica.views import Views
from sync.domain.escrow import EscrowPolicy, Rights, Share
from sync.domain.fulfillment import FulfillmentOrder
from sync.edge.escrow import CONFIRMED
from sync.edge.journal import Journal
from sync.edge.ports import LeaseToken
from sync.protocol.adapters import adapter
from sync.protocol.rows import Entity, StoreRow, Watermark

_COLUMNS = (
    "sku, on_hand, allocated, floor, generation, promised, returned, op_replica, op_epoch, op_seq"
)


class Shares:
    """Implements `sync.edge.ports.SharedBook`."""

    def __init__(self, database: ReplicaDatabase, journal: Journal, views: Views) -> None:
        self._database = database
        self._journal = journal
        self._views = views

    def catch_up(self) -> None:
        """Fold operations that the views do not include yet."""
        self._views.catch_up()

    def order(self, key: str) -> FulfillmentOrder | None:
        """Return a fulfillment order as the store sees it."""
        return self._views.order(key)

    def policy(self) -> EscrowPolicy:
        """Return how this store shares its stock; not at all before its data has arrived."""
        row = self._database.one(
            "SELECT body FROM documents WHERE entity = ? LIMIT 1", (Entity.STORE.value,)
        )
        return EscrowPolicy() if row is None else adapter(StoreRow).validate_json(row[0]).escrow

    def shares(self, skus: Sequence[str]) -> list[Share]:
        """Return how these SKUs are divided now; one that the store never had is left out."""
        pending = self._views.effects_on(skus)
        sold = self._journal.rights.sold_among(skus)
        held = self._journal.rights.held_sales(list(sold))
        generation = self._journal.rights.generation()
        granted = self._journal.rights.granted(skus)
        return [
            self._share(
                row,
                pending.get(row[0], (0, 0)),
                self._sold(row[0], row[7:], held.get(row[0], ())) if row[0] in sold else 0,
                Rights(generation, granted.get(row[0], (0, 0))[0]),
            )
            for row in self._rows(skus)
        ]

    def online(self, skus: Sequence[str]) -> dict[str, int]:
        """Return the online rights by SKU, without what it takes to know the whole share."""
        generation = self._journal.rights.generation()
        granted = self._journal.rights.granted(skus)
        found = {}
        for sku, _, _, _, of, promised, returned, *_ in self._rows(list(granted)):
            used = (promised, returned) if of == generation else (0, 0)
            found[sku] = Rights(generation, granted[sku][0], *used).online
        return found

    def _rows(self, skus: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        for part in chunks(sorted(skus)):
            yield from self._database.all(
                f"SELECT {_COLUMNS} FROM stock WHERE sku IN ({placeholders(part)})", part
            )

    def _share(
        self, row: Sequence[Any], pending: Sequence[int], sold: int, rights: Rights
    ) -> Share:
        sku, on_hand, allocated, target, generation, promised, returned, *_ = row
        if generation == rights.generation:
            rights = replace(rights, promised=promised, returned=returned)
        book = on_hand + pending[0] + sold
        return Share(sku, book, allocated + pending[1], rights.online, target, rights.returned)

    def _sold(self, sku: str, mark: Sequence[Any], held: Sequence[tuple[int, int]]) -> int:
        """Return the sales that central's row does not include: later ones, and what is `held`."""
        included = self._journal.included_seq(Watermark(*mark))
        before = sum(units for seq, units in held if seq <= included)
        return before + self._journal.rights.sold_after(sku, included)

    def sold_since(self, skus: Sequence[str]) -> dict[str, int]:
        """Return how far on hand moved, by SKU, by sales that central's rows do not include."""
        held = self._journal.rights.held_sales(skus)
        known = {row[0]: row[7:] for row in self._rows(skus)}
        return {sku: self._sold(sku, known.get(sku, ("", 0, 0)), held.get(sku, ())) for sku in skus}

    def sales_pending(self) -> list[tuple[str, int]]:
        """Return (SKU, how far on hand moved) of sales that central's rows do not include."""
        return list(self.sold_since(self._journal.rights.skus_sold()).items())

    def answered(self, skus: Sequence[str]) -> dict[str, int]:
        """Return up to which stock operation central's row of each SKU includes everything."""
        return {row[0]: self._journal.included_seq(Watermark(*row[7:])) for row in self._rows(skus)}

    def changed(self) -> list[str]:
        """Return the SKUs that may be divided otherwise than when `evaluated` was last called."""
        rev, epoch, seq, generation = self._database.one(
            "SELECT rev, epoch, seq, generation FROM shared WHERE id = 1"
        )
        whole = (epoch, generation) != (
            self._journal.identity.epoch,
            self._journal.rights.generation(),
        )
        after = 0 if whole else rev
        rows = self._database.all("SELECT sku FROM stock WHERE rev > ?", (after,))
        rows += self._database.all("SELECT sku FROM refolded")
        touched = set() if whole else self._journal.rights.skus_touched_after(seq)
        return sorted(touched.union(sku for (sku,) in rows))

    def evaluated(self) -> None:
        """Note that everything that is known now has been looked at."""
        epoch, head = self._journal.identity.epoch, self._journal.head().seq
        with self._database.writing() as connection:
            connection.execute("DELETE FROM refolded")
            connection.execute(
                "UPDATE shared SET rev = (SELECT coalesce(max(rev), 0) FROM stock), epoch = ?,"
                " seq = ?, generation = ?",
                (epoch, head, self._journal.rights.generation()),
            )

    def unconfirmed(self) -> list[str]:
        """Return promises that this store has not confirmed yet, or only under a name it lost."""
        rows = self._database.all("SELECT id FROM fulfillments WHERE unconfirmed = 1 AND gone = 0")
        open_at_central = self.unacknowledged()
        in_vain = (
            self._journal.held_under_former_names(CONFIRMED, open_at_central)
            if open_at_central
            else []
        )
        return [*(key for (key,) in rows), *in_vain]

    def unacknowledged(self) -> list[str]:
        """Return promises that central may move: it has not said that they stay here."""
        rows = self._database.all(
            "SELECT id FROM fulfillments WHERE base_unconfirmed = 1 AND active = 1 AND gone = 0"
        )
        return [key for (key,) in rows]

    def is_unacknowledged(self, key: str) -> bool:
        """Return whether central has not said of this order that it stays here."""
        row = self._database.one("SELECT base_unconfirmed FROM fulfillments WHERE id = ?", (key,))
        return row is not None and bool(row[0])

    def promises_of(self, sku: str) -> list[FulfillmentOrder]:
        """Return the orders for which units of `sku` still lie on the shelf."""
        rows = self._database.all(
            "SELECT view FROM fulfillments WHERE active = 1 AND units_to_pick > 0 AND gone = 0"
            " AND instr(view, ?) > 0",
            (f'"sku":{json.dumps(sku, ensure_ascii=False)}',),
        )
        orders = [adapter(FulfillmentOrder).validate_json(view) for (view,) in rows]
        return [
            order
            for order in orders
            if any(line.sku == sku and line.to_pick for line in order.lines)
        ]

    def token(self) -> LeaseToken:
        """Return the newest of central's times that this store has seen, and when it did."""
        return LeaseToken(
            *self._database.one("SELECT token_ms, token_boot, token_mono_ms FROM connection")
        )

    def keep_token(self, token: LeaseToken) -> None:
        """Keep a newer token."""
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE connection SET token_ms = ?, token_boot = ?, token_mono_ms = ?",
                (token.token_ms, token.boot_id, token.mono_ms),
            )
