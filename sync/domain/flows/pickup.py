"""Pickup (BOPIS): bought online, picked, staged at the hold shelf, handed over in the store.

All of its rules are those of the hold shelf (`sync.domain.hold_shelf`).
"""

from sync.domain.hold_shelf import HOLD_DAYS, latest_wait_ms, rows, status_of
from sync.domain.transitions import Flow, make_flow

__all__ = ["FLOW", "HOLD_DAYS", "NAME", "latest_wait_ms", "status_of"]

NAME = "pickup"

FLOW: Flow = make_flow(NAME, rows(), status_of)
"""The pickup flow. It has no operation of its own: the common vocabulary is enough."""
