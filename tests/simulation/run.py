"""Runs a plan: event by event, oracles after each, everything checked after quiet."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from random import Random

from store_client.replica.digest import digest_of
from sync.domain.reserve_operations import CENTRALS_OWN
from tests.simulation import events, oracles
from tests.simulation.clocks import DAY_MS
from tests.simulation.events.quarantine import approve_all
from tests.simulation.plan import Plan
from tests.simulation.registry import Event, EventKind, Oracle, Violation, When
from tests.simulation.settling import settle
from tests.simulation.world import AS_BUILT, Fittings, World

SURPRISE = "no surprise"
QUIET = "quiet"


@dataclass
class Result:
    """How a run went."""

    seed: int
    trace: str = ""
    """A hash over everything that happened: two runs of one plan have the same."""
    oracle: str = ""
    """The one that did not hold; empty where all did."""
    problems: list[str] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    figures: Counter[str] = field(default_factory=Counter)

    @property
    def ok(self) -> bool:
        """Whether every oracle held."""
        return not self.oracle


class Run:
    """One run of one plan."""

    def __init__(
        self,
        plan: Plan,
        fittings: Fittings = AS_BUILT,
        kinds: Sequence[EventKind] = events.ALL,
        checks: Sequence[Oracle] = oracles.ALL,
    ) -> None:
        self._plan = plan
        self._kinds = {kind.name: kind for kind in kinds}
        self._checks = {when: [one for one in checks if one.when is when] for when in When}
        self._fittings = fittings
        self._trace = blake2b(digest_size=16)
        self.result = Result(plan.seed)

    def go(self) -> Result:
        """Run everything; what goes wrong is in the result, never raised."""
        plan = self._plan
        world = World(
            plan.stores, shared=plan.shared, evidence=plan.evidence, fittings=self._fittings
        )
        world.look = lambda: self._check(world, When.STEP)
        try:
            for number, event in enumerate(self._plan.events, 1):
                self._step(world, number, event)
            self._quiet(world)
        except Violation as violation:
            self.result.oracle, self.result.problems = violation.oracle, violation.problems
        except Exception as problem:  # noqa: BLE001 - whatever it is, it is a finding
            self.result.oracle = f"{SURPRISE}: {type(problem).__name__}"
            self.result.problems = [_where(problem)]
        finally:
            self._count(world)
            try:
                world.close()
            except Exception as problem:  # noqa: BLE001 - the finding before it matters more
                if self.result.ok:
                    self.result.oracle = SURPRISE
                    self.result.problems = [f"closing: {problem!r}"]
        self.result.trace = self._trace.hexdigest()
        return self.result

    def _step(self, world: World, number: int, event: Event) -> None:
        world.let_pass(event.after_ms)
        world.seed(event.dice)
        world.tally.events[event.kind] += 1
        if event.kind == QUIET:
            said = "all is mended and checked"
            self._tell(f"{number:4} {'':5}{event.kind}: {said}")
            self._quiet(world)
            return
        kind = self._kinds[event.kind]
        who = "" if kind.at_central else world.stores[event.store].location_id
        if kind.is_fault:
            world.tally.faults[event.kind] += 1
        said = kind.act(world, event.store, Random(event.dice))
        self._tell(f"{number:4} {who:4} {event.kind}: {said}")
        self._check(world, When.STEP)

    def _quiet(self, world: World) -> None:
        """See that all agree, first with what central holds back, then with that approved."""
        self._settle(world)
        if settled := approve_all(world):
            self._tell(f"{settled} held operations were approved")
            self._settle(world)
        for store in world.stores:
            self._tell(f"     {store.location_id} agrees: {_short(digest_of(store.store))}")

    def _settle(self, world: World) -> None:
        settle(world)
        self._check(world, When.STEP)
        self._check(world, When.QUIET)

    def _check(self, world: World, when: When) -> None:
        for oracle in self._checks[when]:
            problems = list(oracle.check(world))
            if problems:
                raise Violation(oracle.name, problems)

    def _tell(self, line: str) -> None:
        self.result.story.append(line)
        self._trace.update(line.encode())

    def _count(self, world: World) -> None:
        figures = self.result.figures
        for store in world.stores:
            for line in store.history.order:
                self._trace.update(line)
            figures["operations"] += store.history.counts.total()
            figures["rounds"] += store.rounds
            figures["store crashes"] += store.fuse.crashes
            figures["power cuts in mid-flush"] += store.fuse.power_cuts
            figures["store commits refused by a full disk"] += store.fuse.refused
            for name, count in store.endpoint.counts.items():
                figures[f"network: {name}"] += count
        figures["central crashes"] += world.central.fuse.crashes
        figures["central commits refused by a full disk"] += world.central.fuse.refused
        figures["orders"] += len(world.placed)
        figures["refused to associates"] += world.tally.refusals
        figures["events"] += sum(world.tally.events.values())
        figures["store-days"] = round(len(world.stores) * world.time.now_ms / DAY_MS)
        for name, count in world.tally.kinds.items():
            figures[f"kind: {name}"] += count
        for decisions in world.central.decided.values():
            for decision in decisions:
                kind = "" if decision.operation is None else decision.operation.kind
                if isinstance(decision.operation, CENTRALS_OWN):
                    figures[f"kind: {kind}"] += 1
        for name, count in world.tally.faults.items():
            figures[f"fault: {name}"] += count


def _short(digest: object) -> str:
    text = json.dumps(digest.model_dump(mode="json"), sort_keys=True)  # type: ignore[attr-defined]
    return blake2b(text.encode(), digest_size=6).hexdigest()


def _where(problem: BaseException) -> str:
    """Return an unexpected error with the place where it was raised."""
    place = problem.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    at = "" if place is None else f" at {place.tb_frame.f_code.co_filename}:{place.tb_lineno}"
    return f"{type(problem).__name__}: {problem}{at}"
