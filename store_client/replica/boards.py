"""The orders of this store as lines of lists: by urgency, by number, by where they lie."""

import json
from collections.abc import Sequence

from store_client.replica.database import ReplicaDatabase, chunks, is_text, placeholders
from store_client.replica.models import BoardRow, Holder
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus
from sync.domain.paying import unpaid
from sync.edge.journal import Journal
from sync.protocol.adapters import adapter

_ORDER = "urgency, CASE WHEN urgency = 2 THEN expires_at_ms ELSE promised_by_ms END, id"
_BOARD = (
    "SELECT id, order_number, customer_name, flow, status, promised_by_ms, expires_at_ms,"
    " staging_spot, units_open, units_to_pick, units_to_put_back, provisional,"
    " CASE WHEN status = 'manifested' AND expires_at_ms IS NOT NULL THEN view END"
    " FROM fulfillments"
)
"""The view comes along for the few parcels that wait for their carrier and are paid here."""

UNDOING = "line_unpicked"
HOLDING = ("fulfillment_accepted", "line_picked", UNDOING)
WAVES = "wave_assigned"
"""Whoever takes an order into a wave, or gives it back, ends what was done to it alone."""
_LIES = "active = 1 AND staging_spot <> ''"
"""What `fulfillments_by_spot` is an index of."""


class Boards:
    """Reads lines of lists out of the columns beside the views."""

    _database: ReplicaDatabase
    journal: Journal

    def over(self, flow: str, now_ms: int) -> list[str]:
        """Return the ids of the open orders of a flow whose time to be paid is over."""
        rows = self._database.all(
            "SELECT id FROM fulfillments WHERE flow = ? AND active = 1 AND expires_at_ms <= ?"
            f" ORDER BY {_ORDER}",
            (flow, now_ms),
        )
        return [key for (key,) in rows]

    def board(
        self, flow: str, *, include_closed: bool = False, limit: int = 500, offset: int = 0
    ) -> list[BoardRow]:
        """Return orders of a flow, most urgent first."""
        condition = "" if include_closed else " AND active = 1"
        rows = self._database.all(
            f"{_BOARD} WHERE flow = ?{condition} ORDER BY {_ORDER} LIMIT ? OFFSET ?",
            (flow, limit, offset),
        )
        return [_board_row(row) for row in rows]

    def counts(self, flow: str) -> dict[FulfillmentStatus, int]:
        """Return how many open orders of a flow stand where."""
        rows = self._database.all(
            "SELECT status, count(*) FROM fulfillments WHERE flow = ? AND active = 1"
            " GROUP BY status",
            (flow,),
        )
        return {FulfillmentStatus(status): count for status, count in rows}

    def find_orders(self, text: str, limit: int = 20) -> list[BoardRow]:
        """Return orders by number, customer name or whole id, open ones first.

        Capitals and hyphens do not matter.
        """
        words = text.strip().replace("%", "").replace("_", "")
        if not words or not is_text(text):
            return []
        bare, key = words.replace("-", ""), text.strip().replace("-", "")
        rows = self._database.all(
            f"{_BOARD} WHERE order_number LIKE ? OR replace(order_number, '-', '') LIKE ?"
            " OR customer_name LIKE ? OR replace(id, '-', '') = ? COLLATE NOCASE"
            " ORDER BY active DESC, urgency, promised_by_ms LIMIT ?",
            (f"{words}%", f"{bare}%", f"%{words}%", key, limit),
        )
        return [_board_row(row) for row in rows]

    def spots_used(self, without: str = "") -> dict[str, int]:
        """Return how many open orders lie at each spot; the order `without` is not counted."""
        rows = self._database.all(
            f"SELECT staging_spot, count(*) FROM fulfillments WHERE {_LIES} AND id <> ?"
            " GROUP BY staging_spot",
            (without,),
        )
        return dict(rows)

    def orders_at(self, spot: str) -> Sequence[BoardRow]:
        """Return the open orders that lie at a spot, however its name is written."""
        wanted = spot.casefold()
        names = [name for name in self.spots_used() if name.casefold() == wanted]
        rows = self._database.all(
            f"{_BOARD} WHERE {_LIES} AND staging_spot IN ({placeholders(names)})"
            " ORDER BY promised_by_ms, id",
            names,
        )
        return [_board_row(row) for row in rows]

    def noted(self, flow: str, note: str) -> list[str]:
        """Return the ids of the open orders of a flow that carry a note of that name.

        Looked for in the text of the views: reading them all would take a desk with
        hundreds of orders a tenth of a second.
        """
        rows = self._database.all(
            "SELECT id FROM fulfillments WHERE flow = ? AND active = 1 AND instr(view, ?)",
            (flow, f"[{json.dumps(note)},"),
        )
        return [key for (key,) in rows]

    def carriers(self, flow: str) -> dict[str, str]:
        """Return by order which carrier is to take it, of the open orders of a flow.

        Out of the text of the views, as `noted` does it.
        """
        return dict(
            self._database.all(
                "SELECT id, coalesce(json_extract(view, '$.shipment.carrier'), '')"
                " FROM fulfillments WHERE flow = ? AND active = 1",
                (flow,),
            )
        )

    def holders(self, fulfillment_ids: Sequence[str]) -> dict[str, Holder]:
        """Return by order who took it on, picked or unpicked last, unless a wave came after it."""
        found: dict[str, Holder] = {}
        for part in chunks(fulfillment_ids):
            for key, entry in self.journal.last_of(part, (*HOLDING, WAVES)).items():
                if entry.kind in HOLDING and entry.record is not None:
                    found[key] = Holder(
                        entry.by, entry.record.dev, entry.seq, undid=entry.kind == UNDOING
                    )
        return found


def _board_row(row: tuple[object, ...]) -> BoardRow:
    *fields, provisional, view = row
    values = dict(
        zip(
            ("id", "order_number", "customer_name", "flow", "status", "promised_by_ms",
             "expires_at_ms", "staging_spot", "units_open", "units_to_pick", "units_to_put_back"),
            fields,
            strict=True,
        )
    )  # fmt: skip
    values["status"] = FulfillmentStatus(str(values["status"]))
    if view is not None:
        values["unpaid_minor"] = unpaid(adapter(FulfillmentOrder).validate_json(str(view)))
    return BoardRow(**values, provisional=bool(provisional))  # type: ignore[arg-type]
