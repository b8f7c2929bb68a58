"""Short stories that seeds have told, each once misjudged: they hold now."""

import pytest

from tests.simulation.batch import calm_storage, failure
from tests.simulation.plan import Plan
from tests.simulation.registry import Event
from tests.simulation.run import Run

ENDED_AND_FORGOTTEN = Plan(
    seed=11214060,
    stores=2,
    shared=True,
    events=(
        Event("sync_round", 0, 199973178547160, 26_525),
        Event("place_many", 0, 166081223076714, 15_074),
        Event("sync_round", 0, 277363726246800, 51_374),
        Event("central_backed_up", 1, 92848231412907, 54_694),
        Event("cancel", 0, 268909771893270, 61_103),
        Event("a_row_is_damaged", 0, 268663122208432, 89_510),
        Event("central_restored", 0, 225951987839896, 60_419),
        Event("a_lease_is_used_to_its_end", 0, 139687468702045, 53_296),
        Event("everything_is_sold", 0, 66759806715765, 49_344),
    ),
)
"""A store hears that an order is cancelled; central is put back to before that; cut off, the store
takes back what it gave and sells all of it, before it hears that the order is open again."""

SHUT_OUT_AND_OLD = Plan(
    seed=11301170,
    stores=4,
    shared=True,
    evidence=True,
    events=(
        Event("a_disk_is_put_back_unheard", 2, 162753339457578, 43_453),
        Event("device_revoked", 2, 278434881708300, 87_557),
        Event("anything_legal", 0, 37305306998928, 20_503_689),
        Event("a_machine_is_shut_out_unheard", 2, 34036407094343, 19_327),
    ),
)
"""A whole disk is put back to before orders that the store has confirmed, and no rows come before
its machine is shut out: it never hears of them again, and what it hands in waits for a person."""

HELD_BEFORE_IT_CAME = Plan(
    seed=11512888,
    stores=2,
    shared=True,
    evidence=True,
    events=(
        Event("sale", 1, 39930668355833, 80_795),
        Event("half_of_a_push_is_taken", 0, 5006635235665, 51_672),
        Event("a_new_machine", 0, 188721286438953, 27_405),
        Event("a_row_is_damaged", 0, 210683514859203, 18_570_585),
    ),
)
"""A sale is held for a damaged row, its machine is replaced, and the new one, which cannot know of
the sale, sells those units; then the sale is approved."""

HELD_IN_THE_COPY = Plan(
    seed=11727426,
    stores=2,
    shared=True,
    evidence=True,
    events=(
        Event("the_end_of_rights_is_held_back", 1, 45182477931365, 16_064),
        Event("store_backed_up", 1, 273358443628510, 36_571),
        Event("quiet", 0, 28014674028788, 69_877),
        Event("store_restored", 1, 257897812467818, 80_528),
    ),
)
"""A journal is put back by hand to before what it had handed in was approved; nothing is lost, so
it follows on central's, and the rows of those verdicts are behind its cursor."""

PICK_SET_ASIDE = Plan(
    seed=11741237,
    stores=2,
    shared=True,
    evidence=True,
    events=(
        Event("a_machine_is_shut_out_unheard", 0, 71430500074759, 26_778),
        Event("at_the_counter", 0, 115002957841594, 38_066),
        Event("follow_up", 0, 242638580401747, 38_447),
        Event("at_the_counter", 0, 26896274507042, 75_339),
        Event("sync_round", 0, 269945178609830, 34_245),
        Event("sell_reservations", 0, 137171748656339, 80_736),
        Event("enrolled_anew", 0, 169768566131593, 2_511),
        Event("sync_round", 0, 50617378522471, 45_217),
        Event("held_work_is_set_aside", 1, 13640418380963, 51_301),
    ),
)
"""Work of a machine that was shut out waits for a person, the later steps under its new name too;
the person sets the pick aside, so what was sold cannot follow on anything."""


@pytest.fixture(autouse=True, scope="module")
def _calm_storage():
    calm_storage()


def test_what_was_called_off_is_sold_by_right_though_central_forgot_it():
    """Central moves the order that it has again, and says so: the till is not to blame."""
    result = Run(ENDED_AND_FORGOTTEN).go()
    assert result.ok, failure(ENDED_AND_FORGOTTEN, result, runs_max=0)
    assert any("cancelled 40ED" in line for line in result.story)
    assert any("it sells all that is its own" in line for line in result.story)


def test_who_is_shut_out_gets_no_rows_and_knows_no_better():
    """What it takes for its own is no right that central spends: nothing it says counts."""
    result = Run(SHUT_OUT_AND_OLD).go()
    assert result.ok, failure(SHUT_OUT_AND_OLD, result, runs_max=0)
    assert any("is shut out" in line for line in result.story)


def test_a_held_sale_takes_units_that_a_machine_after_it_has_sold():
    """Nobody told the new machine of it: central holds it back until a person decides."""
    result = Run(HELD_BEFORE_IT_CAME).go()
    assert result.ok, failure(HELD_BEFORE_IT_CAME, result, runs_max=0)
    assert any("held operations were approved" in line for line in result.story)


def test_a_journal_that_lost_nothing_hears_what_was_approved_since_its_copy():
    """It asks what became of what it holds when it says hello."""
    result = Run(HELD_IN_THE_COPY).go()
    assert result.ok, failure(HELD_IN_THE_COPY, result, runs_max=0)
    assert any("0 operations are lost" in line for line in result.story)


def test_what_follows_a_pick_that_was_set_aside_is_passed_over_by_both_sides():
    """The store folds what is held and not refused; so does the account of it."""
    result = Run(PICK_SET_ASIDE).go()
    assert result.ok, failure(PICK_SET_ASIDE, result, runs_max=0)
    assert any("set aside, 1 settled" in line for line in result.story)
