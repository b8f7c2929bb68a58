"""One store's way into central: what HTTP does, without HTTP.

Sessions are central's own tokens, pages are central's own bytes, and what
breaks at central looks from here like what breaks behind a web server.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from central_server.services.errors import ServiceRefused
from central_server.storage.commits import Unavailable
from central_server.web import frames as web_frames
from central_server.web.deps import Central
from sync.protocol import errors
from sync.protocol.endpoint import OperationsPage, PullPage
from sync.protocol.session import (
    OPS_PER_PUSH_MAX,
    HelloAnswer,
    HelloRequest,
    Poke,
    PullHeader,
    PushAnswer,
    PushHeader,
    SnapshotManifest,
)
from sync.protocol.verdicts import VerdictStatus
from sync.protocol.version import PROTOCOL_VERSION
from tests.simulation.faults import Crashed, is_central_full
from tests.support.refusals import as_told

if TYPE_CHECKING:
    from tests.simulation.central import CentralMachine

RETRY_AFTER_S = 2.0
UNKNOWN_BEFORE = {"lease_ms": 0, "terms": None, "confirm_terms": False}
"""What a push says of leases, to a central whose program knows none."""
"""What central's HTTP layer says while its database takes nothing."""

T = TypeVar("T")


@dataclass
class Link:
    """Implements `sync.transport.local.CentralSide` for one store."""

    machine: "CentralMachine"
    speaks: int = PROTOCOL_VERSION
    """The newest version of the protocol that this store's program knows."""
    token: str = ""
    ops_max: int = OPS_PER_PUSH_MAX
    """How many operations central takes in one push."""
    verdicts: dict[tuple[str, int, int], str] = field(default_factory=dict)
    """What central has ever said of an operation, by its identity."""
    contradictions: list[str] = field(default_factory=list)
    """Verdicts that central took back."""

    def challenge(self) -> str:
        return self._ask(lambda central: central.sessions.challenge().nonce)

    def hello(self, request: HelloRequest) -> HelloAnswer:
        newest = min(self.speaks, self.machine.speaks)
        if request.protocol_min > newest:
            raise errors.VersionUnsupported("no common protocol version", min=1, max=newest)
        spoken = min(request.protocol_max, newest)
        older = request.model_copy(update={"protocol_max": spoken})
        answer = self._ask(lambda central: central.sessions.hello(older))
        self.token = answer.session_token
        return answer.model_copy(update={"ops_max": min(answer.ops_max, self.ops_max)})

    def push(self, replica_id: str, header: PushHeader, lines: tuple[bytes, ...]) -> PushAnswer:
        spoken = min(header.protocol, self.speaks)
        if spoken > self.machine.speaks:
            raise errors.VersionUnsupported(
                "no common protocol version", min=1, max=self.machine.speaks
            )
        older = header
        if spoken < header.protocol:
            older = header.model_copy(update={"protocol": spoken, **UNKNOWN_BEFORE})
        answer = self._ask(lambda central: central.sync.push(self._replica(central), older, lines))
        self._listen(replica_id, header, answer)
        return answer

    def pull(
        self, replica_id: str, scope: str, incarnation: int, after: int, limit: int
    ) -> PullPage:
        def read(central: Central) -> PullPage:
            page = central.sync.page(self._replica(central), scope, incarnation, after, limit)
            first, *lines = web_frames.write_pull(page.header, page.rows).splitlines()
            return PullPage(PullHeader.model_validate_json(first), tuple(lines))

        return self._ask(read)

    def operations(
        self, replica_id: str, of_replica: str, epoch: int, from_seq: int
    ) -> OperationsPage:
        return self._ask(
            lambda central: central.sync.operations(
                self._replica(central), of_replica, epoch, from_seq
            )
        )

    def manifest(self, replica_id: str, scope: str) -> SnapshotManifest:
        return self._ask(lambda central: central.sync.manifest(self._replica(central), scope))

    def part(self, replica_id: str, manifest: SnapshotManifest, part: int) -> bytes:
        start = part * manifest.part_bytes
        end = min(start + manifest.part_bytes, manifest.bytes_compressed) - 1

        def read(central: Central) -> bytes:
            current = central.sync.manifest(self._replica(central), manifest.scope)
            if current.sha256 != manifest.sha256:
                raise errors.Unreachable("the snapshot was replaced by a newer one")
            return central.sync.snapshot_bytes(current, start, end)

        return self._ask(read)

    def subscribe(self, replica_id: str) -> Iterator[Poke | None]:
        raise AssertionError("rounds are events here; nobody listens for pokes")

    def _replica(self, central: Central) -> str:
        session = central.sessions.session(self.token)
        if session is None:
            raise errors.NotAuthentic("the session is over; say hello again")
        return session.replica_id

    def _ask(self, call: Callable[[Central], T]) -> T:
        """Ask the central that runs now; it may go down over it."""
        try:
            return call(self.machine.parts.central)
        except Crashed:
            self.machine.restart()
            raise errors.Unreachable("central went down") from None
        except ServiceRefused as refusal:
            raise as_told(refusal) from refusal
        except Unavailable as problem:
            if not is_central_full(problem):
                raise
            raise errors.TryLater(RETRY_AFTER_S) from problem

    def _listen(self, replica_id: str, header: PushHeader, answer: PushAnswer) -> None:
        """Hold central to its word: a verdict is given once and stays."""
        said = {verdict.seq: verdict.status.value for verdict in answer.verdicts}
        for seq in range(header.told_seq + 1, answer.acked_seq + 1):
            key = (replica_id, header.epoch, seq)
            status = said.get(seq, "accepted")
            before = self.verdicts.setdefault(key, status)
            if before not in (status, VerdictStatus.QUARANTINED):
                self.contradictions.append(f"operation {key}: first {before}, then {status}")
