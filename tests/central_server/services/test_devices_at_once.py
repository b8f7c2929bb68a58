"""Machines of one store that meet at central, at the same moment."""

from dataclasses import replace
from functools import partial

import pytest

from central_server.services.errors import EnrolmentRefused
from central_server.storage.leases import Leases
from central_server.storage.replicas import Replicas
from sync.domain.escrow import EscrowPolicy
from sync.domain.ids import OpId
from sync.domain.money_operations import CashMoved, CashReason
from sync.domain.stock_operations import FloorSold, SkuUnits
from sync.hub.repeats import Repeats
from sync.protocol.lines import genesis
from tests.central_server.services.test_waiting_at_once import Pause
from tests.support.central_world import Device, World, build_world

pytestmark = pytest.mark.postgres


@pytest.fixture
def world(postgresql_database, tmp_path) -> World:
    return build_world(postgresql_database, tmp_path)


def named(world: World, name: str) -> Device:
    """Return a machine of S001 that is not enrolled yet."""
    device = Device(world, "S001")
    device.replica_id, device.hashes = name, [genesis(name, 1)]
    return device


def test_of_two_machines_that_enrol_at_once_one_gets_in(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """Each has a code of its own; who comes second is told that a machine is there."""
    refused: list[str] = []

    def enrol(name: str) -> None:
        try:
            named(world, name).enrol()
        except EnrolmentRefused as problem:
            refused.append(str(problem))

    pause = Pause(monkeypatch, Replicas, "at_location")
    pause.meanwhile(lambda: enrol("R-first"), lambda: enrol("R-second"))
    with world.database.read() as view:
        enrolled = view.replicas.at_location("S001")
    assert [one.id for one in enrolled if one.enabled] == ["R-first"]
    assert len(refused) == 1
    assert "has a device already" in refused[0]


def test_a_machine_that_enrols_while_a_lease_is_ended_is_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """S001 shares no more and its machine was shut out; the next one has not heard of it yet."""
    with world.database.read() as view:
        (place,) = view.locations.get_many(["S001"]).values()
    world.parts.intake.locations([replace(place, escrow=EscrowPolicy(enabled=True))])
    named(world, "R-first").enrol()
    world.parts.devices.revoke("R-first")
    world.parts.intake.locations([place])
    Pause(monkeypatch, Leases, "without_machine").meanwhile(
        world.parts.central.escrow.apply, named(world, "R-second").enrol
    )
    with world.database.read() as view:
        assert view.leases.get("S001") is not None


@pytest.fixture
def shut_out(world: World) -> Device:
    """The first machine of S001, whose work came when it was shut out: all is held back."""
    device = named(world, "R-first")
    device.enrol()
    device.do(
        CashMoved("T1", 1, -500, "USD", CashReason.EXPENSE),
        FloorSold("T1-1", (SkuUnits("SKU-1", 1),)),
    )
    world.parts.devices.revoke(device.replica_id)
    device.push()
    return device


@pytest.fixture
def successor(world: World, shut_out: Device) -> Device:
    """The machine that S001 has now, with nothing to send."""
    device = named(world, "R-second")
    device.enrol()
    return device


def meet(
    world: World, monkeypatch: pytest.MonkeyPatch, successor: Device, seq: int, *, is_retry: bool
) -> dict[str, str]:
    """Let one of retry and push ask what counts already, then the other; return what they were."""
    retry = partial(world.parts.central.quarantine.retry, OpId("R-first", 1, seq), by="Ann")
    works = (retry, successor.push) if is_retry else (successor.push, retry)
    Pause(monkeypatch, Repeats, "__init__").meanwhile(*works)
    places = {"first": OpId("R-first", 1, seq), "second": OpId("R-second", 1, 1)}
    with world.database.read() as view:
        found = {name: view.journal.operation(place) for name, place in places.items()}
    return {name: one.status for name, one in found.items() if one is not None}


@pytest.mark.parametrize("is_retry", [True, False], ids=["retried first", "pushed first"])
def test_money_that_a_retry_and_a_successor_bring_at_once_counts_once(
    world: World, shut_out: Device, successor: Device, monkeypatch: pytest.MonkeyPatch,
    is_retry: bool,
):  # fmt: skip
    """The successor is a copy of the first machine's disk: the same line under two names."""
    successor.journal(shut_out.lines[0])
    found = meet(world, monkeypatch, successor, 1, is_retry=is_retry)
    counts, repeats = ("first", "second") if is_retry else ("second", "first")
    assert found == {counts: "accepted", repeats: "amended"}
    with world.database.read() as view:
        assert sorted(view.money.balances("S001").values()) == [-500, 500]


@pytest.mark.parametrize("is_retry", [True, False], ids=["retried first", "pushed first"])
def test_of_two_sales_of_one_number_at_once_one_is_left_to_a_person(
    world: World, successor: Device, monkeypatch: pytest.MonkeyPatch, is_retry: bool
):
    """They are of other goods, so they meet at no stock; who comes second is held back."""
    successor.do(FloorSold("T1-1", (SkuUnits("SKU-2", 1),)))
    found = meet(world, monkeypatch, successor, 2, is_retry=is_retry)
    counts, held = ("first", "second") if is_retry else ("second", "first")
    assert found == {counts: "accepted", held: "quarantined"}
