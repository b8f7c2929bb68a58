"""Central's machine: the real services over a real SQLite file, killed and restarted at will."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, TypeVar

from central_server.bootstrap import Parts, assemble
from central_server.config import CentralSettings
from central_server.ports import Message
from central_server.services.flow_handler import FlowHandler, FollowUps, Step
from central_server.storage import backup
from central_server.storage.commits import Writer
from central_server.storage.database import Database
from central_server.storage.unit import Unit, View
from sync.domain.transitions import Consequence, FulfillmentOperation
from sync.protocol.version import PROTOCOL_VERSION
from tests.simulation.clocks import MachineClock
from tests.simulation.faults import CentralFuse
from tests.simulation.memory import rank_of

T = TypeVar("T")
SECRET = "a secret for tests only, long enough to sign with"

Position = tuple[int, int, int]
"""(rank of the device's name, epoch, seq): orders all of a location's work at central."""
OWN_SOURCES = ("arrived:", "idle:", "lapse:", "expire:", "serve:")
"""What central's jobs decide, beside what follows from an operation."""

OpenDatabase = Callable[[str, CentralFuse], Database]


def open_database(url: str, fuse: CentralFuse) -> Database:
    """Open central's database as the product does, with the simulation's hook."""
    return Database.open(url, hook=fuse.hook, inline=True)


def position_of(view: View, location_id: str) -> Position:
    """Return how far central has a location's work."""
    found = view.replicas.at_location(location_id)
    newest = max(found, key=lambda one: rank_of(one.id))
    return rank_of(newest.id), newest.epoch, newest.last_seq


@dataclass
class Mailbox:
    """A notifier that counts; a key twice is one message."""

    keys: set[str] = field(default_factory=set)

    def send(self, message: Message) -> None:
        self.keys.add(message.key)


class Decision(NamedTuple):
    """Something that central decided about an order by itself."""

    position: Position
    """Where the journal of the order's store stood at central."""
    operation: FulfillmentOperation | None
    """None: it cancelled what was open."""
    at_ms: int
    source: str
    """As the ledger names it."""


class Witness:
    """Stands before a flow's handler and sees what central decides by itself."""

    def __init__(self, inner: FlowHandler, note: Callable[[Step, Any], None]) -> None:
        self.flow = inner.flow
        self.kinds = inner.kinds
        self._inner = inner
        self._note = note

    def follow(self, step: Step, ups: FollowUps) -> tuple[Consequence, ...]:
        if not step.by:
            self._note(step, ups)
        return self._inner.follow(step, ups)


class WitnessedWriter:
    """A writer that keeps what was decided in a transaction only if that was committed."""

    def __init__(self, inner: Writer, machine: "CentralMachine") -> None:
        self._inner = inner
        self._machine = machine

    def write(self, command: Callable[[Unit], T]) -> tuple[T, Unit]:
        machine = self._machine
        machine.deciding.clear()
        commits = machine.fuse.commits
        try:
            return self._inner.write(command)
        finally:
            if machine.fuse.commits > commits:
                for key, decision in machine.deciding:
                    machine.decided.setdefault(key, []).append(decision)
            machine.deciding.clear()

    def close(self) -> None:
        self._inner.close()


class CentralMachine:
    """One central. `parts` is the process that runs now."""

    def __init__(
        self,
        folder: Path,
        clock: MachineClock,
        random: Random,
        opened: OpenDatabase = open_database,
    ) -> None:
        self.folder = folder
        self.clock = clock
        self.fuse = CentralFuse()
        self.restores = 0
        """How many lives of central's were dropped."""
        self.speaks = PROTOCOL_VERSION
        """The newest version of the protocol that this central's program knows."""
        self.mailbox = Mailbox()
        self.deciding: list[tuple[str, Decision]] = []
        """In the transaction that runs, by fulfillment order."""
        self.decided: dict[str, list[Decision]] = {}
        """Fulfillment order -> what central decided about it, in this order."""
        self._random = random
        self._opened = opened
        self._settings = CentralSettings(data_dir=folder, server_secret=SECRET, demo=False)
        self.parts: Parts = self._start()

    def _start(self) -> Parts:
        database = self._opened(self._settings.url, self.fuse)
        database._writer = WitnessedWriter(database._writer, self)
        parts = assemble(
            self._settings, database, clock=self.clock, random=self._random, notifier=self.mailbox
        )
        central = parts.central
        for service in (
            central.sync, central.quarantine, central.arrivals, parts.promises._lapsed,
            parts.promises._idle, parts.holds._over, parts.holds._waiting,
        ):  # fmt: skip
            known = service._judging
            watched = tuple(Witness(one, self._witness) for one in known.handlers)
            service._judging = replace(known, handlers=watched)
        return parts

    def _witness(self, step: Step, ups: Any) -> None:
        source = str(ups._source)
        if source.startswith(OWN_SOURCES):
            position = position_of(ups._unit, step.before.location_id)
        else:
            name, epoch, seq = source.split("/")
            own = (rank_of(name), int(epoch), int(seq))
            # Of what a person approved later, it follows now, and not when it was handed in.
            position = max(own, position_of(ups._unit, step.before.location_id))
        decision = Decision(position, step.operation, step.now_ms, source)
        self.deciding.append((step.before.id, decision))

    @property
    def database(self) -> Database:
        """The database of the process that runs now."""
        return self.parts.database

    def restart(self) -> None:
        """Start again over the same files: whatever was only in memory is gone."""
        self.parts.database.close()
        self.parts = self._start()

    def back_up(self, file: Path) -> None:
        """Copy the database while central works, as the command does."""
        backup.copy_out(self._settings.url, None, file)

    def restore(self, file: Path) -> None:
        """Put a copy in the database's place, as the command does, and start again."""
        self.parts.database.close()
        aside = backup.copy_in(file, None, self._settings.url, now_ms=self.clock.now_ms())
        if aside is not None:
            for old in aside.parent.glob(f"{aside.name}*"):
                old.unlink()
        self.restores += 1
        self.parts = self._start()
        self.fuse.commits += 1  # whoever has read the books must read them again

    def close(self) -> None:
        """End for good."""
        self.parts.database.close()
