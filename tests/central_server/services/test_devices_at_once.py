"""Machines of one store that meet at central, at the same moment."""

import pytest

from central_server.services.errors import EnrolmentRefused
from central_server.storage.replicas import Replicas
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
