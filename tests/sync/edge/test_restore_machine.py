"""Restores of store and central at any moment, over a bad line: nothing is lost or counts twice."""

import copy
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from sync.domain.flows import pickup
from sync.transport.faulty import Faults
from tests.support.builders import an_order
from tests.support.memory_central import MemoryCentral
from tests.support.scratch import scratch_folder
from tests.sync.domain import samples
from tests.sync.edge.restores import (
    a_shop,
    lines_at_central,
    lines_here,
    put_back,
    rewound,
    save,
    wait,
)

ORDERS = 3
rates = st.sampled_from([0.0, 0.3])


class Restores(RuleBasedStateMachine):
    """One store and central, their backups, and work."""

    @initialize()
    def begin(self):
        self.folder = Path(tempfile.mkdtemp(dir=scratch_folder()))
        self.world = a_shop(self.folder / "store", ORDERS)
        self.backups: list[tuple[Path, bool]] = []
        self.saved: MemoryCentral | None = None
        self.done: set[bytes] = set()
        self.may_be_lost: set[bytes] = set()

    def teardown(self):
        if not hasattr(self, "world"):
            return
        world = self.world
        world.faulty.faults = Faults()
        world.faulty.restore()
        world.faulty.deliver_late()
        world.round()
        wait(world, 200)
        world.quiet()
        there = lines_at_central(world)
        assert len(set(there)) == len(there), "an operation counts twice"
        assert self.done - set(there) <= self.may_be_lost, "an operation is lost"
        assert set(lines_here(world)) == set(there)
        head, state = world.store.journal.head(), world.central.journal.replicas["R1"]
        assert (head.seq, head.hash) == (state.last_seq, state.last_hash)
        assert world.store.journal.backlog() == 0
        rows = {row[0]: row[1:] for row in world.store.stock_rows()}
        assert rows == {s: (one.on_hand, one.allocated) for s, one in world.central.stock.items()}
        world.store.close()
        shutil.rmtree(self.folder)

    @rule(data=st.data())
    def an_associate_works(self, data: st.DataObject):
        for _ in range(data.draw(st.integers(1, 3))):
            order = self.world.store.fulfillment(an_order(data.draw(st.integers(1, ORDERS))).id)
            possible = [] if order is None else list(samples.possible(pickup.FLOW, order))
            if possible:
                self.world.clock.advance(7)
                self.world.perform(data.draw(st.sampled_from(possible)))
                self.done.add(lines_here(self.world)[-1])

    @rule(count=st.integers(1, 2))
    def the_daemon_speaks(self, count: int):
        for _ in range(count):
            self.world.round()

    @rule(seconds=st.sampled_from([5, 100]))
    def time_passes(self, seconds: int):
        wait(self.world, seconds)

    @rule(lose=rates, double=rates, late=rates, drop=rates)
    def the_line_gets_bad(self, lose: float, double: float, late: float, drop: float):
        self.world.faulty.faults = Faults(
            lose_answer=lose, duplicate=double, late_push=late, drop=drop
        )

    @rule(whole=st.booleans())
    def the_store_is_backed_up(self, whole: bool):
        where = self.folder / f"backup-{len(self.backups)}"
        save(self.world, where, whole=whole)
        self.backups.append((where, whole))

    @precondition(lambda self: self.backups)
    @rule(data=st.data())
    def the_store_is_restored(self, data: st.DataObject):
        where, whole = data.draw(st.sampled_from(self.backups))
        before = set(lines_here(self.world))
        put_back(self.world, where, whole=whole)
        self.may_be_lost |= before - set(lines_here(self.world))

    @rule()
    def central_is_backed_up(self):
        self.saved = copy.deepcopy(self.world.central)

    @precondition(lambda self: self.saved is not None)
    @rule()
    def central_is_restored(self):
        assert self.saved is not None
        rewound(self.world.central, self.saved)

    @rule()
    def the_machine_restarts(self):
        self.world.reopen()


def test_restores_at_any_moment_lose_nothing_and_count_nothing_twice():
    """Whatever is restored in whatever order, both sides meet again with each operation once."""
    run_state_machine_as_test(
        Restores, settings=settings(max_examples=20, stateful_step_count=15, deadline=None)
    )
