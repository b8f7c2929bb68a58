"""The flows at the terminal: one folder and one line each."""

from store_client.flows.curbside import board as curbside_board
from store_client.flows.curbside import commands as curbside_commands
from store_client.flows.curbside.desk_screen import CurbsideDeskScreen
from store_client.flows.curbside.screen import CurbsideScreen
from store_client.flows.pickup import board as pickup_board
from store_client.flows.pickup import commands as pickup_commands
from store_client.flows.pickup.desk_screen import PickupDeskScreen
from store_client.flows.pickup.screen import PickupScreen
from store_client.flows.reserve import board as reserve_board
from store_client.flows.reserve import commands as reserve_commands
from store_client.flows.reserve.screen import ReserveScreen
from store_client.flows.ship import board as ship_board
from store_client.flows.ship import commands as ship_commands
from store_client.flows.ship.desk_screen import ShippingDeskScreen
from store_client.flows.ship.screen import ShipScreen
from store_client.screens.host import FlowDesk, FlowUi

PICKUP_DESK = FlowDesk(
    "f7", "Pickup", "Pickup desk: waves, several orders on one walk", PickupDeskScreen
)
CURBSIDE_DESK = FlowDesk(
    "f6", "Curbside", "Curbside desk: who waits outside", CurbsideDeskScreen,
    offered=lambda row: bool(row.pickup.parking),
)  # fmt: skip
SHIPPING_DESK = FlowDesk(
    "f4", "Shipping", "Shipping desk: carriers, waves, manifests", ShippingDeskScreen,
    offered=lambda row: bool(row.carriers),
)  # fmt: skip

ALL_FLOWS_UI: tuple[FlowUi, ...] = (
    FlowUi("pickup", PickupScreen, pickup_board, pickup_commands, PICKUP_DESK),
    FlowUi("curbside", CurbsideScreen, curbside_board, curbside_commands, CURBSIDE_DESK),
    FlowUi("ship_from_store", ShipScreen, ship_board, ship_commands, SHIPPING_DESK),
    FlowUi("reserve", ReserveScreen, reserve_board, reserve_commands),
)
"""Every flow that the terminal can work on: name, work screen, board, commands."""
