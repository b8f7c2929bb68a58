"""Ends all faults and lets everybody speak until all is said; what needs people, people do.

A machine that central does not speak with under its name any more (a copy of
another one, revoked, retired, forgotten by a restored central) is enrolled anew
with what it has not sent; of two machines at a location one is left in the end.
"""

from typing import TYPE_CHECKING

from central_server.services.errors import EnrolmentRefused
from sync.protocol.session import EnrolRequest
from sync.protocol.version import PROTOCOL_VERSION
from sync.transport.faulty import Faults
from tests.simulation.registry import Violation

if TYPE_CHECKING:
    from tests.simulation.store import StoreMachine
    from tests.simulation.world import World

QUIET_ROUNDS_MAX = 8
"""So many rounds after the last fault, everything has been said (oracle O8)."""
SETTLED_MS = 60_000
MENDS_MAX = 12
PROGRESS = "O8 progress"


def end_faults(world: "World") -> None:
    """Repair everything that events broke. What is lost stays lost."""
    world.central.fuse.disarm()
    world.central.speaks = PROTOCOL_VERSION
    for store in world.machines():
        store.fuse.disarm()
        store.free_disk()
        store.link.speaks = PROTOCOL_VERSION
        store.endpoint.faults = Faults()
        store.endpoint.restore()
        store.endpoint.deliver_late()


def settle(world: "World") -> None:
    """Stop all faults and let every store speak until all is said, which must end."""
    end_faults(world)
    for _ in range(MENDS_MAX):
        _until_quiet(world)
        if not _mend_names(world):
            return
    raise Violation(PROGRESS, [f"names are still unsettled after {MENDS_MAX} enrolments"])


def _until_quiet(world: "World") -> None:
    """One round is not enough: what is said in the next one is what was heard in this."""
    last: list[str] = []
    for number in range(QUIET_ROUNDS_MAX):
        world.time.advance(SETTLED_MS)
        world.central.parts.promises.run()
        world.central.parts.backorders.run()
        last = []
        moved = False
        for store in list(world.machines()):
            report, problem = store.round()
            if world.remember(store):
                moved = True  # what it did after it had pulled
            if is_out(world, store):
                moved = moved or bool(report and report.sent)
            elif report is None or not report.ok:
                last.append(f"{store.location_id}: {problem or (report and report.error)}")
            elif report.sent or report.rows or store.store.journal.backlog():
                moved = True
        if number and not last and not moved:
            return
    raise Violation(PROGRESS, last or [f"still speaking after {QUIET_ROUNDS_MAX} quiet rounds"])


def is_out(world: "World", store: "StoreMachine") -> bool:
    """Return whether central will not take this machine's work under its present name."""
    if store.store.journal.is_duplicate():
        return True
    with world.central.database.read() as view:
        known = view.replicas.get(store.replica_id)
    return known is None or not known.enabled


def enrol_anew(world: "World", store: "StoreMachine") -> str:
    """Give a machine a new name, by a code that retires the device before it."""
    at = store.location_id
    code, problem = world.at_central(
        lambda central: central.enrolment.create_code(at, replace=True)
    )
    if code is None:
        return problem
    world.enrolments[at] += 1
    number = 1 + world.enrolments[at]
    identity = store.identity(number)
    request = EnrolRequest(
        code=str(code["code"]), replica_id=identity.replica_id,
        install_nonce=identity.install_nonce, public_key=store.public_key(identity),
        app_version="simulated", follows=store.replica_id,
    )  # fmt: skip
    try:
        answer, problem = world.at_central(lambda central: central.enrolment.enrol(request))
    except EnrolmentRefused as refusal:
        return str(refusal)
    if answer is None:
        return problem
    store.history.is_shaken = True
    return store.take_over(number) or f"it is {identity.replica_id} now"


def _mend_names(world: "World") -> bool:
    """Let people settle who is who at one location; return whether anything had to change."""
    for index, store in enumerate(world.stores):
        machines = world.machines_at(store.location_id)
        outs = [one for one in machines if is_out(world, one)]
        idle = next((one for one in outs if _is_all_at_central(world, one)), None)
        if len(machines) > 1 and (not outs or idle is not None):
            _power_off(world, index, idle or machines[1])
            return True
        if outs:
            enrol_anew(world, outs[0])
            return True
    return False


def _is_all_at_central(world: "World", store: "StoreMachine") -> bool:
    """Return whether nothing is lost with a machine.

    What it sent under a name that a restored central does not know is not there any
    more: it is told of that when it is enrolled anew, and sends it then.
    """
    with world.central.database.read() as view:
        is_known = view.replicas.get(store.replica_id) is not None
    return is_known and not store.store.journal.backlog()


def _power_off(world: "World", index: int, gone: "StoreMachine") -> None:
    """Take one of two machines away. It has nothing that central does not have."""
    twin = world.twins.pop(gone.location_id)
    if gone is world.stores[index]:
        world.stores[index] = twin
    world.remember(gone)
    gone.close()
    stays = world.stores[index]
    stays.has_double = False
    for token, done in gone.done_before.items():
        stays.done_before.setdefault(token, done)
