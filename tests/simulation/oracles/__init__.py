"""Everything that must hold in the simulation. A feature adds a file and a line here."""

from tests.simulation.oracles import (
    central,
    doubled,
    effects,
    escrow,
    evidence,
    journals,
    money,
    views,
    waiting,
)
from tests.simulation.registry import Oracle

ALL: tuple[Oracle, ...] = (
    *journals.ORACLES,
    *central.ORACLES,
    *doubled.ORACLES,
    *effects.ORACLES,
    *escrow.ORACLES,
    *evidence.ORACLES,
    *money.ORACLES,
    *views.ORACLES,
    *waiting.ORACLES,
)
