"""Stores and one central, all of them real, in one thread and one folder, driven by events."""

import json
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from central_server.services.order_capture import Placed
from sync.protocol.version import PROTOCOL_VERSION
from sync.transport.faulty import Faults
from tests.simulation.central import CentralMachine, OpenDatabase, open_database
from tests.simulation.clocks import HOUR_MS, MachineClock, TrueTime
from tests.simulation.faults import CentralDiskFull, Crashed
from tests.simulation.link import Link
from tests.simulation.model import Books
from tests.simulation.registry import Violation
from tests.simulation.store import StoreMachine, WatchedStore
from tests.simulation.template import PLACES, fast_folder, template

QUIET_ROUNDS_MAX = 8
"""So many rounds after the last fault, everything has been said (oracle O8)."""
SETTLED_MS = 60_000
UNNOTICED_MS_MAX = 30_000
JUMPED = "central's clock jumped"
"""Of a world's notes: to what, while no job of central's has looked at it."""


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


class World:
    """Everything that a run touches. Make it, let things happen, close it."""

    def __init__(self, stores: int, *, shared: bool, fittings: Fittings = AS_BUILT) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="holdshelf-sim-", dir=fast_folder()))
        shutil.copytree(template(stores, shared=shared), self.folder, dirs_exist_ok=True)
        self.shared = shared
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
                Link(self.central), fittings.store_class,
            )
            for name, _, _ in PLACES[:stores]
        ]  # fmt: skip
        self.tally = Tally()
        self.placed: list[Placing] = []
        self.keys = 0
        self.imported: Counter[tuple[str, str]] = Counter()
        self.checked_commits = -1
        """How far the books of central have been looked at."""
        self.books: tuple[int, Books] | None = None
        """Central's books as an oracle read them last, by its number of commits."""
        self.notes: dict[str, object] = {}
        """What one event tells another one of its own file."""

    def close(self) -> None:
        """Close all files and throw them away."""
        for store in self.stores:
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
        except CentralDiskFull:
            return None, "central's disk is full"

    def note_placed(self, key: str, placed: Placed) -> Placing:
        """Remember an order that central has confirmed."""
        with self.central.database.read() as view:
            (part,) = view.fulfillments.of_orders([placed.order_id])[placed.order_id][:1]
        placing = Placing(key, placed.order_id, part.row.order.id)
        self.placed.append(placing)
        return placing

    def remember(self, store: StoreMachine) -> None:
        """Take in what a store's journal has that the simulation does not know yet."""
        for line in store.remember():
            try:
                self.tally.kinds[json.loads(line)["op"]["kind"]] += 1
            except (ValueError, LookupError, TypeError, RecursionError):
                self.tally.kinds["(unreadable)"] += 1

    def end_faults(self) -> None:
        """Repair everything that events broke. What is lost stays lost."""
        self.central.fuse.disarm()
        self.central.speaks = PROTOCOL_VERSION
        for store in self.stores:
            store.fuse.disarm()
            store.free_disk()
            store.link.speaks = PROTOCOL_VERSION
            store.endpoint.faults = Faults()
            store.endpoint.restore()
            store.endpoint.deliver_late()

    def settle(self) -> None:
        """Stop all faults and let every store speak until all is said, which must end."""
        self.end_faults()
        last: list[str] = []
        for _ in range(QUIET_ROUNDS_MAX):
            self.time.advance(SETTLED_MS)
            self.central.parts.promises.run()
            last = []
            moved = False
            for store in self.stores:
                report, problem = store.round()
                if report is None or not report.ok:
                    last.append(f"{store.location_id}: {problem or (report and report.error)}")
                elif report.sent or report.rows or store.store.journal.backlog():
                    moved = True
                self.remember(store)
            if not last and not moved:
                return
        raise Violation(
            "O8 progress", last or [f"still speaking after {QUIET_ROUNDS_MAX} quiet rounds"]
        )
