"""What backups and copied disks do: a store or central is what it once was, or there twice."""

import copy
import shutil
from collections import Counter
from pathlib import Path
from random import Random

from sqlalchemy import func, select

from central_server.storage.tables import OP_LOG, STOCK_LEDGER
from store_client.replica import copies
from store_client.replica.store import Files
from sync.edge.rights import FLOOR_SOLD
from sync.protocol.lines import decode_line
from sync.protocol.version import LOWEST_SERVED
from tests.simulation.link import Link
from tests.simulation.memory import location_of
from tests.simulation.model import is_set_aside, read_books
from tests.simulation.registry import EventKind
from tests.simulation.settling import enrol_anew, is_out
from tests.simulation.store import KEY, StoreMachine, evidence_beside
from tests.simulation.world import CentralCopy, World

COPIES = 2
"""So many backups are kept of each; which one is written over, the dice say."""
IMPORTED = ("import", "opening")
ANYWAY_SHARE = 0.1
"""How often a machine is enrolled anew that central speaks with."""


# --- stores --------------------------------------------------------------------------


def store_backed_up(world: World, index: int, dice: Random) -> str:
    """A store's journal is copied by the command, and an image of its whole disk is taken."""
    store = world.stores[index]
    folder = _backup(world, store, dice)
    shutil.rmtree(folder, ignore_errors=True)
    copied = copies.back_up(store.store, KEY, folder / "journal")
    store.close()
    shutil.copytree(store.folder, folder / "disk")
    store.restart_over_same_files()
    return f"{folder.name}: up to operation {copied.seq} of epoch {copied.epoch}"


def _backup(world: World, store: StoreMachine, dice: Random) -> Path:
    return world.folder / "backups" / f"{store.location_id}-{dice.randrange(COPIES)}"


def store_restored(world: World, index: int, dice: Random) -> str:
    """A store's machine is put back to a backup: by the command, by hand, or its whole disk."""
    store = world.stores[index]
    folder = _backup(world, store, dice)
    way = dice.choice((_by_command, _by_hand, _whole_disk))
    if not folder.exists():
        return "there is no backup"
    world.remember(store)
    store.free_disk()
    store.close()
    way(store, folder)
    store.history.is_shaken = True
    store.is_unheard = True
    store.renew()
    world.remember(store)
    lost = account(world, store.location_id)
    return f"{folder.name}, {way.__name__.strip('_')}: {lost} operations are lost"


def _by_command(store: StoreMachine, folder: Path) -> None:
    copies.restore(
        Files(store.folder), store.clock, KEY, folder / "journal", force=True,
        evidence_folder=store.evidence,
    )  # fmt: skip
    for aside in store.folder.glob("before-restore-*"):
        shutil.rmtree(aside)


def _by_hand(store: StoreMachine, folder: Path) -> None:
    for file in store.folder.glob("journal.db*"):
        file.unlink()
    shutil.copy(folder / "journal" / "journal.db", store.folder)


def _whole_disk(store: StoreMachine, folder: Path) -> None:
    shutil.rmtree(store.folder)
    shutil.copytree(folder / "disk", store.folder)


def account(world: World, location_id: str) -> int:
    """Note what nobody has any more of a location's work; return how much that is now."""
    machines = world.machines_at(location_id)
    holders = [Counter(one.journal_lines()) for one in machines]
    holders.append(lines_at_central(world)[location_id])
    return machines[0].history.lose_all_but(holders)


def lines_at_central(world: World) -> dict[str, Counter[bytes]]:
    """Return what central has, by location."""
    found: dict[str, Counter[bytes]] = {one.location_id: Counter() for one in world.stores}
    with world.central.database.read() as view:
        for name, line in view.connection.execute(select(OP_LOG.c.replica_id, OP_LOG.c.line)):
            found[location_of(name)][bytes(line)] += 1
    return found


def disk_cloned(world: World, index: int, dice: Random) -> str:
    """A copy of a store's disk is started in another machine, beside the first one."""
    store = world.stores[index]
    if store.location_id in world.twins:
        return "there is a copy already"
    world.remember(store)
    folder = world.folder / f"{store.folder.name}-c{store.starts}"
    store.close()
    shutil.copytree(store.folder, folder)
    if store.evidence is not None and store.evidence.exists():
        shutil.copytree(store.evidence, evidence_beside(folder))
    store.restart_over_same_files()
    store.history.is_shaken = True
    clock = copy.copy(store.clock)
    clock.boot()
    twin = StoreMachine(
        folder, store.location_id, clock, world.random, Link(world.central),
        world.fittings.store_class, history=store.history, boots=1000 * (1 + store.boots),
        has_evidence=world.evidence,
    )  # fmt: skip
    twin.link.verdicts = store.link.verdicts
    world.twins[store.location_id] = twin
    store.has_double = twin.has_double = True
    return f"a copy of the disk works as {twin.boot_id}"


def machines_swap(world: World, index: int, dice: Random) -> str:
    """From now on people work at the other one of two machines."""
    store = world.stores[index]
    twin = world.twins.get(store.location_id)
    if twin is None:
        return "there is only one machine"
    world.stores[index], world.twins[store.location_id] = twin, store
    return f"they work at {twin.boot_id}"


# --- devices -------------------------------------------------------------------------


def device_revoked(world: World, index: int, dice: Random) -> str:
    """Somebody at central takes a store's device for stolen."""
    name = world.stores[index].replica_id
    with world.central.database.read() as view:
        if view.replicas.get(name) is None:
            return f"{name} is not known"
    _, problem = world.at_central(lambda _: world.central.parts.devices.revoke(name))
    world.stores[index].history.is_shaken = True
    return problem or f"{name} is shut out"


