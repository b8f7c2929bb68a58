"""What work that no row of central's includes did to stock, order by order."""

from collections import Counter
from collections.abc import Mapping, Sequence

from store_client.replica.database import placeholders
from sync.domain.fulfillment import FulfillmentOrder
from sync.edge.sqlite import Connection

Effect = tuple[str, int, int]
"""SKU, on hand, allocated: how far work moved what central's rows say, in units."""


def still_done(
    order: FulfillmentOrder, moved: Sequence[tuple[str, int]] | None
) -> Sequence[Effect]:
    """Return the effects of an order that central does not have: what left, and what is in hand.

    `moved` is how far on hand moved by what central may lack; None where it lacks nothing.
    What was never picked the order ties no more: it is free at central.
    """
    if moved is None:
        return ()
    on_hand, in_hand = Counter(dict(moved)), Counter[str]()
    for line in order.lines:
        in_hand[line.sku] += line.held
    return [
        (sku, on_hand[sku], in_hand[sku])
        for sku in sorted({*on_hand, *in_hand})
        if on_hand[sku] or in_hand[sku]
    ]


def keep_effects(connection: Connection, moved: Mapping[str, Sequence[Effect]]) -> None:
    """Replace what orders' pending operations move, and note which SKUs differ now."""
    before: dict[str, set[Effect]] = {key: set() for key in moved}
    rows = connection.execute(
        "SELECT fulfillment_id, sku, on_hand, allocated FROM pending_effects"
        f" WHERE fulfillment_id IN ({placeholders(list(moved))})",
        list(moved),
    ).fetchall()
    for key, sku, on_hand, allocated in rows:
        before[key].add((sku, on_hand, allocated))
    changed = [key for key in moved if before[key] != set(moved[key])]
    connection.executemany(
        "DELETE FROM pending_effects WHERE fulfillment_id = ?", [(key,) for key in changed]
    )
    connection.executemany(
        "INSERT INTO pending_effects (fulfillment_id, sku, on_hand, allocated) VALUES (?, ?, ?, ?)",
        [(key, *effect) for key in changed for effect in moved[key]],
    )
    connection.executemany(
        "INSERT OR IGNORE INTO refolded (sku) VALUES (?)",
        sorted({(sku,) for key in changed for sku, _, _ in before[key] ^ set(moved[key])}),
    )
