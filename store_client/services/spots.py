"""The hold shelf: how many orders lie at each spot, how many fit, and where the next one goes."""

from dataclasses import dataclass

from store_client.services.desk import Desk, Refusal
from sync.protocol.rows import StoreRow


@dataclass(frozen=True, slots=True)
class Spot:
    """A spot of the hold shelf as it is now."""

    name: str
    orders: int
    """Orders whose goods lie there, also those that have to be put back."""
    capacity: int | None
    """Orders that fit; None where there is no limit."""

    @property
    def is_full(self) -> bool:
        """Whether no further order fits."""
        return self.capacity is not None and self.orders >= self.capacity

    @property
    def words(self) -> str:
        """Return how full it is: `A1 2/3`, `A1 full`, `B1 1`."""
        if self.is_full:
            return f"{self.name} full"
        if self.capacity is not None:
            return f"{self.name} {self.orders}/{self.capacity}"
        return f"{self.name} {self.orders}" if self.orders else self.name


def spots_of(desk: Desk, *, without: str = "") -> list[Spot]:
    """Return the store's spots in their order, then others that are in use.

    `without` is the id of an order that is not counted: the one that is to be put there.
    """
    used = desk.store.spots_used(without)
    store = desk.store.store_row()
    named = store.spots if store is not None else ()
    others = sorted(spot for spot in used if spot not in named)
    return [Spot(name, used.get(name, 0), _capacity(store, name)) for name in (*named, *others)]


def _capacity(store: StoreRow | None, spot: str) -> int | None:
    return None if store is None else store.pickup.capacity_of(spot)


def free_spot(spots: list[Spot]) -> Spot | None:
    """Return where the next order goes: an empty spot first, else one that is not full."""
    open_ones = [spot for spot in spots if not spot.is_full]
    return min(open_ones, key=lambda spot: spot.orders, default=None)


def require_room(desk: Desk, fulfillment_id: str, name: str) -> None:
    """Refuse a spot at which no further order fits, and say where the next free one is."""
    if _capacity(desk.store.store_row(), name) is None:
        return
    spots = spots_of(desk, without=fulfillment_id)
    spot = next((one for one in spots if one.name == name), None)
    if spot is None or not spot.is_full:
        return
    free = free_spot(spots)
    raise Refusal(
        f"{name} is full: {spot.orders} of {spot.capacity} orders lie there.",
        "Every spot is full: put goods back, or make room." if free is None
        else f"Next free: {free.name}.",
    )  # fmt: skip


def spots_words(spots: list[Spot], most: int = 12) -> str:
    """Return the spots with how full they are, as one line for a dialog."""
    if not spots:
        return ""
    free = free_spot(spots)
    proposed = f"Next free: {free.name}. " if free is not None else "Every spot is full. "
    more = " …" if len(spots) > most else ""
    return f"{proposed}Spots: {', '.join(spot.words for spot in spots[:most])}{more}"
