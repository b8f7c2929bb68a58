"""The desk: who stands at the terminal, with which store, clock and device. Commands take it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from store_client.devices import NO_DEVICES, Devices
from store_client.paper import NO_PAPER, Paper
from store_client.ports import Store
from store_client.services.scanner import ScannerSettings
from sync.clock import Clock
from sync.domain.errors import OperationRefused
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.people import MAY_OVERRIDE, MAY_WORK, Role
from sync.domain.transitions import FulfillmentOperation


class Refusal(OperationRefused):
    """Something that is not done, in one sentence, and what to do instead in another."""

    code = "refusal"

    def __init__(self, why: str, todo: str = "") -> None:
        self.why = why
        self.todo = todo
        super().__init__(f"{why} {todo}".strip())


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is signed in."""

    id: str
    name: str
    role: Role

    @property
    def may_work(self) -> bool:
        """Whether this person may change anything."""
        return self.role in MAY_WORK

    @property
    def may_override(self) -> bool:
        """Whether this person may hand over on an ID check after too many wrong codes."""
        return self.role in MAY_OVERRIDE


@dataclass(frozen=True, slots=True)
class TerminalSettings:
    """What bootstrap tells the terminal about this machine."""

    device: str = "T1"
    """Name of this terminal, written into every operation."""
    log_path: Path | None = None
    """Where an unhandled error is written."""
    running_marker: Path | None = None
    """A file that exists while the terminal runs; found at start, it tells of a crash."""
    network_switch: Path | None = None
    """Demo only: F12 cuts and restores the store's network through this file."""
    demo_hint: str = ""
    """Demo only: who may sign in and with which PIN, shown on the sign-in screen."""
    poll_seconds: float = 0.1
    """How often the screens ask whether anything changed."""
    scanner: ScannerSettings = field(default_factory=ScannerSettings)
    devices: Devices = NO_DEVICES
    """The payment terminal and the receipt printer."""
    theme: str = "holdshelf"
    paper: Paper = NO_PAPER
    keymap: Mapping[str, str] = field(default_factory=dict)
    """Keys by the id of an action, for programmable keyboards."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What a command needs: the store's data, the time, and who asks."""

    store: Store
    clock: Clock
    actor: Actor
    device: str
    paper: Paper = NO_PAPER
    """What labels, slips and manifests are made with."""
    devices: Devices = NO_DEVICES
    """The payment terminal and the receipt printer."""

    def perform(self, operation: FulfillmentOperation) -> FulfillmentOrder:
        """Record `operation` durably; refuse it where the signed-in role may change nothing."""
        self.require_worker()
        return self.store.perform(operation, by=self.actor.id, dev=self.device)

    def require_worker(self) -> None:
        """Raise `Refusal` where the signed-in role may change nothing."""
        if not self.actor.may_work:
            raise Refusal(
                f"{self.actor.name} is signed in as {self.actor.role.value} and may only read.",
                "Ask an associate to sign in and do this.",
            )
