"""Who works on an order: alone, whoever took it on or picked of it last; in a wave, its picker.

Nobody locks anything: it is what the journal says, so it survives a power cut, is
the same on every terminal of the machine, and ends when the order is picked, or
when nothing of it is picked any more. Taking over passes the work that was seen
then: when the other goes on picking, it is asked again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from store_client.ports import BoardRow, Store
from store_client.services.desk import Actor, Desk, Refusal, TakenOver
from sync.domain.flows import status_of
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus
from sync.domain.waves import PickWave

BEING_PICKED = frozenset({FulfillmentStatus.ACCEPTED, FulfillmentStatus.PICKING})


@dataclass(frozen=True, slots=True)
class Held:
    """Somebody else who picks an order."""

    name: str
    device: str
    by: str
    seq: int
    """Which operation of the store says so."""

    @property
    def words(self) -> str:
        """Return who, and where: `Rafael C. picks it at T1`."""
        return f"{self.name} picks it at {self.device}"


class HeldByOther(Refusal):
    """Somebody else picks the order; it can be taken over."""

    code = "held_by_other"

    def __init__(self, held: Held) -> None:
        super().__init__(f"{held.words}.", "Ctrl+G takes it over.")


class PickedInWave(Refusal):
    """The order is picked in a wave: by somebody else, or to be sorted afterwards."""

    code = "picked_in_wave"

    def __init__(self, desk: Desk, wave: PickWave) -> None:
        name = desk.name_of(wave.picker)
        over = ", take it over there" if wave.picker != desk.actor.id else ""
        super().__init__(
            f"{name} picks it in wave {wave.name}, tote {wave.tote}.",
            f"Open the wave{over}, or take the order out of it: F7.",
        )


def held_by_others(
    store: Store, me: Actor | None, orders: Iterable[FulfillmentOrder]
) -> dict[str, Held]:
    """Return by order who else picks it alone; waves say that themselves."""
    being_picked = {
        one.id: one.total("held") > 0
        for one in orders
        if one.wave is None and status_of(one) in BEING_PICKED
    }
    return _of_others(store, me, being_picked)


def rows_of_others(store: Store, me: Actor | None, rows: Iterable[BoardRow]) -> dict[str, Held]:
    """Return the same for lines of a list."""
    being_picked = {
        row.id: row.units_to_pick < row.units_open for row in rows if row.status in BEING_PICKED
    }
    return _of_others(store, me, being_picked)


def _of_others(store: Store, me: Actor | None, being_picked: Mapping[str, bool]) -> dict[str, Held]:
    """Return who has the orders, by each of which stands whether a unit of it is in hand."""
    if not being_picked or me is None:
        return {}
    others = {
        key: one
        for key, one in store.holders(tuple(being_picked)).items()
        if one.by != me.id and (being_picked[key] or not one.undid)
    }
    names = {one.id: one.name for one in store.associates()} if others else {}
    return {
        key: Held(names.get(one.by, one.by), one.device, one.by, one.seq)
        for key, one in others.items()
    }


def holder_of(desk: Desk, order: FulfillmentOrder) -> Held | None:
    """Return who else picks an order, unless it is taken over from them."""
    held = held_by_others(desk.store, desk.actor, [order]).get(order.id)
    return None if held is None or _is_passed(desk, order, held) else held


def _is_passed(desk: Desk, order: FulfillmentOrder, held: Held) -> bool:
    taken = desk.takes_over
    if taken is None or taken.order != order.id:
        return False
    was_here = held.device == desk.device and held.by in taken.before
    return was_here or held.seq <= taken.upto_seq


def require_free(desk: Desk, order: FulfillmentOrder) -> None:
    """Refuse to act on what somebody else picks, alone or in a wave, unless it is taken over."""
    wave = order.wave
    if wave is not None and _is_of_others(desk, order, wave):
        raise PickedInWave(desk, wave)
    held = holder_of(desk, order)
    if held is not None:
        raise HeldByOther(held)


def _is_of_others(desk: Desk, order: FulfillmentOrder, wave: PickWave) -> bool:
    if wave.picker == desk.actor.id or status_of(order) not in BEING_PICKED:
        return False
    taken = desk.takes_over
    return taken is None or (taken.order, taken.picker) != (order.id, wave.picker)


def take_over(desk: Desk, fulfillment_id: str) -> Desk:
    """Return the desk at which this person goes on from whoever has picked of an order so far.

    Of an order in somebody's wave, units may be taken back or given up at it. To pick
    it, the wave is taken over, or the order is taken out of it.
    """
    order = desk.store.fulfillment(fulfillment_id)
    picker = order.wave.picker if order is not None and order.wave is not None else ""
    found = desk.store.holders([fulfillment_id]).get(fulfillment_id)
    if found is None and not picker:
        return desk
    upto_seq = 0 if found is None else found.seq
    return replace(desk, takes_over=TakenOver(fulfillment_id, upto_seq, picker=picker))