def enrolled_anew(world: World, index: int, dice: Random) -> str:
    """A machine that is shut out is let in under a new name, and now and then one that is not."""
    store = world.stores[index]
    if store.fuse.is_full or not (is_out(world, store) or dice.random() < ANYWAY_SHARE):
        return "it need not be"
    said = enrol_anew(world, store)
    world.remember(store)
    return said


# --- central -------------------------------------------------------------------------


def central_backed_up(world: World, index: int, dice: Random) -> str:
    """Central's database is copied while it works."""
    number = dice.randrange(COPIES)
    file = world.folder / "backups" / f"central-{number}.db"
    world.central.back_up(file)
    decided = {key: list(known) for key, known in world.central.decided.items()}
    lines, imported = lines_at_central(world), _imported(world)
    taken = CentralCopy(file, tuple(world.placed), decided, lines, imported)
    world.copies = [one for one in world.copies if one.file != file] + [taken]
    return f"{file.name}: {sum(one.total() for one in lines.values())} operations"


def _imported(world: World) -> Counter[tuple[str, str]]:
    ledger = STOCK_LEDGER.c
    query = (
        select(ledger.location_id, ledger.sku, func.sum(ledger.on_hand))
        .where(ledger.reason.in_(IMPORTED))
        .group_by(ledger.location_id, ledger.sku)
    )
    with world.central.database.read() as view:
        rows = view.connection.execute(query)
        return Counter({(place, sku): units for place, sku, units in rows})


def central_restored(world: World, index: int, dice: Random) -> str:
    """Central's database is put back to a backup, in a new life; stores bring it up to date.

    Also to one that lacks what stores have forgotten meanwhile: they go on behind the hole.
    """
    if not world.copies:
        return "there is no backup"
    taken = dice.choice(world.copies)
    for store in world.machines():
        if lacking := _forgotten(store, taken):
            store.history.is_shaken = True
            store.history.was_lost.update(lacking)  # a copied disk may have it, and bring it later
    world.central.fuse.is_full = False
    before, undone, ended = _imported(world), _set_aside(world), _called_off(world)
    world.central.restore(taken.file)
    world.revived.update(ended - _called_off(world))
    world.placed = list(taken.placed)
    world.central.decided = {key: list(known) for key, known in taken.decided.items()}
    for place, units in before.items():
        lost = units - taken.imported[place]
        if lost:
            world.forgotten[place] += abs(lost)
    for line, at in (undone - _set_aside(world)).elements():
        for sold in decode_line(line).op.lines:
            world.forgotten[at, sold.sku] += abs(sold.units)
    _forget_verdicts(world)
    for store in world.machines():
        store.is_asked_again = True
    lost = sum(account(world, store.location_id) for store in world.stores)
    return f"{taken.file.name}: {lost} operations are lost"


def _set_aside(world: World) -> Counter[tuple[bytes, str]]:
    """Return the sales of which a person said that they never count, and where they were made.

    The store sells their units again, by right. Put back to before that word, central
    may be told by another person that they do count.
    """
    return Counter(
        (one.line, location_of(one.replica_id))
        for one in read_books(world).operations
        if one.kind == FLOOR_SOLD and is_set_aside(one)
    )


def _called_off(world: World) -> Counter[tuple[str, str]]:
    """Return the units by location and SKU that orders wanted there, and want no more.

    A store that has heard so sells them by right, and a central put back to before it
    promises them once more until the two have met.
    """
    units: Counter[tuple[str, str]] = Counter()
    for stored in read_books(world).orders.values():
        order = stored.row.order
        for line in order.lines:
            units[order.location_id, line.sku] += line.cancelled + line.expired
    return units


def central_rolled_back(world: World, index: int, dice: Random) -> str:
    """Central is put back with its program of then: stores speak what it does not know yet."""
    said = central_restored(world, index, dice)
    world.central.speaks = LOWEST_SERVED
    if dice.random() < 0.5:
        world.stores[index].link.speaks = LOWEST_SERVED
    return f"{said}; it speaks {LOWEST_SERVED}"


def _forgotten(store: StoreMachine, taken: CentralCopy) -> Counter[bytes]:
    """Return what neither the store has any more nor the copy, and what it needs to go on."""
    kept = store.kept
    if not kept.pruned:
        return Counter()
    last = max(kept.pruned)
    oldest = min((place for place in kept.places if place > last), default=last)
    pairs = zip(kept.places, kept.lines, strict=True)
    needed = Counter(line for place, line in pairs if place in kept.pruned or place == oldest)
    return needed - taken.lines[store.location_id]


def _forget_verdicts(world: World) -> None:
    """Let central judge anew what it does not have any more."""
    with world.central.database.read() as view:
        rows = view.connection.execute(select(OP_LOG.c.replica_id, OP_LOG.c.epoch, OP_LOG.c.seq))
        there = {tuple(row) for row in rows}
    for store in world.machines():
        for key in [key for key in store.link.verdicts if key not in there]:
            del store.link.verdicts[key]


KINDS = (
    EventKind("store_backed_up", store_backed_up, 1.5),
    EventKind("store_restored", store_restored, 1.2, is_fault=True),
    EventKind("disk_cloned", disk_cloned, 0.6, is_fault=True),
    EventKind("machines_swap", machines_swap, 1.5),
    EventKind("device_revoked", device_revoked, 0.4, is_fault=True),
    EventKind("enrolled_anew", enrolled_anew, 1.5),
    EventKind("central_backed_up", central_backed_up, 1, at_central=True),
    EventKind("central_restored", central_restored, 0.8, is_fault=True, at_central=True),
    EventKind("central_rolled_back", central_rolled_back, 0.3, is_fault=True),
)
