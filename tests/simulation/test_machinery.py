"""The simulation itself: the same again, seeing what is wrong, telling it briefly."""

import inspect
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.simulation import defects, events, mutants, oracles, rules
from tests.simulation.__main__ import main
from tests.simulation.batch import COMMAND, failure
from tests.simulation.clocks import DAY_MS, HOUR_MS, MachineClock, TrueTime
from tests.simulation.plan import Plan, plan_of
from tests.simulation.registry import Event, EventKind, Oracle, When
from tests.simulation.run import SURPRISE, Run
from tests.simulation.shrink import shrink
from tests.simulation.world import World
from tests.support.builders import NOON_MS

SEEDS_PER_DEFECT = 100
STORY_EVENTS_MAX = 10
TRACES = """
from tests.simulation.plan import plan_of
from tests.simulation.run import Run
for seed in (3, 8):
    print(Run(plan_of(seed)).go().trace)
"""


def test_a_seed_is_a_plan():
    """A seed stands for one list of events, and another one for another list."""
    assert plan_of(5) == plan_of(5)
    assert plan_of(5) != plan_of(6)


@pytest.mark.slow
def test_the_same_seed_twice_is_the_same_to_the_last_byte():
    """All journals, all answers and what was said of each event are in the trace."""
    first, second = Run(plan_of(3)).go(), Run(plan_of(3)).go()
    assert first.trace == second.trace
    assert first.story == second.story
    assert Run(plan_of(4)).go().trace != first.trace


@pytest.mark.slow
@pytest.mark.process
def test_another_process_tells_the_same_story():
    """Neither the order of sets nor what ran before has any part in a run."""
    traces = set()
    for salt in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", TRACES],
            env={**os.environ, "PYTHONHASHSEED": salt}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        traces.add(done.stdout)
    assert len(traces) == 1
    assert Run(plan_of(3)).go().trace in traces.pop()


@pytest.mark.slow
@pytest.mark.parametrize("defect", defects.ALL, ids=lambda defect: defect.name.replace(" ", "_"))
def test_a_planted_defect_is_seen(defect: defects.Defect):
    """Each oracle sees what it is there for, within few seeds."""
    for seed in range(SEEDS_PER_DEFECT):
        result = Run(plan_of(seed), defect.fittings).go()
        if not result.ok:
            break
    else:
        pytest.fail(f"{SEEDS_PER_DEFECT} seeds did not see that {defect.name}")
    assert result.oracle.startswith(defect.oracles), result.problems


@pytest.mark.slow
def test_a_failing_story_is_told_briefly_and_can_be_replayed():
    """What has no part in the failure is left out, and one line shows how to see it again."""
    defect = next(one for one in defects.ALL if one.name == "the last write wins")
    plan = plan_of(6)
    result = Run(plan, defect.fittings).go()
    small, found = shrink(plan, lambda one: Run(one, defect.fittings).go(), runs_max=60)
    assert found.oracle == result.oracle
    assert len(small.events) <= STORY_EVENTS_MAX < len(plan.events)
    text = failure(small, found, fittings=defect.fittings, shorter=False)
    assert f"{COMMAND} --seed 6 --verbose" in text
    assert found.oracle in text
    assert any(line.strip() in text for line in found.story)


def test_the_shrinker_finds_the_two_events_that_matter():
    """Delta debugging on a failure of two events among forty, without any world."""
    from tests.simulation.run import Result

    plan = Plan(1, 2, False, tuple(Event("x", 0, number, 0) for number in range(40)))

    def run(one: Plan) -> Result:
        left = {event.dice for event in one.events}
        oracle = "both" if {7, 31} <= left else ""
        result = Result(1, oracle=oracle)
        result.figures["events"] = len(one.events)
        return result

    small, found = shrink(plan, run)
    assert [event.dice for event in small.events] == [7, 31]
    assert found.oracle == "both"


def test_what_nobody_expected_is_a_finding():
    """An exception in an event or oracle ends the run and names the place."""

    def breaks(*_: object) -> str:
        raise KeyError("gone")

    kinds = (EventKind("breaks", breaks, 1),)
    result = Run(Plan(1, 2, False, (Event("breaks", 0, 1, 1),)), kinds=kinds).go()
    assert result.oracle == f"{SURPRISE}: KeyError"
    assert "test_machinery.py" in result.problems[0]


def test_an_oracle_is_asked_after_each_event_or_after_quiet():
    """A feature's oracle is a value in a tuple; its words are in the result."""
    asked: list[int] = []

    def look(world: World) -> tuple[str, ...]:
        asked.append(world.time.now_ms)
        return ()

    step = Oracle("step", When.STEP, look)
    quiet = Oracle("quiet", When.QUIET, lambda world: ["it is not so"])
    events_ = (Event("cut", 0, 1, 1), Event("mend", 0, 2, 1))
    result = Run(Plan(1, 2, False, events_), checks=(step, quiet)).go()
    assert len(asked) == 3
    assert (result.oracle, result.problems) == ("quiet", ["it is not so"])


