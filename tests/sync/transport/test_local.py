"""Central in the same process: the same bytes as on a wire."""

from collections.abc import Iterator

import pytest

from sync.protocol.endpoint import OperationsPage, PullPage
from sync.protocol.errors import CursorExpired, Fork, NotAuthentic, ProtocolRefused, Unreachable
from sync.protocol.session import (
    HelloAnswer,
    HelloRequest,
    Poke,
    PushAnswer,
    PushHeader,
    SnapshotManifest,
)
from sync.transport.local import LocalEndpoint
from tests.sync.transport import messages


class Central:
    """Answers everything, refuses on demand, notes who spoke."""

    def __init__(self) -> None:
        self.refusal: ProtocolRefused | None = None
        self.heard: list[object] = []
        self.rows = 2

    def challenge(self) -> str:
        self._note("")
        return "nonce"

    def hello(self, request: HelloRequest) -> HelloAnswer:
        self._note(request)
        return messages.hello_answer()

    def push(self, replica_id: str, header: PushHeader, lines: tuple[bytes, ...]) -> PushAnswer:
        self._note((replica_id, header, lines))
        return messages.push_answer(header.count)

    def pull(
        self, replica_id: str, scope: str, incarnation: int, after: int, limit: int
    ) -> PullPage:
        self._note((replica_id, scope, incarnation, after, limit))
        return PullPage(messages.pull_header(2, scope, after), (b'{"a":1}',) * self.rows)

    def operations(
        self, replica_id: str, of_replica: str, epoch: int, from_seq: int
    ) -> OperationsPage:
        self._note((replica_id, of_replica, epoch, from_seq))
        return OperationsPage(messages.operations_header(1, epoch, from_seq), (b"{}",))

    def manifest(self, replica_id: str, scope: str) -> SnapshotManifest:
        self._note((replica_id, scope))
        return messages.manifest(b"abcdef", 4)

    def part(self, replica_id: str, manifest: SnapshotManifest, part: int) -> bytes:
        self._note((replica_id, part))
        return b"abcdef"[part * 4 : part * 4 + 4]

    def subscribe(self, replica_id: str) -> Iterator[Poke | None]:
        self._note(replica_id)
        yield None
        yield Poke(scope="catalogue", rev=3)

    def _note(self, heard: object) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.heard.append(heard)


@pytest.fixture
def central() -> Central:
    return Central()


@pytest.fixture
def endpoint(central) -> LocalEndpoint:
    local = LocalEndpoint(central)
    local.hello(messages.hello_request())
    central.heard.clear()
    return local


def _calls(endpoint: LocalEndpoint):
    return {
        "push": lambda: endpoint.push(messages.push_header(1), (b"{}",)),
        "pull": lambda: endpoint.pull("store:012", 3, 4, 50),
        "operations": lambda: endpoint.operations("R0", 2, 7),
        "manifest": lambda: endpoint.manifest("catalogue"),
        "part": lambda: endpoint.snapshot_part(messages.manifest(b"abcdef", 4), 1),
        "pokes": lambda: list(endpoint.pokes()),
    }


def test_every_call_reaches_central_for_the_replica_that_said_hello(central, endpoint):
    """After hello, calls speak for its replica and carry what was given."""
    answers = {name: call() for name, call in _calls(endpoint).items()}
    assert answers["push"] == messages.push_answer(1)
    assert answers["pull"].lines == (b'{"a":1}', b'{"a":1}')
    assert answers["part"] == b"ef"
    assert answers["pokes"] == [None, Poke(scope="catalogue", rev=3)]
    assert central.heard == [
        (messages.REPLICA, messages.push_header(1), (b"{}",)),
        (messages.REPLICA, "store:012", 3, 4, 50),
        (messages.REPLICA, "R0", 2, 7),
        (messages.REPLICA, "catalogue"),
        (messages.REPLICA, 1),
        messages.REPLICA,
    ]


@pytest.mark.parametrize("name", ["push", "pull", "operations", "manifest", "part", "pokes"])
def test_without_a_session_nothing_reaches_central(central, endpoint, name):
    """Every call but challenge and hello needs a session."""
    endpoint.end_session()
    with pytest.raises(NotAuthentic):
        _calls(endpoint)[name]()
    assert central.heard == []


@pytest.mark.parametrize("name", ["push", "pull", "operations", "manifest", "part", "pokes"])
def test_a_refusal_arrives_with_its_kind_words_and_data(central, endpoint, name):
    """What the hub raises is what the edge catches, rebuilt from bytes."""
    central.refusal = Fork("the journal differs", seq=4, last_seq=9)
    with pytest.raises(Fork) as caught:
        _calls(endpoint)[name]()
    assert caught.value is not central.refusal
    assert (str(caught.value), caught.value.data) == (
        "the journal differs",
        {"seq": 4, "last_seq": 9},
    )


def test_a_refused_challenge_and_hello_are_told_as_well(central):
    """The way in tells refusals in the same manner."""
    endpoint = LocalEndpoint(central)
    central.refusal = CursorExpired("no", floor_rev=1)
    with pytest.raises(CursorExpired):
        endpoint.challenge()
    with pytest.raises(CursorExpired):
        endpoint.hello(messages.hello_request())
    with pytest.raises(NotAuthentic):
        endpoint.manifest("catalogue")


def test_data_that_no_wire_could_carry_is_a_finding(central, endpoint):
    """A refusal with an object inside fails here and not in a store."""
    central.refusal = Fork("differs", where=object())
    with pytest.raises(TypeError):
        endpoint.manifest("catalogue")


def test_a_page_that_does_not_add_up_is_not_passed_on(central, endpoint):
    """Rows that a header announces and that did not come are noticed here, as over HTTP."""
    central.rows = 1
    with pytest.raises(Unreachable):
        endpoint.pull("store:012", 3, 0, 50)
