"""The flows at the terminal: one folder and one line each."""

from store_client.flows.pickup import board as pickup_board
from store_client.flows.pickup import commands as pickup_commands
from store_client.flows.pickup.screen import PickupScreen
from store_client.flows.reserve import board as reserve_board
from store_client.flows.reserve import commands as reserve_commands
from store_client.flows.reserve.screen import ReserveScreen
from store_client.flows.ship import board as ship_board
from store_client.flows.ship import commands as ship_commands
from store_client.flows.ship.desk_screen import ShippingDeskScreen
from store_client.flows.ship.screen import ShipScreen
from store_client.screens.base import FlowUi

ALL_FLOWS_UI: tuple[FlowUi, ...] = (
    FlowUi("pickup", PickupScreen, pickup_board, pickup_commands),
    FlowUi("ship_from_store", ShipScreen, ship_board, ship_commands, ShippingDeskScreen),
    FlowUi("reserve", ReserveScreen, reserve_board, reserve_commands),
)
"""Every flow that the terminal can work on: name, work screen, board, commands."""
