"""Terms of escrow, used to the last moment: what happens is timed by what the machines know."""

from random import Random

from tests.simulation.clocks import MINUTE_MS
from tests.simulation.events.machines import BOOT_CLOCKS_MS
from tests.simulation.events.orders import place
from tests.simulation.events.sales import sale
from tests.simulation.registry import EventKind
from tests.simulation.settling import enrol_anew
from tests.simulation.store import StoreMachine
from tests.simulation.template import POLICY
from tests.simulation.world import ALONE, World

JUST_BEFORE_MS = 1_000
ROUND_COMMITS = 8
OWN_FILES = "this store's files"
"""Begins what a round says that could not write."""


def a_term_passes(world: World, index: int, dice: Random) -> str:
    """A term of escrow is nearly over, or just over."""
    terms = (POLICY.lease_ms, POLICY.lease_ms + POLICY.confirm_ms // 2, POLICY.reclaim_after_ms)
    passed = dice.choice(terms) + dice.choice((-MINUTE_MS, MINUTE_MS))
    world.let_pass(passed)
    return f"{passed / MINUTE_MS:.0f} min"


def a_lease_is_used_to_its_end(world: World, index: int, dice: Random) -> str:
    """A store is cut off; central promises at the last moment, the store takes back."""
    store = world.stores[index]
    store.endpoint.cut()
    _counts(store)
    with world.central.database.read() as view:
        lease = view.leases.get(store.location_id)
    clock = world.central.clock
    if lease is None or not lease.is_alive(clock.now_ms()):
        return "central has no lease"
    left_ms = lease.until_ms - clock.now_ms() - JUST_BEFORE_MS
    world.let_pass(clock.true_ms(max(0, left_ms)))
    said = place(world, index, dice)
    return f"{said}; {takes_back(world, store)}"


def a_round_is_cut_short(world: World, index: int, dice: Random) -> str:
    """Something is sold; the store's process falls while it shares anew; then somebody orders."""
    store = world.stores[index]
    said = sale(world, index, dice)
    _fall_in_a_round(store, dice)
    world.look()
    return f"{said}; {place(world, index, dice)}"


def a_new_name_is_cut_short(world: World, index: int, dice: Random) -> str:
    """Somebody orders; the machine is enrolled anew and falls before it has heard of the order."""
    store = world.stores[index]
    if store.fuse.is_full:
        return "its disk is full"
    said = f"{place(world, index, dice)}; {enrol_anew(world, store)}"
    world.remember(store)
    _fall_in_a_round(store, dice)
    world.look()
    return said


def store_is_alone_for_long(world: World, index: int, dice: Random) -> str:
    """A store is cut off, perhaps in mid-round: in the end all its units are its own."""
    store = world.stores[index]
    said = ""
    if dice.random() < 0.5:
        said = f"{place(world, index, dice)}; "
        _fall_in_a_round(store, dice)
    store.endpoint.cut()
    if dice.random() < 0.5:
        store.boot(dice.choice(BOOT_CLOCKS_MS))
    return f"{said}{takes_back(world, store)}"


def _counts(store: StoreMachine) -> bool:
    """Let a machine that has booted begin to count, come what may; False: it can not write."""
    for _ in range(ROUND_COMMITS):
        report, _ = store.round()
        if report is not None:
            return OWN_FILES not in report.error
    return False


def _fall_in_a_round(store: StoreMachine, dice: Random) -> None:
    store.fuse.arm(dice.randint(1, ROUND_COMMITS), before=dice.random() < 0.5)
    store.round()
    store.fuse.disarm()


def takes_back(world: World, store: StoreMachine) -> str:
    """Let just so much time pass that a store that is cut off takes back what it gave."""
    if not _counts(store):
        return "its disk is full"
    policy = store.store.shares.policy()
    policy = policy.with_terms(policy.terms.or_longer(store.store.journal.rights.terms()))
    if not policy.enabled:
        return "it does not share"
    token = store.store.shares.token()
    counted = store.clock.monotonic_ms() - token.mono_ms if token.boot_id == store.boot_id else 0
    world.look()
    world.let_pass(store.clock.true_ms(max(0, policy.reclaim_after_ms - counted)) + 1)
    report, problem = store.round()
    world.remember(store)
    if report is None or OWN_FILES in report.error:
        return problem or "its disk is full"
    world.notes[ALONE + store.location_id] = world.time.now_ms
    return "the store takes back what it gave"


KINDS = (
    EventKind("a_term_passes", a_term_passes, 3),
    EventKind("a_lease_is_used_to_its_end", a_lease_is_used_to_its_end, 1),
    EventKind("a_round_is_cut_short", a_round_is_cut_short, 1),
    EventKind("a_new_name_is_cut_short", a_new_name_is_cut_short, 0.3),
    EventKind("store_is_alone_for_long", store_is_alone_for_long, 1),
)
