"""Who works on an order alone: whoever took it on or picked of it last.

Nobody locks anything: it is what the journal says, so it survives a power cut, is
the same on every terminal of the machine, and ends when the order is picked.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from store_client.ports import BoardRow, Store
from store_client.services.desk import Actor, Desk, Refusal
from sync.domain.flows import status_of
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus

BEING_PICKED = frozenset({FulfillmentStatus.ACCEPTED, FulfillmentStatus.PICKING})


class Held(NamedTuple):
    """Somebody else who picks an order."""

    name: str
    device: str

    @property
    def words(self) -> str:
        """Return who, and where: `Rafael C. picks it at T1`."""
        return f"{self.name} picks it at {self.device}"


class HeldByOther(Refusal):
    """Somebody else picks the order; it can be taken over."""

    code = "held_by_other"

    def __init__(self, held: Held) -> None:
        super().__init__(f"{held.words}.", "Ctrl+G takes it over.")


def held_by_others(
    store: Store, me: Actor | None, orders: Iterable[FulfillmentOrder]
) -> dict[str, Held]:
    """Return by order who else picks it alone; waves say that themselves."""
    alone = [one.id for one in orders if one.wave is None and status_of(one) in BEING_PICKED]
    return _of_others(store, me, alone)


def rows_of_others(store: Store, me: Actor | None, rows: Iterable[BoardRow]) -> dict[str, Held]:
    """Return the same for lines of a list."""
    return _of_others(store, me, [row.id for row in rows if row.status in BEING_PICKED])


def _of_others(store: Store, me: Actor | None, keys: Sequence[str]) -> dict[str, Held]:
    if not keys or me is None:
        return {}
    others = {key: one for key, one in store.holders(keys).items() if one.by != me.id}
    names = {one.id: one.name for one in store.associates()} if others else {}
    return {key: Held(names.get(one.by, one.by), one.device) for key, one in others.items()}


def require_free(desk: Desk, order: FulfillmentOrder) -> None:
    """Refuse to pick what somebody else picks alone, unless it is taken over."""
    if desk.takes_over == order.id:
        return
    held = held_by_others(desk.store, desk.actor, [order])
    if held:
        raise HeldByOther(held[order.id])
