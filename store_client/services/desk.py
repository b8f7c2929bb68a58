"""The desk: who stands at the terminal, with which store, clock and device. Commands take it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from store_client.devices import NO_DEVICES, Devices
from store_client.paper import NO_PAPER, Paper
from store_client.ports import Store
from store_client.services.alerts import AlertSettings
from store_client.services.scanner import ScannerSettings
from sync.clock import Clock
from sync.domain.errors import OperationRefused
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.money_operations import MoneyOperation
from sync.domain.people import MAY, MAY_WORK, Action, Approval, Role, action_of, may
from sync.domain.transitions import FulfillmentOperation

Judge = Callable[[FulfillmentOrder], object]
"""Sees the order as it is; may raise to call an operation off."""


def anything_goes(_: object) -> None:
    """Call nothing off."""


class Refusal(OperationRefused):
    """Something that is not done, in one sentence, and what to do instead in another."""

    code = "refusal"

    def __init__(self, why: str, todo: str = "") -> None:
        self.why = why
        self.todo = todo
        super().__init__(f"{why} {todo}".strip())


ACTION_WORDS: Mapping[Action, str] = {
    Action.LOOK: "Looking at things",
    Action.PREPARE: "Working on an order",
    Action.GIVE_UP: "Giving goods up",
    Action.HAND_OVER: "Handing goods over",
    Action.HAND_OVER_ON_ID: "Handing over on an ID check",
    Action.HAND_OVER_IN_DOUBT: "Handing over what another store may have by now",
    Action.RELEASE: "Releasing goods",
    Action.RESERVE: "Reserving",
    Action.TAKE_MONEY: "Taking money",
    Action.GIVE_MONEY_BACK: "Giving money back",
    Action.RUN_DRAWER: "Opening or counting the drawer",
    Action.TAKE_CASH_OUT: "Taking cash out of the drawer",
    Action.SELL: "Selling",
    Action.BREAK_PROMISE: "Breaking a promise",
    Action.SHIP: "Packing and shipping",
    Action.RESOLVE: "Working on follow-ups",
    Action.PRINT: "Printing",
    Action.UNLOCK_PERSON: "Unlocking a person",
    Action.MACHINE: "What only the machine does",
}
"""Actions as a refusal begins with them."""
_LED_HAND_OVERS = frozenset({Action.HAND_OVER_ON_ID, Action.HAND_OVER_IN_DOUBT})


class NeedsRole(Refusal):
    """An action asks for another role than that of who is signed in; somebody may approve it."""

    code = "needs_role"

    def __init__(self, action: Action) -> None:
        self.action = action
        roles = [role.value for role in Role if may(role, action)]
        self.can_be_approved = bool(roles)
        who = " or ".join(roles) if roles else "nobody"
        todo = "Ask one to type their number and PIN here." if roles else ""
        super().__init__(f"{ACTION_WORDS[action]} needs a {who}.", todo)


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
        return self.may(Action.HAND_OVER_ON_ID)

    def may(self, action: Action) -> bool:
        """Whether this person may do that without asking anybody."""
        return self.role in MAY[action]


MACHINE = "daemon"
"""Who does what no person does."""
ITSELF = Actor(MACHINE, "Daemon", Role.AUDITOR)
"""The machine at its own desk: it reads and prints, and records what needs no person."""


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
    idle_lock_seconds: float = 0.0
    """After how long without a key the terminal locks; 0: never."""
    demo_hint: str = ""
    """Demo only: who may sign in and with which PIN, shown on the sign-in screen."""
    poll_seconds: float = 0.1
    """How often the screens ask whether anything changed."""
    scanner: ScannerSettings = field(default_factory=ScannerSettings)
    alerts: AlertSettings = field(default_factory=AlertSettings)
    """When this terminal rings for new and late work."""
    devices: Devices = NO_DEVICES
    """The payment terminal and the receipt printer."""
    theme: str = "holdshelf"
    paper: Paper = NO_PAPER
    keymap: Mapping[str, str] = field(default_factory=dict)
    """Keys by the id of an action, for programmable keyboards."""


@dataclass(frozen=True, slots=True)
class TakenOver:
    """An order with which this person goes on, and whose work on it they go on from."""

    order: str
    upto_seq: int = 0
    """Up to this operation of the store's it was seen who has it, and agreed to."""
    before: frozenset[str] = frozenset()
    """Who stood at this terminal, with this order on it, before them."""
    picker: str = ""
    """Who picks it in a wave, where that was seen and agreed to."""


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

    approval: Approval | None = None
    """What a lead or manager has approved for the command under way."""
    takes_over: TakenOver | None = None
    """The order that this person goes on with, though somebody else has picked of it."""

    def name_of(self, associate_id: str) -> str:
        """Return what an associate is called here."""
        people = self.store.associates()
        return next((one.name for one in people if one.id == associate_id), associate_id)

    def perform(
        self, operation: FulfillmentOperation, judge: Judge = anything_goes
    ) -> FulfillmentOrder:
        """Record `operation` durably; refuse it where the signed-in role may not do that.

        `judge` is asked while no other terminal of the store can record anything.
        """
        approval = self.require(action_of(operation.kind), self.approval)
        return self.store.perform(
            operation, by=self.actor.id, dev=self.device, approval=approval, judge=judge
        )

    def record_money(
        self,
        operation: MoneyOperation,
        action: Action | None = None,
        judge: Callable[[object], object] = anything_goes,
    ) -> None:
        """Record what happens to a drawer, by the same rules."""
        approval = self.require(action or action_of(operation.kind))
        self.store.record_money(
            operation, by=self.actor.id, dev=self.device, approval=approval, judge=judge
        )

    @property
    def is_led(self) -> bool:
        """Whether a lead or manager hands over here, or has approved just that."""
        approval = self.approval
        return self.actor.may_override or (
            approval is not None and approval.action in _LED_HAND_OVERS
        )

    def require(self, action: Action, anyway: Approval | None = None) -> Approval | None:
        """Raise `NeedsRole` where who is signed in may not do `action` and nobody approved it.

        Returns the approval that the operation has to carry: that of the action, or
        `anyway` where the command has asked for more than its operation does.
        """
        self.require_worker()
        if self.actor.may(action):
            return anyway
        if self.approval is None or self.approval.action is not action:
            raise NeedsRole(action)
        return self.approval

    def require_worker(self) -> None:
        """Raise `Refusal` where the signed-in role may change nothing."""
        if not self.actor.may_work:
            raise Refusal(
                f"{self.actor.name} is signed in as {self.actor.role.value} and may only read.",
                "Ask an associate to sign in and do this.",
            )
