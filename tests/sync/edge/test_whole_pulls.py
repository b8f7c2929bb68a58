"""A store sees the rows of its own scope as they were at one moment, however they come."""

import pytest

from sync.domain.fulfillment import ShortReason
from sync.domain.operations import FulfillmentRejected
from sync.edge.whole_pulls import WholePulls
from sync.protocol import errors
from sync.protocol.endpoint import PullPage
from tests.support.builders import an_order, daemon_of
from tests.sync.edge.worlds import SCOPE, World


class SmallPages:
    """An endpoint with one row a page, which is cut after some; or whose last page lacks a row."""

    def __init__(self, world: World, cut_after: int = 10**6, *, truncates: bool = False) -> None:
        self._inner = world.central
        self._truncates = truncates
        self.cut_after = cut_after
        self.asked: list[int] = []
        """The revs behind which the store's own scope was asked for."""

    def __getattr__(self, name: str):
        return getattr(self._inner, name)

    def pull(self, scope: str, incarnation: int, after: int, limit: int) -> PullPage:
        if scope != SCOPE:
            return self._inner.pull(scope, incarnation, after, limit)
        if len(self.asked) >= self.cut_after:
            raise errors.Unreachable("cut")
        self.asked.append(after)
        if self._truncates:
            page = self._inner.pull(scope, incarnation, after, limit)
            return PullPage(page.header, page.lines[:1])
        return self._inner.pull(scope, incarnation, after, 1)


@pytest.fixture
def world(world: World) -> World:
    """The store has everything; then an order comes, whose units are tied by a row of its own."""
    world.quiet()
    world.central.place(an_order())
    return world


def seen(world: World) -> tuple[bool, int]:
    """Return whether the store sees the order, and how many units of its stock are tied."""
    (tied,) = world.store._database.one("SELECT sum(allocated) FROM stock")
    return world.store.fulfillment("F00001") is not None, tied


def speak_through(world: World, endpoint: SmallPages) -> None:
    world.daemon = daemon_of(world.store, endpoint, world.clock)


def test_an_order_and_its_stock_come_together(world: World):
    """Cut between them, neither is here; the next round goes on with the page that was lost."""
    small = SmallPages(world, cut_after=1)
    speak_through(world, small)
    assert not world.round().ok
    assert seen(world) == (False, 0)
    small.cut_after = 10**6
    assert world.round().ok
    is_there, tied = seen(world)
    assert is_there
    assert tied > 0
    assert len(small.asked) == len(set(small.asked)) > 1
    world.check_equal()


def test_what_changes_between_two_pages_counts_as_it_is_in_the_later(world: World):
    """A row that is in both is one row, also for the checksum."""
    small = SmallPages(world, cut_after=1)
    speak_through(world, small)
    world.round()
    world.central.place(an_order(2))
    small.cut_after = 10**6
    report = world.round()
    assert (report.ok, report.resets) == (True, 0)
    world.check_equal()


def test_a_part_of_a_page_ties_nothing_and_shows_nothing(world: World):
    """Seed 8005725: the order was here, its stock was not, and rejecting it freed units twice."""
    short = SmallPages(world, cut_after=1, truncates=True)
    speak_through(world, short)
    assert not world.round().ok
    assert seen(world) == (False, 0)
    world.daemon = daemon_of(world.store, world.faulty, world.clock)
    world.quiet()
    world.perform(FulfillmentRejected("F00001", ShortReason.STORE_BUSY))
    world.quiet()
    world.check_equal()


def test_a_page_that_says_more_and_gives_nothing_ends_the_pull(world: World):
    """Central counts on, and the store does not ask for ever."""

    class Empty(SmallPages):
        def pull(self, scope: str, incarnation: int, after: int, limit: int) -> PullPage:
            page = super().pull(scope, incarnation, after, limit)
            header = page.header.model_copy(update={"to": after, "more": True, "count": 0})
            return PullPage(header, ())

    cursor = world.store.writer.cursor(SCOPE)
    empty = Empty(world)
    page = WholePulls().fetch(empty, cursor, 5_000)
    assert (page.lines, empty.asked) == ((), [cursor.rev])
