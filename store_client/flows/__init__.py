"""The flows at the terminal: one folder and one line each."""

from store_client.flows.pickup import board as pickup_board
from store_client.flows.pickup import commands as pickup_commands
from store_client.flows.pickup.screen import PickupScreen
from store_client.screens.base import FlowUi

ALL_FLOWS_UI: tuple[FlowUi, ...] = (FlowUi("pickup", PickupScreen, pickup_board, pickup_commands),)
"""Every flow that the terminal can work on: name, work screen, board, commands."""
