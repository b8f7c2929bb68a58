"""A central with three stores on each engine, one of them with a real machine."""

from pathlib import Path

import pytest

from store_client.adapters.payment_terminals import SimulatedTerminal
from store_client.adapters.receipt_files import ReceiptFiles
from store_client.devices import Devices
from store_client.services import drawer
from store_client.services.desk import Actor, Desk
from sync.domain.people import Role
from tests.support.central_world import World, build_world
from tests.support.store_side import StoreSide, in_step, share_by_escrow


@pytest.fixture
def world(database, tmp_path: Path) -> World:
    """Three stores with ten of everything, sharing by escrow, keeping two of each."""
    world = build_world(database, tmp_path / "central")
    share_by_escrow(world, floor_percent=20)
    return world


@pytest.fixture
def store(world: World, tmp_path: Path):
    """The machine of S001, in step with central."""
    with in_step(world, tmp_path / "one") as store:
        yield store


@pytest.fixture
def neighbor(world: World, tmp_path: Path):
    """The machine of S002, in step with central."""
    with in_step(world, tmp_path / "two", "S002") as store:
        yield store


@pytest.fixture
def desk(store: StoreSide, tmp_path: Path) -> Desk:
    """The counter of S001 with an open drawer and a payment terminal."""
    devices = Devices(SimulatedTerminal(tmp_path / "psp.json"), ReceiptFiles(tmp_path / "receipts"))
    made = Desk(store.store, store.clock, Actor("A1", "Kim", Role.MANAGER), "T1", devices=devices)
    drawer.open_drawer(made, 10_000)
    return made
