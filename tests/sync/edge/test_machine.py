"""A store and central, with faults, cuts, crashes and lost files: in the end both are equal."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from sync.domain.errors import OperationRefused
from sync.domain.flows import pickup
from sync.domain.operations import Operation
from sync.transport.faulty import Faults
from tests.support.builders import an_order
from tests.support.scratch import scratch_folder
from tests.sync.domain import samples
from tests.sync.edge.worlds import World

rates = st.sampled_from([0.0, 0.3, 0.7])


class StoreAndCentral(RuleBasedStateMachine):
    """Work at the store, decisions at central, and everything that can go wrong between."""

    @initialize()
    def begin(self):
        self.folder = Path(tempfile.mkdtemp(dir=scratch_folder()))
        self.world = World(self.folder)
        self.placed = 0
        self.done = 0
        self.world.quiet()

    def teardown(self):
        if hasattr(self, "world"):
            self.world.quiet()
            self.world.check_equal()
            assert self.world.store.journal.head().seq == self.done
            self.world.store.close()
            shutil.rmtree(self.folder)

    @rule(quantities=st.lists(st.integers(1, 2), min_size=1, max_size=2))
    def central_places(self, quantities: list[int]):
        if self.placed < 4:
            self.placed += 1
            self.world.central.place(an_order(self.placed, *quantities))

    @precondition(lambda self: self.placed)
    @rule(data=st.data())
    def central_cancels(self, data: st.DataObject):
        key = data.draw(st.sampled_from(sorted(self.world.central.orders)))
        self.world.central.cancel(key)

    def _possible(self) -> list[Operation]:
        orders = (self.world.store.fulfillment(key) for key in sorted(self.world.central.orders))
        return [
            operation
            for order in orders
            if order is not None
            for operation in samples.possible(pickup.FLOW, order)
        ]

    @precondition(lambda self: self.placed)
    @rule(data=st.data())
    def an_associate_works(self, data: st.DataObject):
        for _ in range(data.draw(st.integers(1, 3))):
            possible = self._possible()
            if not possible:
                return
            self.world.perform(data.draw(st.sampled_from(possible)))
            self.done += 1

    @precondition(lambda self: self.placed)
    @rule(data=st.data())
    def an_associate_tries_what_is_not_possible(self, data: st.DataObject):
        order = an_order(data.draw(st.integers(1, 5)), 2, 2)
        operation = data.draw(st.sampled_from(list(samples.operations_on(order))))
        before = self.world.store.journal.head()
        try:
            self.world.perform(operation)
        except OperationRefused:
            assert self.world.store.journal.head() == before
        else:
            self.done += 1

    @rule(drop=rates, lose=rates, double=rates, late=rates, short=rates, cut_off=rates)
    def the_line_gets_bad(self, drop, lose, double, late, short, cut_off):
        self.world.faulty.faults = Faults(
            drop=drop / 2, lose_answer=lose, duplicate=double, late_push=late,
            short_page=short, truncate_page=cut_off / 2, corrupt_part=drop,
        )  # fmt: skip

    @rule(count=st.integers(1, 3))
    def the_daemon_speaks(self, count: int):
        for _ in range(count):
            self.world.round()

    @rule()
    def the_line_is_cut(self):
        self.world.faulty.cut()

    @rule()
    def the_line_is_back(self):
        self.world.faulty.restore()

    @rule(forget=st.booleans())
    def the_machine_restarts(self, forget: bool):
        """With `forget`, also replica.db is gone: what was shown is unknown until the next pull."""
        if forget:
            self.world.quiet()
        self.world.reopen(forget=forget)
        if forget:
            self.world.quiet()

    @rule()
    def central_restarts_its_feed(self):
        """Another life: every cursor expires."""
        self.world.central.feed.life += 1

    @invariant()
    def every_operation_is_in_the_journal(self):
        if hasattr(self, "world"):
            assert self.world.store.journal.head().seq == self.done


def test_a_store_and_central_end_up_equal():
    """No operation is lost, none counts twice, and after quiet both sides are equal."""
    run_state_machine_as_test(
        StoreAndCentral, settings=settings(max_examples=12, stateful_step_count=20, deadline=None)
    )
