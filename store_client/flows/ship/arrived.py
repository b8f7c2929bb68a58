"""Labels that arrive by the feed: on paper by themselves, whether a screen is open or not."""

from store_client.flows.ship.commands import follow_up
from store_client.paper import Paper
from store_client.ports import Store
from store_client.services.desk import ITSELF, Desk
from store_client.services.open_orders import begun_orders
from sync.clock import Clock
from sync.domain.flows.ship import NAME


class ArrivedLabels:
    """Looks for labels that are not on paper yet, whenever the store's data has changed."""

    def __init__(self, store: Store, clock: Clock, paper: Paper, device: str) -> None:
        self._desk = Desk(store, clock, ITSELF, device, paper)
        self._seen: tuple[int, ...] | None = None

    def look(self) -> list[str]:
        """Put on paper what has arrived; return what was made, in words."""
        token = self._desk.store.change_token()
        row = self._desk.store.store_row()
        if token == self._seen or row is None or not row.carriers:
            return []
        made = follow_up(self._desk, begun_orders(self._desk, NAME))
        self._seen = token
        return made
