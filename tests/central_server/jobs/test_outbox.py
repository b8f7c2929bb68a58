"""Messages leave at least once, in the face of a relay that is away."""

from random import Random

import pytest

from central_server.jobs.housekeeping import DAY_MS, forget_old_answers
from central_server.jobs.outbox import (
    LEASE_MS,
    RETRY_BASE_MS,
    RETRY_MAX_MS,
    TRIES_BEFORE_PEOPLE,
    send_due,
)
from central_server.ports import DeliveryFailed
from central_server.records import OutboxItem
from central_server.services.mail import KIND
from tests.support.central_world import World, build_world


@pytest.fixture
def world(database, tmp_path) -> World:
    return build_world(database, tmp_path)


class Away:
    """A relay that does not answer."""

    def send(self, message):
        raise DeliveryFailed("no relay")


def send(world, notifier):
    return send_due(world.database, notifier, world.clock, Random(1))


def test_message_leaves_once(world):
    """What was sent is not sent again."""
    world.place()
    assert send(world, world.notifier) == 1
    world.clock.advance(LEASE_MS + RETRY_MAX_MS)
    assert send(world, world.notifier) == 0
    assert len(world.notifier.sent) == 1


def test_failure_is_tried_again_later(world):
    """A relay that is away costs time, not the message."""
    world.place()
    assert send(world, Away()) == 0
    assert send(world, world.notifier) == 0
    world.clock.advance(RETRY_BASE_MS * 3 + 1)
    assert send(world, world.notifier) == 1


def test_message_that_cannot_be_made_out_keeps_no_other(world):
    """A program error over one message is tried again like a relay that is away."""
    world.place()
    world.place(("SKU-2", 1))

    class Stumbles:
        """A notifier with a fault of its own."""

        def send(self, message):
            if not world.notifier.sent:
                world.notifier.sent.append(message)
                raise KeyError("subject")
            world.notifier.send(message)

    assert send(world, Stumbles()) == 1
    world.clock.advance(LEASE_MS + RETRY_MAX_MS)
    assert send(world, world.notifier) == 1


def test_message_that_does_not_leave_becomes_a_persons(world):
    """After some tries somebody is to tell the customer, once; if it leaves after all, it ends."""
    world.place()
    for _ in range(TRIES_BEFORE_PEOPLE + 3):
        send(world, Away())
        world.clock.advance(RETRY_MAX_MS + RETRY_BASE_MS)
    with world.database.read() as view:
        (found,) = view.exceptions.list_open()
    assert (found.kind, found.owner) == ("mail_failed", "central")
    assert "jo@example.com: no relay" in found.detail["text"]
    assert send(world, world.notifier) == 1
    with world.database.read() as view:
        assert view.exceptions.list_open() == ()
        assert view.exceptions.get(found.id).note == "It went out."


def test_message_that_somebody_saw_to_is_not_brought_up_again(world):
    """Closed by a person, it stays closed, however long the relay is away."""
    world.place()
    for _ in range(TRIES_BEFORE_PEOPLE):
        send(world, Away())
        world.clock.advance(RETRY_MAX_MS + RETRY_BASE_MS)
    with world.database.read() as view:
        (found,) = view.exceptions.list_open()
    world.parts.central.exceptions.resolve(found.id, note="Called them.", by="Ann")
    send(world, Away())
    with world.database.read() as view:
        assert view.exceptions.list_open() == ()


def test_one_bad_message_does_not_hold_up_the_others(world):
    """Each message fails by itself."""

    class Picky:
        def __init__(self):
            self.sent = []

        def send(self, message):
            if not self.sent and message.key.startswith("order_received") and not self.refused:
                self.refused = True
                raise DeliveryFailed("this one not")
            self.sent.append(message)

        refused = False

    world.place()
    world.place()
    assert send(world, Picky()) == 1


class Slow:
    """A relay that takes its time; while it has the message `at`, another process sends too."""

    def __init__(self, world: World, *, at: int = 0) -> None:
        self.world = world
        self.at = at
        self.keys: list[str] = []

    def send(self, message):
        self.world.clock.advance(2_000)
        self.keys.append(message.key)
        if len(self.keys) == self.at:
            send(self.world, self)


def write(world, count: int) -> list[str]:
    """Let so many messages be due; return their keys."""
    now = world.clock.now_ms()
    payload = {"to": "jo@example.com", "subject": "Hello", "text": "Hello."}
    keys = [f"mail-{number:02}" for number in range(count)]
    items = [OutboxItem(key, KIND, key, payload, now) for key in keys]
    world.database.write(lambda unit: unit.outbox.add(items))
    return keys


def test_no_process_sends_what_a_slow_relay_got_from_another(world):
    """Fifty messages of two seconds each, two processes: each leaves once, none waits in vain."""
    keys, relay = write(world, 50), Slow(world, at=35)
    while send(world, relay):
        pass
    assert sorted(relay.keys) == keys


def test_what_a_slow_relay_did_not_get_keeps_its_turn(world):
    """What was not begun leaves next, before what came meanwhile, and counts as not tried."""
    (first, *rest), relay = write(world, 40), Slow(world)
    sent = send(world, relay)
    assert (relay.keys[0], 0 < sent < 40) == (first, True)
    world.place()
    claim = lambda unit: unit.outbox.claim(world.clock.now_ms(), lease_ms=1)  # noqa: E731
    found = world.database.write(claim)
    assert [item.key for item in found][:-1] == rest[sent - 1 :]
    assert {item.attempts for item in found} == {1}


def test_a_relay_that_takes_long_to_fail_is_not_asked_again_at_once(world):
    """The pause before the next try begins when this one has ended."""
    world.place()

    class Hangs:
        def send(self, message):
            world.clock.advance(RETRY_BASE_MS * 3)
            raise DeliveryFailed("no answer")

    assert send(world, Hangs()) == 0
    assert send(world, world.notifier) == 0
    world.clock.advance(RETRY_BASE_MS * 3 + 1)
    assert send(world, world.notifier) == 1


def test_old_answers_are_forgotten(world):
    """After the days of grace a key is free again; before, it is not."""
    first = world.place(key="cart-1")
    world.clock.advance(6 * DAY_MS)
    assert forget_old_answers(world.database, world.clock, 7) == 0
    assert world.place(key="cart-1").order_id == first.order_id
    world.clock.advance(DAY_MS + 1)
    assert forget_old_answers(world.database, world.clock, 7) == 1
    assert world.place(key="cart-1").order_id != first.order_id
