"""`python -m tests.simulation.mutants`: take one rule of escrow away, and see that it is missed.

Each mutant is the product with one rule less. The simulation, narrowed to what
escrow is about, has to see it within `--seeds` seeds; the table says how many it took.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from central_server.services import sync_service
from central_server.services.replication import Replication
from central_server.storage import stock
from central_server.storage.leases import Leases
from central_server.storage.meta import Meta
from store_client.replica.shares import Shares
from sync.domain import escrow
from sync.domain.escrow import EscrowPolicy, Rights, Share
from sync.edge.escrow import ShareKeeper
from tests.simulation import events
from tests.simulation.batch import calm_collector
from tests.simulation.plan import plan_of
from tests.simulation.registry import EventKind
from tests.simulation.run import Result, Run

ESCROW_EVENTS = frozenset(
    {
        "place", "cancel", "sale", "promises_lapse", "sync_round", "by_the_book", "time_passes",
        "cut", "mend", "line_gets_bad", "line_gets_good", "answers_are_lost", "late_arrives",
        "clock_drifts", "store_clock_is_set", "store_reboots", "store_restarts", "stock_arrives",
        "central_clock_is_set",
        "a_term_passes", "a_lease_is_used_to_its_end", "store_is_alone_for_long",
        "a_round_is_cut_short", "a_new_name_is_cut_short", "pushes_shrink",
    }
)  # fmt: skip


RESTORES = frozenset({"central_restored", "device_revoked", "enrolled_anew"})


@dataclass(frozen=True)
class Mutant:
    """A rule that is missing: where it stands, and what stands there instead."""

    name: str
    owner: Any
    attribute: str
    instead: Callable[[Any], Any]
    """What was there -> what is there now."""
    beside: frozenset[str] = frozenset()
    """Events without which the rule is never needed."""


def _reclaims_after_the_lease_alone(_: Any) -> Any:
    return property(lambda policy: policy.lease_ms)


def _counts_by_the_wall(_: Any) -> Any:
    def is_overdue(keeper: ShareKeeper, policy: EscrowPolicy) -> bool:
        token = keeper.book.token()
        return keeper.clock.now_ms() - token.token_ms >= policy.reclaim_after_ms

    return is_overdue


def _begins_at_the_greeting(_: Any) -> Any:
    def expect(keeper: ShareKeeper, generation: int) -> None:
        with keeper.journal.writing():
            keeper.journal.rights.open_generation(generation)

    return expect


def _takes_every_generation_for_the_present(_: Any) -> Any:
    return lambda rights, generation: replace(rights, generation=generation)


MUTANTS = (
    Mutant("central promises without a lease", stock, "_position",
           lambda known: lambda row, _: known(row, -(10**15))),
    Mutant("a lease counts from the push's arrival", sync_service, "extend_lease",
           lambda known: lambda unit, place, token, now: known(unit, place, token and now, now)),
    Mutant("confirmation time is not waited for", EscrowPolicy, "reclaim_after_ms",
           _reclaims_after_the_lease_alone),
    Mutant("taking back goes by the wall clock", ShareKeeper, "_is_overdue", _counts_by_the_wall),
    Mutant("nothing ever lapses", Replication, "lapse", lambda _: lambda applier: 0),
    Mutant("a token travels with a backlog", ShareKeeper, "token_to_send",
           lambda _: lambda keeper, *, is_last_push: keeper.book.token().token_ms),
    Mutant("old generations count", Rights, "within", _takes_every_generation_for_the_present),
    Mutant("a generation begins at the greeting", ShareKeeper, "_expect", _begins_at_the_greeting),
    Mutant("a grant does not lower the floor", Share, "floor",
           lambda _: property(lambda share: share.on_hand - share.allocated)),
    Mutant("all clocks are taken to run alike", escrow, "MILLION", lambda _: 10**15),
    Mutant("a reboot does not begin the count anew", ShareKeeper, "_note_boot",
           lambda _: lambda keeper: None),
    Mutant("central's clock may be set back", Meta, "clock_ms", lambda _: lambda meta: 0),
    Mutant("an unconfirmed promise is kept for ever", ShareKeeper, "_give_up_unconfirmed",
           lambda _: lambda keeper: None),
    Mutant("sales count only once central has them", Shares, "_sold",
           lambda _: lambda shares, sku, mark: 0),
    Mutant("a promised right can be promised again", Rights, "online",
           lambda _: property(lambda rights: max(0, rights.granted - rights.returned))),
    Mutant("central gives back what it has promised", Rights, "with_return",
           lambda _: lambda rights, units: replace(rights, returned=rights.returned + units)),
    Mutant("a lease outlives central's restore", Leases, "end_all",
           lambda _: lambda leases, now_ms: None, RESTORES),
)  # fmt: skip


@contextmanager
def planted(mutant: Mutant) -> Iterator[None]:
    """Take the rule away for the time of the block."""
    known = vars(mutant.owner)[mutant.attribute]
    setattr(mutant.owner, mutant.attribute, mutant.instead(known))
    try:
        yield
    finally:
        setattr(mutant.owner, mutant.attribute, known)


def kinds(beside: frozenset[str] = frozenset()) -> tuple[EventKind, ...]:
    """Return the events that escrow is about, and those `beside` them."""
    return tuple(one for one in events.ALL if one.name in ESCROW_EVENTS | beside)


def run_escrow(seed: int, beside: frozenset[str] = frozenset()) -> Result:
    """Run one seed of a world that shares by escrow, with the events that matter for it."""
    plan = plan_of(seed, kinds(beside))
    return Run(replace(plan, shared=True)).go()


def hunt(mutant: Mutant, seeds: int) -> tuple[int, str]:
    """Return how many seeds it took to miss the rule, and by which oracle; 0 if it was not."""
    with planted(mutant):
        for number in range(1, seeds + 1):
            result = run_escrow(number, mutant.beside)
            if not result.ok:
                return number, result.oracle
    return 0, ""


def main(arguments: list[str] | None = None) -> int:
    """Hunt every mutant; 1 where one was not found."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutants", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5_000, help="at most, for each mutant")
    parser.add_argument("--only", default="", help="those whose name has this")
    options = parser.parse_args(arguments)
    calm_collector()
    missed = []
    for mutant in (one for one in MUTANTS if options.only in one.name):
        began = time.monotonic()
        found, oracle = hunt(mutant, options.seeds)
        missed += [] if found else [mutant.name]
        words = f"seed {found:5}  {oracle}" if found else f"NOT FOUND in {options.seeds} seeds"
        print(f"{mutant.name:42}{words}  ({time.monotonic() - began:.0f} s)", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
