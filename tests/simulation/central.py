"""Central's machine: the real services over a real SQLite file, killed and restarted at will."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from central_server.bootstrap import Parts, assemble
from central_server.config import CentralSettings
from central_server.ports import Message
from central_server.storage.database import Database
from sync.protocol.version import PROTOCOL_VERSION
from tests.simulation.clocks import MachineClock
from tests.simulation.faults import CentralFuse

SECRET = "a secret for tests only, long enough to sign with"

OpenDatabase = Callable[[str, CentralFuse], Database]


def open_database(url: str, fuse: CentralFuse) -> Database:
    """Open central's database as the product does, with the simulation's hook."""
    return Database.open(url, hook=fuse.hook, inline=True)


@dataclass
class Mailbox:
    """A notifier that counts; a key twice is one message."""

    keys: set[str] = field(default_factory=set)

    def send(self, message: Message) -> None:
        self.keys.add(message.key)


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
        self.speaks = PROTOCOL_VERSION
        """The newest version of the protocol that this central's program knows."""
        self.mailbox = Mailbox()
        self._random = random
        self._opened = opened
        self._settings = CentralSettings(data_dir=folder, server_secret=SECRET, demo=False)
        self.parts: Parts = self._start()

    def _start(self) -> Parts:
        database = self._opened(self._settings.url, self.fuse)
        return assemble(
            self._settings, database, clock=self.clock, random=self._random, notifier=self.mailbox
        )

    @property
    def database(self) -> Database:
        """The database of the process that runs now."""
        return self.parts.database

    def restart(self) -> None:
        """Start again over the same files: whatever was only in memory is gone."""
        self.parts.database.close()
        self.parts = self._start()

    def close(self) -> None:
        """End for good."""
        self.parts.database.close()
