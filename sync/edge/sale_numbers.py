"""Numbers of sales that the journal has forgotten: a till may tell of a sale again for long.

The journal itself knows the number of each sale that it holds. What pruning takes out of it
leaves number and items here for `KEEP_DAYS` more, so that a sale counts once also while
central, which knows all of them, cannot be asked. A machine with an empty disk has none.
"""

from collections.abc import Sequence

from sync.domain.stock_operations import SkuUnits
from sync.edge.rights import FLOOR_SOLD
from sync.edge.sqlite import Connection
from sync.protocol.adapters import adapter

KEEP_DAYS = 400
"""More than a year: tills whose numbers begin anew with each year still meet those of the last."""
_DAY_MS = 86_400_000


def keep(connection: Connection, forgotten: str, given: Sequence[object], now_ms: int) -> None:
    """Keep the numbers of the sales among the operations that the condition `forgotten` names.

    Called before they are deleted, inside the journal's `writing()`. `now_ms` is this
    machine's wall time; central's, where that is later, so that neither clock drops a
    number early: what is dropped has to be old by both.
    """
    (central_ms,) = connection.execute("SELECT central_ms FROM progress").fetchone()
    connection.execute(
        "INSERT OR IGNORE INTO sale_numbers (aggregate, items, forgotten_ms)"
        " SELECT aggregate, json_extract(CAST(line AS TEXT), '$.op.lines'), ?"
        f" FROM operations WHERE kind = '{FLOOR_SOLD}' AND {forgotten}",
        (max(central_ms, now_ms), *given),
    )
    connection.execute(
        "DELETE FROM sale_numbers WHERE forgotten_ms < ?",
        (min(central_ms, now_ms) - KEEP_DAYS * _DAY_MS,),
    )


def drop_all(connection: Connection) -> None:
    """Forget the numbers, inside `writing()`: of work that is in no copy any more.

    Which of them central still has nobody here can tell; it tells when the till repeats one.
    """
    connection.execute("DELETE FROM sale_numbers")


def items_of(kept: str) -> tuple[SkuUnits, ...]:
    """Return what was sold, as it was kept."""
    return adapter(tuple[SkuUnits, ...]).validate_json(kept)