def test_names_are_unique():
    """An event is found by its name, and an oracle's name tells which one failed."""
    names = [kind.name for kind in events.ALL]
    assert len(set(names)) == len(names)
    titles = [oracle.name for oracle in oracles.ALL]
    assert len(set(titles)) == len(titles)


def test_a_machines_clock_is_wrong_in_every_way():
    """Rate, jumps and boots: wall and monotonic time go their own ways."""
    time = TrueTime()
    clock = MachineClock(time, rate=1.01)
    time.advance(HOUR_MS)
    assert clock.now_ms() == NOON_MS + round(1.01 * HOUR_MS)
    assert clock.monotonic_ms() == round(1.01 * HOUR_MS)
    clock.set_to(clock.now_ms() - DAY_MS)
    assert clock.now_ms() == NOON_MS + round(1.01 * HOUR_MS) - DAY_MS
    before = clock.now_ms()
    clock.set_rate(0.99)
    assert clock.now_ms() == before
    clock.boot()
    time.advance(1000)
    assert (clock.monotonic_ms(), clock.now_ms()) == (990, before + 990)
    clock.set_to(-5)
    assert clock.now_ms() == 0
    with pytest.raises(AssertionError):
        clock.sleep(1)


@pytest.mark.slow
def test_the_command_line_runs_seeds_and_prints_figures(capsys):
    """`make sim` ends with what was covered and a verdict."""
    assert main(["--seeds", "2", "--first", "20"]) == 0
    printed = capsys.readouterr().out
    assert "2 seeds in" in printed
    assert "ALL ORACLES HELD" in printed
    assert main(["--seed", "20", "--verbose"]) == 0
    assert "all oracles held" in capsys.readouterr().out


def test_a_clock_that_drifts_does_not_jump():
    """Another rate holds from now on, for the wall clock and for the monotonic one."""
    true = TrueTime()
    clock = MachineClock(true)
    true.advance(8 * 86_400_000)
    before = clock.now_ms(), clock.monotonic_ms()
    clock.set_rate(1.01)
    assert (clock.now_ms(), clock.monotonic_ms()) == before
    true.advance(100_000)
    assert clock.monotonic_ms() - before[1] == 101_000


@pytest.mark.slow
@pytest.mark.parametrize(
    "beside", sorted({tuple(sorted(one.beside)) for one in rules.MUTANTS}), ids=", ".join
)
def test_worlds_that_show_a_missing_rule_show_nothing_while_it_is_there(beside: tuple[str, ...]):
    """Some of their events are in no other world: only here is a rule missed that needs them."""
    for seed in range(1, 5):
        result = mutants.run_escrow(seed, frozenset(beside))
        assert result.ok, f"seed {seed}: {result.oracle}"


def is_called_alike(planted: Callable[..., object], before: Callable[..., object]) -> bool:
    """Return whether what calls the one, with all it may pass or the least, may call the other."""
    wanted = inspect.signature(before).parameters.values()
    for some in (wanted, [one for one in wanted if one.default is one.empty]):
        plain = [one.name for one in some if one.kind is one.POSITIONAL_OR_KEYWORD]
        named = {one.name: one.name for one in some if one.kind is one.KEYWORD_ONLY}
        if not any(takes(planted, plain[:count], {**named, **{one: one for one in plain[count:]}})
                   for count in (len(plain), 1)):  # fmt: skip
            return False
    return True


def takes(planted: Callable[..., object], plain: list[str], named: dict[str, str]) -> bool:
    """Return whether it may be called like this."""
    try:
        inspect.signature(planted).bind(*plain, **named)
    except TypeError:
        return False
    return True


@pytest.mark.parametrize("mutant", rules.MUTANTS, ids=lambda one: one.name)
def test_each_rule_that_is_taken_away_exists(mutant: rules.Mutant):
    """A rule that was renamed would leave its mutant without anything to take away."""
    assert mutant.attribute in vars(mutant.owner)
    assert {one.name for one in mutants.EVENTS} >= mutants.ESCROW_EVENTS | mutant.beside
    before = vars(mutant.owner)[mutant.attribute]
    with mutants.planted(mutant):
        planted = vars(mutant.owner)[mutant.attribute]
        assert planted is not before
        if callable(before) and callable(planted):
            assert is_called_alike(planted, before)
    assert vars(mutant.owner)[mutant.attribute] is before


def test_narrow_passes_are_seldom_but_where_mutants_hunts():
    """Everybody's worlds have them; a rule that is missing is met in few of those of `mutants`."""
    narrow = {one.name: one.weight for one in events.NARROW}
    assert {one.name: one.weight for one in mutants.EVENTS if one.name in narrow} == narrow
    everywhere = {one.name: one for one in events.ALL}
    assert all(everywhere[name].weight < weight for name, weight in narrow.items())
    assert all(everywhere[name].is_fault for name in narrow)
