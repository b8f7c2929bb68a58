"""The carrier stands at the door while an order ends, or somebody else lists its boxes."""

from dataclasses import replace

import pytest

from store_client.adapters.paper_files import PaperFiles
from store_client.flows.ship import commands, manifests
from store_client.paper import PaperProblem
from store_client.services.desk import Desk, Refusal
from sync.domain.fulfillment import FulfillmentOrder, ShortReason
from sync.domain.operations import FulfillmentRejected
from sync.domain.people import Role
from sync.domain.ship_operations import BoxUnpacked, HandedToCarrier
from tests.support.clocks import FrozenClock
from tests.support.fake_store import FakeStore
from tests.support.parcels import listed_parcel
from tests.support.quicker import late
from tests.support.ship_store import parcel, ship_store
from tests.support.terminals import actor_of


@pytest.fixture
def store() -> FakeStore:
    return ship_store(FrozenClock())


@pytest.fixture
def desk(store, tmp_path) -> Desk:
    return Desk(store, store.clock, actor_of(Role.ASSOCIATE), "T1", PaperFiles(tmp_path))


def add(store: FakeStore, number: int, *, listed: bool = True) -> FulfillmentOrder:
    order = parcel(number, store.clock.now_ms())
    store.add(order)
    for done in listed_parcel(order)[: None if listed else -1]:
        store.perform(done, by="A103", dev="T1")
    return order


def test_the_other_boxes_leave_where_one_order_has_just_ended(desk, store):
    """The carrier has driven off: what left is written down, and what did not is named."""
    first, second, third = (add(store, number) for number in (1, 2, 3))
    rejected = FulfillmentRejected(first.id, ShortReason.DAMAGED)
    here = late(desk, lambda: store.perform(rejected, by="A104", dev="T2"))
    done = manifests.hand_over(here, "swift")
    assert (done.count, "1 stay here. Order K7Q2-0001: " in done.says) == (2, True)
    for order in (second, third):
        assert not store.fulfillment(order.id).total("open")


def test_of_two_who_hand_over_one_is_told_that_it_is_done(desk, store):
    """Both say that the carrier has it: it left once, and the second reads why not again."""
    order = add(store, 1)
    gone = HandedToCarrier(order.id, 1)
    here = late(desk, lambda: store.perform(gone, by="A104", dev="T2"))
    assert manifests.hand_over(here, "swift").count == 1
    with pytest.raises(Refusal, match="Nothing is on this carrier's manifest"):
        manifests.hand_over(desk, "swift")


def test_a_label_of_a_box_that_has_left_is_not_printed_again(desk, store):
    """A second parcel under its number would go where the first one went."""
    order = add(store, 1)
    manifests.hand_over(desk, "swift")
    with pytest.raises(Refusal, match="The carrier has all its boxes"):
        commands.reprint(desk, order.id)


def test_of_each_label_it_is_said_whether_it_was_printed_again(desk, store, tmp_path):
    """The first of two fails: what is said of the second hides it from nobody."""
    order = parcel(1, store.clock.now_ms())
    store.add(order)
    for line in order.lines:
        commands.pick_by_hand(desk, order.id, line.line, line.to_pick)
        commands.pack(desk, order.id, "900")
        commands.label(desk, order.id)

    class Jammed(PaperFiles):
        def label(self, label):
            if label.box == 1:
                raise PaperProblem("no labels left")
            return super().label(label)

    said = commands.reprint(replace(desk, paper=Jammed(tmp_path)), order.id).says
    assert said.startswith("Box 1 is labeled, but not on paper: no labels left; Box 2: ")


def test_the_other_boxes_are_listed_where_one_was_just_unpacked(desk, store):
    """The list has what is there, and it is said what it has not."""
    first, _ = (add(store, number, listed=False) for number in (1, 2))
    unpacked = BoxUnpacked(first.id, 1)
    here = late(desk, lambda: store.perform(unpacked, by="A104", dev="T2"))
    done = manifests.close(here, "swift")
    assert (done.count, "1 box listed. 1 not listed. Order K7Q2-0001: " in done.says) == (1, True)
