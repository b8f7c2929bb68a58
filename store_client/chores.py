"""What the daemon does beside its rounds: holds, sales, cards, labels, printers."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from store_client.config import StoreSettings
from store_client.flows.ship.arrived import ArrivedLabels
from store_client.hardware import Hardware, print_rounds
from store_client.jobs import Chore
from store_client.pos.folder import LOOK_SECONDS, PRUNE_SECONDS, SalesFolder
from store_client.replica.store import Store
from store_client.services import card_settling, holds
from store_client.services.desk import ITSELF, Desk
from store_client.services.print_rounds import LOOK_SECONDS as PRINT_SECONDS

if TYPE_CHECKING:
    from store_client.pos.server import PosServer


def chores_of(
    settings: StoreSettings, store: Store, server: "PosServer | None", hardware: Hardware
) -> Iterator[Chore]:
    """Yield the chores of a machine with these settings."""
    yield Chore("holds", holds.LOOK_SECONDS, lambda: holds.end_holds(store, settings.terminal))
    if settings.pos_folder is not None:
        folder = SalesFolder(settings.pos_folder, store, store.clock)
        yield Chore("sales folder", LOOK_SECONDS, folder.look)
        yield Chore("done sales", PRUNE_SECONDS, folder.prune)
    if server is not None:
        yield Chore("point of sale", LOOK_SECONDS, server.look)
    labels = ArrivedLabels(store, store.clock, hardware.paper, settings.terminal)
    desk = Desk(store, store.clock, ITSELF, settings.terminal, devices=hardware.devices)
    yield Chore("cards", card_settling.LOOK_SECONDS, lambda: card_settling.settle_cards(desk))
    yield Chore("labels", LOOK_SECONDS, labels.look)
    for one in print_rounds(settings, hardware, store.clock):
        yield Chore(f"print {one.name}", PRINT_SECONDS, one.look)
