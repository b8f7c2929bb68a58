"""What people at central do about work that it holds back: it counts after all, or never."""

from random import Random

from central_server.records import StoredOperation
from central_server.services.errors import ServiceRefused
from central_server.services.held_views import op_id_of
from tests.simulation.central import Decision, position_of
from tests.simulation.memory import location_of
from tests.simulation.model import Settled, op_id, read_books
from tests.simulation.registry import EventKind
from tests.simulation.world import World

HELD = "quarantined"


def held_work_is_approved(world: World, index: int, dice: Random) -> str:
    """Somebody tries an operation again that waits for a person, and what waits behind it."""
    held = _held(world)
    if not held:
        return "nothing is held back"
    chosen = dice.choice(held)
    said, settled = _approve(world, chosen)
    return f"{chosen.kind} {op_id(chosen)}: {said}, {settled} settled"


def held_work_is_set_aside(world: World, index: int, dice: Random) -> str:
    """Somebody decides that an operation shall never count; what waits behind it goes on."""
    held = _held(world)
    if not held:
        return "nothing is held back"
    chosen = dice.choice(held)
    said, settled = _set_aside(world, chosen)
    return f"{chosen.kind} {op_id(chosen)}: {said}, {settled} settled"


def set_aside_all(world: World, kind: str) -> int:
    """Set aside what is held of this kind, oldest first; return how much was settled."""
    return sum(_set_aside(world, one)[1] for one in _held(world) if one.kind == kind)


def _set_aside(world: World, chosen: StoredOperation) -> tuple[str, int]:
    """Return what was said, and how many operations came out of quarantine over it."""
    held = _held(world)
    try:
        _, problem = world.at_central(
            lambda central: central.quarantine.skip(op_id_of(chosen), by="Ann", reason="a mistake")
        )
    except ServiceRefused as refusal:
        problem = f"refused: {refusal}"
    return problem or "set aside", len(_note_settled(world, held))


def approve_all(world: World) -> int:
    """Try everything once that waits for a person, oldest first; return how much was settled."""
    return sum(_approve(world, one)[1] for one in _held(world))


def _held(world: World) -> list[StoredOperation]:
    return [one for one in read_books(world).operations if one.status == HELD]


def _approve(world: World, chosen: StoredOperation) -> tuple[str, int]:
    """Return what was said, and how many operations came out of quarantine over it."""
    held = _held(world)
    try:
        _, problem = world.at_central(
            lambda central: central.quarantine.retry(op_id_of(chosen), by="Ann")
        )
    except ServiceRefused as refusal:
        problem = f"refused: {refusal}"
    return problem or "tried again", len(_note_settled(world, held))


def _note_settled(world: World, held: list[StoredOperation]) -> list[StoredOperation]:
    """Remember when it was that held operations came to count; also after a crash."""
    now = {op_id(one): one for one in read_books(world).operations}
    settled = [one for one in held if now[op_id(one)].status != HELD]
    by_aggregate: dict[str, list[StoredOperation]] = {}
    for one in settled:
        by_aggregate.setdefault(one.aggregate, []).append(now[op_id(one)])
    for aggregate, group in by_aggregate.items():
        with world.central.database.read() as view:
            position = position_of(view, location_of(group[0].replica_id))
        names = tuple(op_id(one) for one in group)
        decision = Decision(position, Settled(names, aggregate), 0, "approved")
        world.central.decided.setdefault(aggregate, []).append(decision)
    return settled


KINDS = (
    EventKind("held_work_is_approved", held_work_is_approved, 2, at_central=True),
    EventKind("held_work_is_set_aside", held_work_is_set_aside, 1, at_central=True),
)
