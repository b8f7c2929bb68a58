"""Stores and one central, all of them real, in one thread and one folder, driven by events."""

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from central_server.services.order_capture import Placed
from central_server.storage.commits import Unavailable
from tests.simulation.central import CentralMachine, Decision, OpenDatabase, open_database
from tests.simulation.clocks import HOUR_MS, MachineClock, TrueTime
from tests.simulation.faults import Crashed, is_central_full
from tests.simulation.link import Link
from tests.simulation.model import Books
from tests.simulation.store import StoreMachine, WatchedStore
from tests.simulation.template import PLACES, template
from tests.support.scratch import scratch_folder

UNNOTICED_MS_MAX = 30_000
JUMPED = "central's clock jumped"
ALONE = "a store has just taken back what it gave: "
"""Of a world's notes: to what, while no job of central's has looked at it."""
BROKEN = "central could not do its work for a moment"
"""Of a world's notes: an event saw to that, and what is held for a fault may be of that moment."""


@dataclass(frozen=True)
class Fittings:
    """What a world is made of, where it is not what the product has: planted defects."""

    store_class: type[WatchedStore] = WatchedStore
    open_database: OpenDatabase = open_database


AS_BUILT = Fittings()
"""The product as it is."""


@dataclass
class Tally:
    """Counts of what a run did."""

    kinds: Counter[str] = field(default_factory=Counter)
    """Operations by kind."""
    events: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    rounds: int = 0
    refusals: int = 0
    """Of what associates tried and the rules did not allow."""


@dataclass
class Placing:
    """An order as the shopper knows it."""

    key: str
    order_id: str
    fulfillment_id: str
    """Its first part; empty while it waits."""


@dataclass(frozen=True)
class CentralCopy:
    """A backup of central."""

    file: Path
    placed: tuple[Placing, ...]
    decided: dict[str, list[Decision]]
    lines: dict[str, Counter[bytes]]
    """Operations in it, by location."""
    imported: Counter[tuple[str, str]]
    """Units that came by deliveries and counts, by (location, SKU)."""


class World:
    """Everything that a run touches. Make it, let things happen, close it."""

    def __init__(
        self, stores: int, *, shared: bool, evidence: bool = False, fittings: Fittings = AS_BUILT
    ) -> None:
        self.fittings = fittings
        self.folder = Path(tempfile.mkdtemp(prefix="holdshelf-sim-", dir=scratch_folder()))
        shutil.copytree(template(stores, shared=shared), self.folder, dirs_exist_ok=True)
        self.shared = shared
        self.evidence = evidence
        self.time = TrueTime()
        self.time.advance(HOUR_MS)
        self.random = Random(0)
        """The one source of chance of everything real; each event seeds it anew."""
        self.central = CentralMachine(
            self.folder / "central", MachineClock(self.time), self.random, fittings.open_database
        )
        self.stores = [
            StoreMachine(
                self.folder / name, name, MachineClock(self.time), self.random,
                Link(self.central), fittings.store_class, has_evidence=evidence,
            )
            for name, _, _ in PLACES[:stores]
        ]  # fmt: skip
        self.tally = Tally()
        self.placed: list[Placing] = []
        self.keys = 0
        self.twins: dict[str, StoreMachine] = {}
        """By location: a second machine with a copy of the store's disk."""
        self.enrolments: Counter[str] = Counter()
        """By location, beside the first one: names are never given twice."""
        self.copies: list[CentralCopy] = []
        """Backups of central, with what the simulation knew of it then."""
        self.forgotten: Counter[tuple[str, str]] = Counter()
        """(location, SKU) -> units of deliveries and counts that central's restore took back."""
        self.revived: set[tuple[str, str]] = set()
        """(location, SKU) of orders that had ended, and are open again in a central put back."""
        self.checked_commits = -1
        """How far the books of central have been looked at."""
        self.books: tuple[int, Books] | None = None
        """Central's books as an oracle read them last, by its number of commits."""
        self.notes: dict[str, object] = {}
        """What one event tells another one of its own file."""
        self.look: Callable[[], None] = lambda: None
        """Asks the oracles of each step: an event of several steps does it between them."""

    def close(self) -> None:
        """Close all files and throw them away."""
        for store in self.machines():
            store.close()
        self.central.close()
        shutil.rmtree(self.folder)

    def seed(self, dice: int) -> None:
        """Let all real code draw from here."""
        self.random.seed(dice)

    def let_pass(self, milliseconds: int) -> None:
        """Let time pass. Central's job looks at the clock every few seconds meanwhile.

        It matters only where that clock was set: a central that has its clock set
        back and looks at it hours later only cannot know (see sync/ESCROW.md).
        """
        if self.notes.get(JUMPED) is not None and milliseconds >= UNNOTICED_MS_MAX:
            full, self.central.fuse.is_full = self.central.fuse.is_full, False
            while self.at_central(lambda _: self.central.parts.promises.run())[1]:
                pass
            self.central.fuse.is_full = full
            self.look()  # what was moved just now is promised under the leases of now
            del self.notes[JUMPED]
        self.time.advance(milliseconds)

    def at_central(self, act):
        """Do something through central's services; return (result, what went wrong).

        A central that goes down over it is started again; whether it had acted is
        then as unknown here as it is to any client.
        """
        try:
            return act(self.central.parts.central), ""
        except Crashed:
            self.central.restart()
            return None, "central went down"
        except Unavailable as problem:
            if not is_central_full(problem):
                raise
            return None, "central's disk is full"

    def note_placed(self, key: str, placed: Placed) -> Placing:
        """Remember an order that central has confirmed."""
        with self.central.database.read() as view:
            parts = view.fulfillments.of_orders([placed.order_id])[placed.order_id]
        first = parts[0].row.order.id if parts else ""
        placing = Placing(key, placed.order_id, first)
        self.placed.append(placing)
        return placing

    def remember(self, store: StoreMachine) -> int:
        """Take in what a store's journal has that the simulation does not know; return how much."""
        new = store.remember()
        for line in new:
            try:
                self.tally.kinds[json.loads(line)["op"]["kind"]] += 1
            except (ValueError, LookupError, TypeError, RecursionError):
                self.tally.kinds["(unreadable)"] += 1
        return len(new)

    def machines(self) -> Iterator[StoreMachine]:
        """Yield every machine that works: those in their seats, then copies beside them."""
        yield from self.stores
        yield from self.twins.values()

    def machines_at(self, location_id: str) -> list[StoreMachine]:
        """Return the machines of one location, the one in the seat first."""
        return [one for one in self.machines() if one.location_id == location_id]
