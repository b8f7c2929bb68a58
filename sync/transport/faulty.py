"""A transport made worse on purpose: seeded, so that a story can be told again.

Wraps any `SyncEndpoint`. Whether and how a call is spoiled depends on nothing
but the given `Random` and the calls so far. It never waits: a delayed request is
delivered before some later call, which is how lateness looks from outside.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import NamedTuple, NoReturn, TypeVar

from sync.protocol.endpoint import OperationsPage, PullPage, SyncEndpoint
from sync.protocol.errors import ProtocolError, TryLater, Unreachable
from sync.protocol.session import (
    HelloAnswer,
    HelloRequest,
    Poke,
    PushAnswer,
    PushHeader,
    SnapshotManifest,
)

T = TypeVar("T")

LATE_MAX = 16
"""More delayed requests than this are lost."""
LATE_CALLS = frozenset({"hello", "pull", "operations"})
"""Requests beside pushes that central may hear of when nobody waits for its answer any more."""
INCIDENTS_MAX = 10_000
RETRY_AFTER_S_MAX = 30


@dataclass(frozen=True, slots=True)
class Faults:
    """How often each fault strikes: probabilities from 0 to 1."""

    drop: float = 0.0
    """The request never arrives."""
    lose_answer: float = 0.0
    """Central acts, and its answer is lost."""
    duplicate: float = 0.0
    """The call arrives twice; one of the answers comes back."""
    late_push: float = 0.0
    """A push seems lost, and arrives before some later call."""
    late_call: float = 0.0
    """Another request (`LATE_CALLS`) seems lost, and arrives before some later call."""
    deliver: float = 0.3
    """A delayed request arrives before this call."""
    try_later: float = 0.0
    """Central is overloaded."""
    short_page: float = 0.0
    """A page holds fewer rows than asked for, which central may do."""
    truncate_page: float = 0.0
    """A page holds fewer rows than its header says, as from a transport without checks."""
    corrupt_part: float = 0.0
    """One byte of a snapshot's part is another."""
    lose_poke: float = 0.0
    """A poke does not come through."""


class Incident(NamedTuple):
    """One fault that struck."""

    number: int
    """Of the call, from 1."""
    call: str
    fault: str


