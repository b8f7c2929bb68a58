"""Central as a store of the replay sees it: over HTTP, with a network that can be cut.

A store that follows its own scope only does not hear that there are others. The
connections of one process are shared by all of its stores, their sessions are not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter

import httpx

from sync.protocol.endpoint import OperationsPage, PullPage
from sync.protocol.errors import Unreachable
from sync.protocol.rows import STORE_PREFIX
from sync.protocol.session import (
    HelloAnswer,
    HelloRequest,
    Poke,
    PushAnswer,
    PushHeader,
    ScopeHead,
    SnapshotManifest,
)
from sync.transport.http import HttpEndpoint


@dataclass
class Figures:
    """What went over the wire."""

    pushed: int = 0
    push_seconds: float = 0.0
    rows: int = 0
    snapshots: int = 0
    refused_while_cut: int = 0


class CuttableEndpoint:
    """A `SyncEndpoint` over `HttpEndpoint`."""

    def __init__(self, client: httpx.Client, figures: Figures, *, whole: bool) -> None:
        self._http = HttpEndpoint(str(client.base_url), client_factory=lambda _: client)
        self._figures = figures
        self._whole = whole
        self.cut = False

    def challenge(self) -> str:
        return self._through().challenge()

    def hello(self, request: HelloRequest) -> HelloAnswer:
        answer = self._through().hello(request)
        return answer.model_copy(update={"heads": self._heads(answer.heads)})

    def push(self, header: PushHeader, lines: tuple[bytes, ...]) -> PushAnswer:
        began = perf_counter()
        answer = self._through().push(header, lines)
        if lines:
            self._figures.push_seconds += perf_counter() - began
            self._figures.pushed += len(lines)
        return answer.model_copy(update={"heads": self._heads(answer.heads)})

    def pull(self, scope: str, incarnation: int, after: int, limit: int) -> PullPage:
        page = self._through().pull(scope, incarnation, after, limit)
        self._figures.rows += len(page.lines)
        return page

    def operations(self, replica_id: str, epoch: int, from_seq: int) -> OperationsPage:
        return self._through().operations(replica_id, epoch, from_seq)

    def manifest(self, scope: str) -> SnapshotManifest:
        return self._through().manifest(scope)

    def snapshot_part(self, manifest: SnapshotManifest, part: int) -> bytes:
        if part == 0:
            self._figures.snapshots += 1
        return self._through().snapshot_part(manifest, part)

    def pokes(self) -> Iterator[Poke | None]:
        return self._through().pokes()

    def _through(self) -> HttpEndpoint:
        if self.cut:
            self._figures.refused_while_cut += 1
            raise Unreachable("the network is cut")
        return self._http

    def _heads(self, heads: tuple[ScopeHead, ...]) -> tuple[ScopeHead, ...]:
        if self._whole:
            return heads
        return tuple(head for head in heads if head.scope.startswith(STORE_PREFIX))
