"""People of a store and people of central at one exception, at the same moment."""

from collections.abc import Callable

import pytest

from central_server.services.exception_desk import ExceptionDesk
from central_server.services.push_exceptions import ExceptionsOfPush
from sync.domain.exceptions import ExceptionAssigned, FollowUpOpened
from sync.protocol.rows import Entity
from tests.central_server.services.test_quarantine import rows_of
from tests.central_server.services.test_waiting_at_once import Pause
from tests.support.central_world import Device, World, build_world

pytestmark = pytest.mark.postgres
KEY = "E-1"


@pytest.fixture
def world(postgresql_database, tmp_path) -> World:
    return build_world(postgresql_database, tmp_path)


@pytest.fixture
def store(world: World) -> Device:
    """S001, which has one thing to do and gives it to its lead, unsent."""
    device = world.device("S001")
    device.do(FollowUpOpened(KEY, "Call them back", world.clock.now_ms()))
    device.push()
    assert rows_of(world, Entity.EXCEPTION)[KEY].assignee == ""
    device.do(ExceptionAssigned(KEY, "lead"))
    return device


@pytest.mark.parametrize(
    ("work", "state", "owner"),
    [
        (lambda desk: desk.resolve(KEY, note="Called them.", by="Ann"), "closed", "store"),
        (lambda desk: desk.assign(KEY, owner="central", assignee=None), "open", "central"),
    ],
    ids=["closed", "taken over"],
)
def test_what_central_takes_meanwhile_does_not_come_back_at_the_store(
    world: World, store: Device, monkeypatch: pytest.MonkeyPatch,
    work: Callable[[ExceptionDesk], object], state: str, owner: str,
):  # fmt: skip
    """The store's word comes too late: it is neither listed there nor the store's any more."""
    desk = world.parts.central.exceptions
    pause = Pause(monkeypatch, ExceptionsOfPush, "take")
    pause.meanwhile(lambda: store.push(2), lambda: work(desk))
    assert rows_of(world, Entity.EXCEPTION) == {}
    found = desk.one(KEY)
    assert (found["state"], found["owner"], found["assignee"]) == (state, owner, "")
