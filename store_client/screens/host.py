"""What screens know of the application, and the desk at which a command of theirs is done."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple, Protocol, TypeVar, cast

from textual.screen import Screen

from store_client.ports import BoardRow, Store, SyncState
from store_client.services.board import BoardEntry
from store_client.services.desk import Actor, Desk, TerminalSettings
from store_client.services.scanner import Code
from sync.clock import Clock
from sync.domain.people import Approval
from sync.protocol.rows import StoreRow

T = TypeVar("T")

Behind = Callable[[], Sequence[Code]]
"""Takes out the scans that wait behind another."""


class FlowBoard(Protocol):
    """The part of a flow's board that the Today screen uses."""

    def describe(self, row: BoardRow, store: StoreRow | None, now_ms: int) -> BoardEntry:
        """Return the entry for one order."""
        ...


class FlowDesk(NamedTuple):
    """A screen of a flow's own that is about many orders, opened from Today by a key."""

    key: str
    """As Textual names it, such as `f4`."""
    label: str
    help: str
    screen: Callable[[], Screen[Any]]
    offered: Callable[[StoreRow], bool] = lambda _: True
    """Whether a store has any use for it."""


class FlowUi(NamedTuple):
    """A flow at the terminal."""

    name: str
    """As in `sync.domain.flows`."""
    screen: Callable[[str], Screen[Any]]
    """Makes the work screen of one fulfillment order."""
    board: FlowBoard
    commands: Any
    """The flow's use cases."""
    desk: FlowDesk | None = None


class Host(Protocol):
    """The application, as screens see it."""

    store: Store
    clock: Clock
    settings: TerminalSettings
    flows: Sequence[FlowUi]
    actor: Actor | None
    store_row: StoreRow | None
    sync_state: SyncState | None

    def off_loop(self, job: Callable[[], T]) -> Awaitable[T]:
        """Run `job` in a thread."""
        ...

    def central_now_ms(self) -> int:
        """Return what central's clock shows: what is due, and what is over, goes by it."""
        ...

    def open_order(self, flow: str, fulfillment_id: str) -> None:
        """Open the work screen of an order."""
        ...

    def open_code(self, code: Code, behind: Behind = tuple) -> None:
        """Open what a code means: an order, what lies at a spot, a product.

        `behind` gives, in the moment when that is known, what was scanned after the code; an
        order that is opened takes it, and nothing else does.
        """
        ...

    def unused_code(self, code: Code) -> None:
        """Say that nothing was done with a scan."""
        ...

    def signed_in(self, actor: Actor) -> None:
        """Go on as `actor`."""
        ...

    def unlocked(self, actor: Actor) -> None:
        """Go on where the locked terminal was, as `actor`."""
        ...

    def say_standing(self) -> None:
        """Tell every screen's bar how things stand."""
        ...

    def note_error(self, error: BaseException) -> None:
        """Write an error into the log."""
        ...

    @property
    def network_is_cut(self) -> bool:
        """Whether the demo's switch is off."""
        ...

    @property
    def reaches_central(self) -> bool:
        """Whether central hears soon of what is recorded now."""
        ...


def host_of(screen: Screen[Any]) -> Host:
    """Return the application of a screen."""
    return cast("Host", screen.app)


class NobodySignedIn(RuntimeError):
    """There is no desk: nobody is signed in."""


def desk_of(host: Host) -> Desk:
    """Return the desk as it is at this moment: another associate may take a terminal over."""
    if host.actor is None:
        raise NobodySignedIn("nobody is signed in")
    settings = host.settings
    return Desk(
        host.store, host.clock, host.actor, settings.device, settings.paper, settings.devices,
        _approval.get(),
    )  # fmt: skip


class Approved(NamedTuple):
    """An approval, for one command of who was signed in when it was given."""

    approval: Approval
    actor_id: str


_approval: ContextVar[Approval | None] = ContextVar("approval", default=None)
"""Of the command that runs now: it goes along into that command's thread, and to no other's."""


@contextmanager
def with_approval(host: Host, approved: Approved | None) -> Iterator[None]:
    """Let desks of the command that runs inside carry what was approved for it.

    Who took the terminal over since acts by their own right, or not at all.
    """
    actor, valid = host.actor, None
    if approved is not None and actor is not None and actor.id == approved.actor_id:
        valid = approved.approval if approved.approval.by != actor.id else None
    token = _approval.set(valid)
    try:
        yield
    finally:
        _approval.reset(token)
