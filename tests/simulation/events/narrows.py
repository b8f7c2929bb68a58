"""Narrow passes of escrow: what hardly ever happens by itself, beside everything else.

A rule that is needed once in thousands of seeds is needed here in one of ten. Seldom in
the simulation itself, often where `mutants` asks for it.
"""

from random import Random

from central_server.services.catalogue_intake import StockItem
from store_client.replica.models import Sale
from store_client.replica.store import Files, Store
from sync.domain.escrow import sacrifice_rank
from sync.domain.inventory import StockReason
from sync.domain.stock_operations import SkuUnits
from sync.edge.escrow import CONFIRMED
from sync.protocol.session import EnrolRequest
from sync.transport.faulty import Faults
from tests.simulation.clocks import DAY_MS, HOUR_MS, MachineClock
from tests.simulation.events.damage import breaks_after
from tests.simulation.events.orders import cancel, place
from tests.simulation.events.quarantine import approve_all
from tests.simulation.events.restores import (
    central_backed_up,
    central_restored,
    device_revoked,
    store_backed_up,
    store_restored,
)
from tests.simulation.events.sales import sale
from tests.simulation.events.terms import ROUND_COMMITS, takes_back
from tests.simulation.link import Link
from tests.simulation.model import held_sales, read_books
from tests.simulation.registry import EventKind
from tests.simulation.store import KEY, StoreMachine
from tests.simulation.template import SKUS
from tests.simulation.world import ALONE, JUMPED, World

ROUNDS = 6
ORDERS = 3
NEARLY_EMPTY = 3
"""Units of a SKU of which one is more than a store keeps for itself."""
ALONE_AGAIN_MS = 120_000
"""After so long without a word a name is taken for that of the machine that speaks."""
A_MOMENT_MS = 5_000
PUT_BACK = "a disk was put back"
"""Of a world's notes: of the store that has just recovered, and has heard no rows."""
COUNTED = "counted just now: "
"""Begins a world's note of (SKU, central's commits before it was promised from) by location."""


def everything_is_sold(world: World, index: int, dice: Random) -> str:
    """A store takes back what it gave, unheard of new orders, sells all of it, and is heard."""
    store = world.stores[index]
    store.round()
    store.endpoint.cut()
    said = _placed(world, index, dice)
    said.append(takes_back(world, store))
    world.look()
    world.notes.pop(ALONE + store.location_id, None)
    for share in store.store.shares.shares(SKUS):
        _sell(store, dice, share.sku, share.floor)
    world.remember(store)
    _mend(store)
    store.round()
    world.remember(store)
    return "; ".join([*said, "it sells all that is its own"])


def a_cashier_names_what_gives_way(world: World, index: int, dice: Random) -> str:
    """A sale takes a unit that is promised; the order that is to wait is the most urgent one."""
    store = world.stores[index]
    _mend(store)
    said = _placed(world, index, dice) + _placed(world, index, dice)
    store.round()
    for share in store.store.shares.shares(SKUS):
        orders = sorted(store.store.promises_of(share.sku), key=sacrifice_rank)
        if len(orders) > 1:
            units = 1 + max(0, share.on_hand - share.allocated)
            _sell(store, dice, share.sku, units, orders[0].id)
            said.append(f"{units} of {share.sku} sold, {orders[0].id[-4:]} is to wait")
            break
    world.remember(store)
    store.round()
    return "; ".join(said)


def a_confirmation_waits_its_turn(world: World, index: int, dice: Random) -> str:
    """Central takes one operation at a time, and the line breaks before it has them all."""
    store = world.stores[index]
    _mend(store)
    store.link.ops_max = 1
    store.local.end_session()
    store.round()
    said = _placed(world, index, dice)
    store.endpoint.faults = Faults(drop=0.15, lose_answer=0.15)
    for _ in range(ROUNDS):
        store.round()
        world.remember(store)
        if _has_unsent(store):
            break
    store.endpoint.cut()
    return "; ".join([*said, takes_back(world, store)])


def _has_unsent(store: StoreMachine) -> bool:
    journal, keys = store.store.journal, store.store.shares.unacknowledged()
    return any((journal.first_seq(key, CONFIRMED) or 0) > store.tried for key in keys)


