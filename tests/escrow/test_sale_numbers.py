"""A sale counts once by the till's own number, however long ago and on whichever machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from store_client.replica.models import Sale
from store_client.services.sales import OtherSale, Seller, keep
from sync.domain.ids import OpId
from sync.domain.stock_operations import FloorSold, SkuUnits
from sync.edge.journal import DAY_MS
from tests.escrow.test_approved import approve_all, hand_in
from tests.support.central_world import World
from tests.support.conflicts import exceptions
from tests.support.store_side import StoreSide

NUMBER = "till-2/000471"


def ring_up(store: StoreSide, *items: tuple[str, int], number: str = NUMBER) -> FloorSold | None:
    """Let the till tell of a sale: one of SKU-1 unless it says otherwise."""
    lines = tuple(SkuUnits(*one) for one in items or (("SKU-1", 1),))
    return store.store.sell(Sale(number, lines), by="A1", dev="POS")


def on_hand(world: World, sku: str = "SKU-1", location_id: str = "S001") -> int:
    return world.stock(location_id, sku)[0]


@pytest.fixture
def replacement(world: World, store: StoreSide, tmp_path: Path) -> Iterator[StoreSide]:
    """A new machine with an empty disk, after the first one has sold and sent."""
    ring_up(store)
    store.settle()
    store.cut()
    made = StoreSide(world, tmp_path / "replacement")
    made.clock.advance(7000)
    made.settle()
    yield made
    made.store.close()


def test_a_machine_with_an_empty_disk_is_told_of_a_sale_again(world: World, replacement: StoreSide):
    """Until central answers it counts there; then on neither side, and the store is told why."""
    replacement.cut()
    assert ring_up(replacement) is not None
    assert replacement.share().on_hand == 8
    replacement.settle()
    assert (on_hand(world), replacement.share().on_hand) == (9, 9)
    (told,) = replacement.store.operations(limit=1)
    assert (told.state.value, "counts once" in told.text) == ("amended", True)
    assert replacement.differences() == []
    assert exceptions(world) == []
    ring_up(replacement, number="till-2/000472")
    replacement.settle()
    assert (on_hand(world), replacement.share().on_hand) == (8, 8)
    world.check_books()


def test_one_number_twice_in_one_push_counts_once(world: World):
    """Central compares also what comes together."""
    device = world.device("S001")
    sold = FloorSold(NUMBER, (SkuUnits("SKU-1", 1),))
    device.do(sold, FloorSold(NUMBER, sold.lines, sold_at_ms=5))
    answer = device.push()
    assert [(one.seq, one.status.value) for one in answer.verdicts] == [(2, "amended")]
    assert on_hand(world) == 9
    world.check_books()


def test_each_store_has_its_own_numbers(world: World, store: StoreSide, neighbor: StoreSide):
    """Two tills of two stores count their sales alike: both are sales."""
    for one in (store, neighbor):
        ring_up(one)
        one.settle()
    assert (on_hand(world), on_hand(world, location_id="S002")) == (9, 9)


def test_a_number_with_other_items_waits_for_a_person(world: World, replacement: StoreSide):
    """Which of the two is right no rule can know: it is held, once, and has an owner."""
    ring_up(replacement, ("SKU-1", 2))
    replacement.settle()
    assert (on_hand(world), replacement.share().on_hand) == (9, 7)
    (held,), _ = world.parts.central.quarantine.page("S001", None, 10)
    assert held["code"] == "transaction_conflict"
    assert exceptions(world) == ["quarantined"]
    op_id = OpId(str(held["replica_id"]), int(str(held["epoch"])), int(str(held["seq"])))
    world.parts.central.quarantine.skip(op_id, by="Ann", reason="the first one was right")
    replacement.settle()
    assert (on_hand(world), replacement.share().on_hand) == (9, 9)
    assert replacement.differences() == []


def test_a_person_says_that_it_is_another_sale(world: World, replacement: StoreSide):
    """Tried again it counts: the till had begun its numbers anew."""
    ring_up(replacement, ("SKU-1", 2))
    replacement.settle()
    assert approve_all(world) == ["accepted"]
    replacement.settle()
    assert (on_hand(world), replacement.share().on_hand) == (7, 7)
    assert replacement.differences() == []
    assert exceptions(world) == []
    world.check_books()


def test_what_a_shut_out_machine_sold_and_its_successor_was_told_again_counts_once(
    world: World, store: StoreSide, tmp_path: Path
):
    """Approved when the other one counts already, and while another one is held."""
    store.cut()
    ring_up(store)
    ring_up(store, ("SKU-1", 2), number="till-2/000472")
    successor = StoreSide(world, tmp_path / "replacement")
    successor.settle()
    hand_in(world, store)
    ring_up(successor)
    ring_up(successor, ("SKU-1", 3), number="till-2/000472")
    successor.settle()
    assert on_hand(world) == 6
    done = world.parts.central.quarantine.retry_all(store.store.replica_id, by="Ann")
    assert (on_hand(world), done["held"]) == (6, 1)
    again = world.parts.central.quarantine.retry_all(store.store.replica_id, by="Ann")
    assert again == {"settled": [], "held": 1}  # nobody has said that these are two sales
    assert on_hand(world) == 6
    successor.settle()
    assert successor.differences() == []
    successor.store.close()


def forget_sales(store: StoreSide, world: World, days: int = 46) -> None:
    """Let time pass until the journal has forgotten all but the last sale."""
    for _ in range(2):
        store.clock.advance(days * DAY_MS)
        world.clock.advance(days * DAY_MS)
        store.sell(0)
        store.settle()
        store.store.journal.prune(store.clock.now_ms())


def test_a_number_is_known_after_its_operation_is_forgotten(world: World, store: StoreSide):
    """The floor of a store that is cut off is right, too: it does not need central to know."""
    ring_up(store)
    store.settle()
    forget_sales(store, world)
    assert store.store.sales_taken() == 1
    store.cut()
    assert ring_up(store) is None
    assert store.share().on_hand == 9
    again = keep(store.store, Sale(NUMBER, (SkuUnits("SKU-1", 1),)), Seller())
    assert (again.first, again.operation.lines) == (False, (SkuUnits("SKU-1", 1),))
    with pytest.raises(OtherSale):
        keep(store.store, Sale(NUMBER, (SkuUnits("SKU-1", 2),)), Seller())


def test_numbers_are_kept_for_a_year_and_then_central_knows(world: World, store: StoreSide):
    """What the machine has forgotten after more than 400 days, central has not."""
    ring_up(store)
    store.settle()
    forget_sales(store, world)
    forget_sales(store, world, days=200)
    assert ring_up(store) is None
    forget_sales(store, world, days=201)
    assert ring_up(store) is not None
    store.settle()
    assert (on_hand(world), store.share().on_hand) == (9, 9)
    assert store.differences() == []
