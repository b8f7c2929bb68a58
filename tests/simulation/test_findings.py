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


SOLD_BY_OLD_ROWS = Plan(
    seed=11760443,
    stores=2,
    shared=True,
    evidence=True,
    events=(
        Event("sale", 1, 191003503231186, 88_037),
        Event("replica_rolls_back", 0, 13543218134829, 56_510),
        Event("sync_round", 0, 131703856715649, 58_452),
        Event("place_to_pay", 1, 199726912503112, 72_818),
        Event("place_to_pay", 0, 171541717587253, 83_982),
        Event("cancel", 1, 212767680849141, 72_080),
        Event("the_end_of_rights_is_set_aside", 0, 41594730683775, 22_094),
        Event("ship", 0, 49599236594608, 37_600),
        Event("replica_rolls_back", 0, 249167693043995, 64_979),
        Event("sale", 0, 244732519128271, 22_022),
    ),
)
"""A parcel is packed; then an old replica.db, without its order, is put back by hand, and its unit
is sold once more before any row comes."""


@pytest.fixture(autouse=True, scope="module")
def _calm_storage():
    calm_storage()


def story_of(plan: Plan) -> str:
    """Return what happens in a world in which every oracle holds."""
    result = Run(plan).go()
    assert result.ok, failure(plan, result, runs_max=0)
    return "\n".join(result.story)


def test_what_was_called_off_is_sold_by_right_though_central_forgot_it():
    """Central moves the order that it has again, and says so: the till is not to blame."""
    story = story_of(ENDED_AND_FORGOTTEN)
    assert "cancelled 40ED" in story
    assert "it sells all that is its own" in story


def test_who_is_shut_out_gets_no_rows_and_knows_no_better():
    """What it takes for its own is no right that central spends: nothing it says counts."""
    assert "is shut out" in story_of(SHUT_OUT_AND_OLD)


def test_a_held_sale_takes_units_that_a_machine_after_it_has_sold():
    """Nobody told the new machine of it: central holds it back until a person decides."""
    assert "held operations were approved" in story_of(HELD_BEFORE_IT_CAME)


def test_a_journal_that_lost_nothing_hears_what_was_approved_since_its_copy():
    """It asks what became of what it holds when it says hello."""
    assert "0 operations are lost" in story_of(HELD_IN_THE_COPY)


def test_what_follows_a_pick_that_was_set_aside_is_passed_over_by_both_sides():
    """The store folds what is held and not refused; so does the account of it."""
    assert "set aside, 1 settled" in story_of(PICK_SET_ASIDE)


def test_who_sells_by_an_old_replica_knows_no_floor():
    """The unit that is packed is sold once more: the hand that put the file back is to blame."""
    assert "an older replica.db" in story_of(SOLD_BY_OLD_ROWS)