class FaultyEndpoint:
    """`inner` as seen through a bad network."""

    def __init__(self, inner: SyncEndpoint, random: Random, faults: Faults) -> None:
        self.faults = faults
        """May be set anew at any time."""
        self.incidents: deque[Incident] = deque(maxlen=INCIDENTS_MAX)
        """The story so far."""
        self.counts: Counter[str] = Counter()
        """How often each fault has struck."""
        self._inner = inner
        self._random = random
        self._is_cut = False
        self._cut_before = ""
        self._calls = 0
        self._late: list[tuple[str, Callable[[], object]]] = []

    @property
    def is_cut(self) -> bool:
        """Whether nothing gets through until `restore`."""
        return self._is_cut

    @property
    def late_requests(self) -> int:
        """How many delayed requests are still on their way."""
        return len(self._late)

    def cut(self) -> None:
        """Let nothing through from now on."""
        self._is_cut = True

    def cut_before(self, call: str) -> None:
        """Let nothing through from the next call of this name on: a round is cut in its middle."""
        self._cut_before = call

    def restore(self) -> None:
        """Let calls through again."""
        self._is_cut = False
        self._cut_before = ""

    def deliver_late(self) -> int:
        """Deliver every delayed request now, oldest first; return how many."""
        late, self._late = self._late, []
        for name, act in late:
            self._deliver(name, act)
        return len(late)

    def challenge(self) -> str:
        """Return a nonce to sign."""
        return self._call("challenge", self._inner.challenge)

    def hello(self, request: HelloRequest) -> HelloAnswer:
        """Open a session."""
        return self._call("hello", lambda: self._inner.hello(request))

    def push(self, header: PushHeader, lines: tuple[bytes, ...]) -> PushAnswer:
        """Send operations, perhaps much later than it seems."""

        def send() -> PushAnswer:
            return self._inner.push(header, lines)

        def deliver() -> PushAnswer:
            if self._strikes("push", "late_push", self.faults.late_push):
                self._delay("push", send)
            return send()

        return self._call("push", deliver)

    def pull(self, scope: str, incarnation: int, after: int, limit: int) -> PullPage:
        """Fetch a page of the feed."""

        def fetch() -> PullPage:
            short = self._strikes("pull", "short_page", self.faults.short_page)
            asked = self._random.randint(1, limit) if short else limit
            return self._inner.pull(scope, incarnation, after, asked)

        page = self._call("pull", fetch)
        if page.lines and self._strikes("pull", "truncate_page", self.faults.truncate_page):
            return PullPage(page.header, page.lines[: self._random.randrange(len(page.lines))])
        return page

    def operations(self, replica_id: str, epoch: int, from_seq: int) -> OperationsPage:
        """Fetch what central has of this store's own operations."""
        return self._call("operations", lambda: self._inner.operations(replica_id, epoch, from_seq))

    def manifest(self, scope: str) -> SnapshotManifest:
        """Return what the newest snapshot of `scope` consists of."""
        return self._call("manifest", lambda: self._inner.manifest(scope))

    def snapshot_part(self, manifest: SnapshotManifest, part: int) -> bytes:
        """Fetch one part of a snapshot's file, perhaps damaged."""
        content = self._call("snapshot_part", lambda: self._inner.snapshot_part(manifest, part))
        if content and self._strikes("snapshot_part", "corrupt_part", self.faults.corrupt_part):
            damaged = bytearray(content)
            damaged[self._random.randrange(len(damaged))] ^= self._random.randint(1, 255)
            return bytes(damaged)
        return content

    def pokes(self) -> Iterator[Poke | None]:
        """Yield pokes; some are lost, and a cut ends the stream."""
        for poke in self._call("pokes", self._inner.pokes):
            if self._is_cut:
                raise Unreachable("the network is cut")
            lost = poke is not None and self._strikes("pokes", "lose_poke", self.faults.lose_poke)
            if not lost:
                yield poke

    def _call(self, name: str, act: Callable[[], T]) -> T:
        self._calls += 1
        self._is_cut = self._is_cut or name == self._cut_before
        if self._is_cut:
            raise Unreachable("the network is cut")
        self._deliver_some()
        if self._strikes(name, "drop", self.faults.drop):
            raise Unreachable("the request was lost")
        if self._strikes(name, "try_later", self.faults.try_later):
            raise TryLater(self._random.randint(1, RETRY_AFTER_S_MAX))
        if name in LATE_CALLS and self._strikes(name, "late_call", self.faults.late_call):
            self._delay(name, act)
        answer = act()
        if self._strikes(name, "duplicate", self.faults.duplicate):
            answer = self._again(act, answer)
        if self._strikes(name, "lose_answer", self.faults.lose_answer):
            raise Unreachable("the answer was lost")
        return answer

    def _again(self, act: Callable[[], T], first: T) -> T:
        """Act a second time; whichever answer comes back is good."""
        try:
            second = act()
        except ProtocolError:
            return first
        return self._random.choice((first, second))

    def _delay(self, name: str, act: Callable[[], object]) -> NoReturn:
        self._late = [*self._late, (name, act)][-LATE_MAX:]
        raise Unreachable(f"the {name} is late")

    def _deliver_some(self) -> None:
        late, self._late = self._late, []
        for name, act in late:
            if self._random.random() < self.faults.deliver:
                self._deliver(name, act)
            else:
                self._late.append((name, act))

    def _deliver(self, name: str, act: Callable[[], object]) -> None:
        self._note(name, "arrived_late")
        try:
            act()
        except ProtocolError:
            return  # nobody waits for this answer

    def _strikes(self, call: str, fault: str, rate: float) -> bool:
        struck = self._random.random() < rate
        if struck:
            self._note(call, fault)
        return struck

    def _note(self, call: str, fault: str) -> None:
        self.incidents.append(Incident(self._calls, call, fault))
        self.counts[fault] += 1
