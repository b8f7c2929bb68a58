"""Two terminals and a daemon on one store's files: nothing lost, nothing twice, nobody stuck."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from threading import Barrier

from sync.domain.errors import OperationRefused
from sync.domain.flows import pickup
from sync.domain.operations import LinePicked
from sync.transport.faulty import Faults
from tests.support.builders import an_order
from tests.sync.domain import samples
from tests.sync.edge.worlds import World

ORDERS = 6
ENDING = {"fulfillment_rejected", "line_short_picked", "hold_expired"}
"""What would leave too little to do."""


def together(*works: Callable[[], int]) -> list[int]:
    """Run all at once; raise what any raises."""
    barrier = Barrier(len(works))

    def begin(work: Callable[[], int]) -> int:
        barrier.wait(10)
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return [done.result(60) for done in [pool.submit(begin, work) for work in works]]


def opened(folder: Path, count: int) -> list[World]:
    first = World(folder)
    for number in range(1, ORDERS + 1):
        first.central.place(an_order(number, 2, 1))
    first.quiet()
    return [first, *(World(folder, central=first.central) for _ in range(count - 1))]


def worker(world: World, seed: int, tries: int) -> Callable[[], int]:
    """Return an associate who does what seems possible; what is refused is not done."""

    def work() -> int:
        random = Random(seed)
        done = 0
        for _ in range(tries):
            order = world.store.fulfillment(f"F{random.randint(1, ORDERS):05d}")
            assert order is not None
            possible = [
                operation
                for operation in samples.possible(pickup.FLOW, order)
                if operation.kind not in ENDING
            ]
            if not possible:
                continue
            try:
                world.perform(random.choice(possible))
            except OperationRefused:
                continue  # the other terminal was faster
            done += 1
        return done

    return work


def speaker(world: World, rounds: int) -> Callable[[], int]:
    def speak() -> int:
        for _ in range(rounds):
            world.round()
        return 0

    return speak


def test_two_terminals_pick_each_unit_once(tmp_path: Path):
    """Both pick the same lines at once: the second gets the refusal, never a second unit."""
    one, other = opened(tmp_path, 2)

    def picker(world: World) -> Callable[[], int]:
        def pick() -> int:
            got = 0
            for number in range(1, ORDERS + 1):
                for line, units in ((1, 2), (2, 1)):
                    for _ in range(units):
                        try:
                            world.perform(LinePicked(f"F{number:05d}", line, 1))
                        except OperationRefused:
                            continue
                        got += 1
            return got

        return pick

    assert sum(together(picker(one), picker(other))) == 3 * ORDERS
    one.quiet()
    for world in (one, other):
        world.check_equal()
        world.store.close()
    assert all(order.total("picked") == 3 for order in one.central.orders.values())


def test_terminals_and_daemon_at_once(tmp_path: Path):
    """Four threads over three pairs of connections, on a bad line: all equal in the end."""
    one, other, daemon = opened(tmp_path, 3)
    daemon.faulty.faults = Faults(drop=0.1, lose_answer=0.2, duplicate=0.2, short_page=0.5)
    done = together(
        worker(one, 1, 40), worker(one, 2, 40), worker(other, 3, 40), speaker(daemon, 60)
    )
    daemon.quiet()
    assert one.store.journal.head().seq == sum(done)
    assert sum(done) > 40
    for world in (one, other, daemon):
        world.check_equal()
        world.store.close()


def test_a_terminal_works_while_a_catalogue_is_replaced(tmp_path: Path):
    """The daemon in the same process installs snapshots; the associate does not wait for ever."""
    one, other = opened(tmp_path, 2)

    def reinstall() -> int:
        for _ in range(6):
            one.store.writer.reset("catalogue", "a test")
            one.round()
        return 0

    done = together(reinstall, worker(one, 1, 40), worker(other, 2, 40))
    one.quiet()
    assert one.store.journal.head().seq == sum(done)
    for world in (one, other):
        assert len(world.store.products("lamp")) == 3
        world.check_equal()
        world.store.close()


def test_files_are_created_once_by_whoever_comes_first(tmp_path: Path):
    """Many processes open an empty folder at once: one makes the tables."""
    first = World(tmp_path)
    first.quiet()

    def come() -> int:
        world = World(tmp_path, central=first.central)
        count = len(world.store.products("lamp"))
        world.store.close()
        return count

    assert together(*[come] * 6) == [3] * 6
    first.store.close()