def a_process_forgets_what_it_sent(world: World, index: int, dice: Random) -> str:
    """A process falls over the answer to what it confirmed; the next one sends the first of it."""
    store = world.stores[index]
    _mend(store)
    store.round()
    said = [sale(world, index, dice), *_placed(world, index, dice)]
    store.fuse.arm(dice.randint(1, ROUND_COMMITS), before=True)
    store.round()
    store.fuse.disarm()
    store.restart()
    world.remember(store)
    store.link.ops_max = 1
    store.endpoint.cut_before("push")
    store.round()
    return "; ".join([*said, takes_back(world, store)])


def centrals_clock_goes_back(world: World, index: int, dice: Random) -> str:
    """Somebody orders, central's clock is set back, and the store that was cut off takes back."""
    store = world.stores[index]
    _mend(store)
    store.round()
    is_heard = dice.random() < 0.5
    if not is_heard:
        store.endpoint.cut()
    said = _placed(world, index, dice)
    world.central.parts.promises.run()
    clock = world.central.clock
    clock.set_to(clock.now_ms() - dice.choice((HOUR_MS, DAY_MS)))
    world.central.parts.promises.run()
    world.notes[JUMPED] = clock.now_ms()
    store.round()
    world.remember(store)
    store.endpoint.cut()
    return "; ".join([*said, takes_back(world, store)])


def central_is_put_back_soon(world: World, index: int, dice: Random) -> str:
    """Central is backed up, goes on for minutes, and is put back; somebody orders at once.

    What the store hears of it are answers to its pushes: its pulls are cut.
    """
    store = world.stores[index]
    _mend(store)
    said = [central_backed_up(world, index, dice)]
    world.copies[:] = world.copies[-1:]
    goes_on = dice.choice(((place, cancel), (place, sale), (_sells_down,)))
    for _ in range(ROUNDS):
        said.append(dice.choice(goes_on)(world, index, dice))
        world.let_pass(A_MOMENT_MS)
        store.round()
        world.remember(store)
    said.append(central_restored(world, index, dice))
    world.look()
    said.append(place(world, index, dice))
    for _ in range(2):
        world.let_pass(A_MOMENT_MS)
        store.endpoint.restore()
        store.endpoint.cut_before("pull")
        store.round()
        world.look()
        said.append(place(world, index, dice))
        world.look()
    _mend(store)
    _catches_up(world, store)
    return "; ".join(said)


def an_empty_store_meets_a_restored_central(world: World, index: int, dice: Random) -> str:
    """A store that has little left, and nothing to grant, meets a central that was put back."""
    store = world.stores[index]
    _mend(store)
    said = [central_backed_up(world, index, dice)]
    world.copies[:] = world.copies[-1:]
    for left in (NEARLY_EMPTY, NEARLY_EMPTY, NEARLY_EMPTY - 1):
        for share in store.store.shares.shares(SKUS):
            _sell(store, dice, share.sku, share.on_hand - share.allocated - left)
        world.remember(store)
        if left == NEARLY_EMPTY:
            world.let_pass(A_MOMENT_MS)
            store.round()
            world.remember(store)
    said.append(central_restored(world, index, dice))
    _catches_up(world, store)
    return "; ".join(said)


def _sells_down(world: World, index: int, dice: Random) -> str:
    """Somebody buys most of what is the store's own; it asks some back in its next round."""
    store = world.stores[index]
    for share in store.store.shares.shares(SKUS):
        _sell(store, dice, share.sku, share.floor)
    world.remember(store)
    return "it sells what it has"


