"""What the board says to do next, and in which order."""

from dataclasses import replace

import pytest

from store_client.flows import ALL_FLOWS_UI
from store_client.flows.pickup import board
from store_client.services.board import Group
from sync.domain.flows import ALL_FLOWS
from sync.domain.fulfillment import FulfillmentStatus
from tests.support.fake_boards import Row
from tests.support.fake_store import MINUTE_MS, STORE

S = FulfillmentStatus
NOW = 1_764_603_120_000


def row(number: int = 1, status: S = S.NEW, **more) -> Row:
    base = Row(
        str(number), f"N{number}", "Rosa", status, NOW + 60 * MINUTE_MS, None, "", 3, 3, 0
    )  # fmt: skip
    return replace(base, **more)


def ready(number: int, until_ms: int) -> Row:
    return row(
        number, S.READY_FOR_PICKUP, units_to_pick=0, staging_spot="A1", expires_at_ms=until_ms
    )


@pytest.mark.parametrize(
    ("given", "words", "group"),
    [
        (row(), "★ New: pick 3", Group.TO_DO),
        (row(status=S.PICKING, units_to_pick=2), "◐ Pick 2", Group.TO_DO),
        (row(status=S.PICKED, units_to_pick=0), "▣ Put on the hold shelf", Group.TO_SHELF),
        (row(status=S.STAGED, units_to_pick=0), "✓ Mark ready", Group.TO_SHELF),
        (row(status=S.PARTIALLY_PICKED_UP, units_to_pick=0, expires_at_ms=NOW + MINUTE_MS),
         "▣ Put on the hold shelf", Group.TO_SHELF),
        (ready(1, NOW + 300 * MINUTE_MS), "✓ Waiting for customer until 15:32", Group.WAITING),
        (ready(1, NOW + 5000 * MINUTE_MS), "✓ Waiting for customer until Thu 21:52", Group.WAITING),
        (ready(1, NOW - MINUTE_MS), "◷ No-show: put back 3", Group.PUT_BACK),
        (row(status=S.PICKING, units_to_pick=0), "◑ Sort: it lies among others", Group.TO_DO),
        (row(status=S.CANCELLED, units_open=0, units_to_pick=0, units_to_put_back=2),
         "↶ Put back 2", Group.PUT_BACK),
        (row(status=S.PICKED_UP, units_open=0, units_to_pick=0), "■ Picked up", Group.CLOSED),
    ],
)  # fmt: skip
def test_each_status_has_one_next_step(given, words, group):
    """The board says what to do, not what the status is called."""
    entry = board.describe(given, STORE, NOW)
    assert (str(entry.step), entry.group) == (words, group)


def test_every_status_can_be_described():
    """No status of the flow leaves the board without words."""
    for status in S:
        assert board.describe(row(status=status, units_to_pick=0), STORE, NOW).step.words


def test_goods_without_an_owner_come_first_then_the_earliest_promise():
    """Put back, late, soon, later, not collected, waiting."""
    rows = [
        ready(6, NOW + 9 * MINUTE_MS),
        row(4, promised_by_ms=NOW + 500 * MINUTE_MS),
        row(3, status=S.STAGED, units_to_pick=0, promised_by_ms=NOW + 5 * MINUTE_MS),
        ready(5, NOW - MINUTE_MS),
        row(2, promised_by_ms=NOW - 5 * MINUTE_MS),
        row(1, status=S.CANCELLED, units_open=0, units_to_pick=0, units_to_put_back=1),
    ]
    entries = sorted((board.describe(each, STORE, NOW) for each in rows), key=lambda e: e.rank)
    assert [entry.id for entry in entries] == ["1", "2", "3", "4", "5", "6"]


def test_late_work_says_so_without_color():
    """An exclamation mark and words, not red alone."""
    entry = board.describe(row(promised_by_ms=NOW - 12 * MINUTE_MS), STORE, NOW)
    assert (entry.late, str(entry.due)) == (True, "! late 12 min")


def test_the_list_of_flows_is_the_domains():
    """Each flow that the rules know has its folder here, and has it once."""
    names = [flow.name for flow in ALL_FLOWS_UI]
    assert sorted(names) == sorted({flow.name for flow in ALL_FLOWS})