def orders_overtake_what_is_asked_back(world: World, index: int, dice: Random) -> str:
    """A store asks units back, and before central hears it somebody orders all it could give."""
    store = world.stores[index]
    _mend(store)
    store.round()
    said = [_sells_down(world, index, dice)]
    with breaks_after(store, 1):  # what was sold is heard; what is asked back is not
        store.round()
    world.remember(store)
    said += [one for _ in range(ROUNDS // 2) for one in _placed(world, index, dice)]
    _mend(store)
    _catches_up(world, store)
    return "; ".join(said)


def a_machine_is_shut_out_unheard(world: World, index: int, dice: Random) -> str:
    """Central is put back, and shuts a machine out that has not heard yet who ordered."""
    store = world.stores[index]
    _mend(store)
    store.round()
    store.endpoint.cut()
    said = [*_placed(world, index, dice), central_backed_up(world, index, dice)]
    world.copies[:] = world.copies[-1:]
    said.append(central_restored(world, index, dice))
    store.endpoint.restore()
    store.endpoint.cut_before("pull")
    store.round()
    world.look()
    said += [sale(world, index, dice), device_revoked(world, index, dice)]
    store.endpoint.restore()
    store.round()
    world.remember(store)
    return "; ".join(said)


def a_new_machine(world: World, index: int, dice: Random) -> str:
    """A machine that has sent everything is taken away; a new one with an empty disk is enrolled.

    It falls in one of its first rounds, and somebody orders.
    """
    gone = world.stores[index]
    if not _has_said_all(world, gone):
        return "it has something to say yet"
    said = _placed(world, index, dice)
    fresh = _replaced(world, index)
    gone.close()
    for _ in range(2):
        fresh.fuse.arm(dice.randint(1, ROUND_COMMITS), before=dice.random() < 0.5)
        fresh.round()
        fresh.fuse.disarm()
        world.remember(fresh)
        world.look()
    return "; ".join([*said, f"{fresh.replica_id} is new", place(world, index, dice)])


def an_old_machine_hands_in(world: World, index: int, dice: Random) -> str:
    """Central is put back, a new machine is enrolled, and the one before it is still at work.

    What that hands in is approved: its generation has the number of its successor's.
    """
    old = world.stores[index]
    if not _has_said_all(world, old):
        return "it has something to say yet"
    said = _placed(world, index, dice)
    old.round()
    said.append(central_backed_up(world, index, dice))
    world.copies[:] = world.copies[-1:]
    said += [cancel(world, index, dice) for _ in range(ORDERS)]
    old.round()
    world.remember(old)
    old.endpoint.cut()
    said.append(takes_back(world, old))
    world.look()
    world.notes.pop(ALONE + old.location_id, None)
    _mend(old)
    for _ in range(2):
        world.let_pass(A_MOMENT_MS)
        old.round()
    world.remember(old)
    said.append(central_restored(world, index, dice))
    fresh = _replaced(world, index)
    sold = dice.choice(SKUS)
    _sell(old, dice, sold, 1)
    for machine in (fresh, old, fresh):
        world.let_pass(A_MOMENT_MS)
        machine.round()
        world.remember(machine)
    old.close()
    said.append(f"{approve_all(world)} held operations were approved")
    for sku in SKUS:  # it counts now, and its successor, which has those units, hears it later
        world.forgotten[old.location_id, sku] += sku == sold
    world.look()
    return "; ".join(said)


def _has_said_all(world: World, store: StoreMachine) -> bool:
    """Let a machine speak; return whether it could be taken away, and is the only one."""
    _mend(store)
    report = None
    for _ in range(2):
        report, _ = store.round()
        world.remember(store)
    if report is None or not report.ok:
        return False
    is_alone = store.location_id not in world.twins and not store.fuse.is_full
    return is_alone and not store.store.journal.backlog()


def _replaced(world: World, index: int) -> StoreMachine:
    """Enrol a machine with an empty disk in the place of the one that is there."""
    gone = world.stores[index]
    world.forgotten.update(held_sales(read_books(world), gone.location_id))  # it knows of none
    enrolment = world.central.parts.central.enrolment
    code = enrolment.create_code(gone.location_id, replace=True)
    world.enrolments[gone.location_id] += 1
    number = 1 + world.enrolments[gone.location_id]
    fresh = _unpacked(world, gone, number)
    identity = fresh.identity(number)
    enrolment.enrol(
        EnrolRequest(
            code=str(code["code"]), replica_id=identity.replica_id,
            install_nonce=identity.install_nonce, public_key=fresh.public_key(identity),
            app_version="simulated",
        )
    )  # fmt: skip
    world.stores[index] = fresh
    return fresh


def _unpacked(world: World, gone: StoreMachine, number: int) -> StoreMachine:
    folder = world.folder / f"{gone.location_id}-m{number}"
    clock = MachineClock(world.time)
    disk = Store(Files(folder), clock, key=KEY, boot_id="unpacked")
    disk.journal.enrol(gone.identity(number))
    disk.close()
    gone.history.is_shaken = True
    return StoreMachine(
        folder, gone.location_id, clock, world.random, Link(world.central),
        world.fittings.store_class, history=gone.history, boots=100 * number,
        has_evidence=world.evidence,
    )  # fmt: skip


def a_disk_is_put_back_unheard(world: World, index: int, dice: Random) -> str:
    """A store is put back to before it heard of orders, took back and shared anew."""
    store = world.stores[index]
    _mend(store)
    store.round()
    which = dice.getrandbits(32)
    said = [store_backed_up(world, index, Random(which)), *_placed(world, index, dice)]
    store.round()
    world.remember(store)
    store.endpoint.cut()
    said.append(takes_back(world, store))
    world.notes.pop(ALONE + store.location_id, None)
    _mend(store)
    for _ in range(2):
        world.let_pass(A_MOMENT_MS)
        store.round()
    world.remember(store)
    said.append(store_restored(world, index, Random(which)))
    store.boot()
    for _ in range(2):
        world.let_pass(ALONE_AGAIN_MS)
        store.endpoint.restore()
        store.endpoint.cut_before("pull")
        store.round()
        world.remember(store)
        world.notes[PUT_BACK] = store
        world.look()
        del world.notes[PUT_BACK]
    _mend(store)
    return "; ".join(said)


def a_count_finds_less(world: World, index: int, dice: Random) -> str:
    """Central counts fewer units than its book had; somebody orders before the store hears."""
    store, sku = world.stores[index], dice.choice(SKUS)
    at = store.location_id
    with world.central.database.read() as view:
        (row,) = view.stock.rows(at, [sku])
    left = max(0, row.allocated) + dice.choice((0, 0, 1))
    if left >= row.on_hand:
        return "as many as there were"
    intake = world.central.parts.intake
    _, problem = world.at_central(
        lambda _: intake.stock([StockItem(at, sku, left)], "count", StockReason.IMPORT)
    )
    if problem:
        return problem
    world.forgotten[at, sku] += row.on_hand - left
    said = [f"{left} of {row.on_hand} {sku} at {at}"]
    for _ in range(ORDERS):
        said.append(place(world, index, dice))
        world.notes[COUNTED] = (at, sku, world.central.fuse.commits)
        world.look()
    return "; ".join(said)


def _placed(world: World, index: int, dice: Random) -> list[str]:
    said = [place(world, index, dice) for _ in range(ORDERS)]
    world.look()  # what is promised is seen while its lease lives, whatever becomes of it here
    return said


def _sell(store: StoreMachine, dice: Random, sku: str, units: int, breaks: str = "") -> None:
    if units > 0:
        bought = Sale(f"T{dice.getrandbits(40):x}", (SkuUnits(sku, units),))
        store.guarded(lambda: store.store.sell(bought, by="A1", dev="POS", breaks=breaks))


def _catches_up(world: World, store: StoreMachine) -> None:
    for _ in range(2):
        world.let_pass(A_MOMENT_MS)
        store.round()
        world.remember(store)
        world.look()


def _mend(store: StoreMachine) -> None:
    store.endpoint.faults = Faults()
    store.endpoint.restore()


KINDS = (
    EventKind("everything_is_sold", everything_is_sold, 3),
    EventKind("a_cashier_names_what_gives_way", a_cashier_names_what_gives_way, 3),
    EventKind("a_confirmation_waits_its_turn", a_confirmation_waits_its_turn, 3),
    EventKind("a_process_forgets_what_it_sent", a_process_forgets_what_it_sent, 3),
    EventKind("centrals_clock_goes_back", centrals_clock_goes_back, 3),
    EventKind("central_is_put_back_soon", central_is_put_back_soon, 3),
    EventKind(
        "an_empty_store_meets_a_restored_central", an_empty_store_meets_a_restored_central, 3
    ),
    EventKind("orders_overtake_what_is_asked_back", orders_overtake_what_is_asked_back, 3),
    EventKind("a_machine_is_shut_out_unheard", a_machine_is_shut_out_unheard, 3),
    EventKind("a_new_machine", a_new_machine, 3),
    EventKind("an_old_machine_hands_in", an_old_machine_hands_in, 3),
    EventKind("a_disk_is_put_back_unheard", a_disk_is_put_back_unheard, 3),
    EventKind("a_count_finds_less", a_count_finds_less, 3),
)
