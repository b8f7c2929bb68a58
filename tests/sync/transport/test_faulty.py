"""The faulty transport: seeded, and each fault does what its name says."""

from collections.abc import Iterator
from random import Random

import pytest

from sync.protocol.endpoint import OperationsPage, PullPage
from sync.protocol.errors import Gap, ProtocolError, TryLater, Unreachable
from sync.protocol.session import HelloAnswer, HelloRequest, Poke, PushAnswer, PushHeader
from sync.protocol.session import SnapshotManifest as Manifest
from sync.transport.faulty import LATE_CALLS, Faults, FaultyEndpoint
from tests.sync.transport import messages

FILE = bytes(range(256))


class Central:
    """Remembers what arrived."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.refuse_pushes = False

    def challenge(self) -> str:
        self.calls.append("challenge")
        return "nonce"

    def hello(self, request: HelloRequest) -> HelloAnswer:
        self.calls.append("hello")
        return messages.hello_answer()

    def push(self, header: PushHeader, lines: tuple[bytes, ...]) -> PushAnswer:
        self.calls.append(f"push {header.first_seq}")
        if self.refuse_pushes:
            raise Gap("operation 1 is missing", expected_seq=1)
        return messages.push_answer(header.first_seq + len(lines) - 1)

    def pull(self, scope: str, incarnation: int, after: int, limit: int) -> PullPage:
        self.calls.append(f"pull {limit}")
        return PullPage(messages.pull_header(limit, scope, after), (b"{}",) * limit)

    def operations(self, replica_id: str, epoch: int, from_seq: int) -> OperationsPage:
        self.calls.append("operations")
        return OperationsPage(messages.operations_header(1, epoch, from_seq), (b"{}",))

    def manifest(self, scope: str) -> Manifest:
        self.calls.append("manifest")
        return messages.manifest(FILE, 256)

    def snapshot_part(self, manifest: Manifest, part: int) -> bytes:
        self.calls.append("part")
        return FILE

    def pokes(self) -> Iterator[Poke | None]:
        self.calls.append("pokes")
        yield None
        yield Poke(scope="store:012", rev=8)
        yield None


def _always(**faults: float) -> tuple[Central, FaultyEndpoint]:
    central = Central()
    return central, FaultyEndpoint(central, Random(1), Faults(**faults))


def _story(seed: int) -> tuple[list[str], list, list[str]]:
    """Return what arrived, what struck and what came back, for one seed."""
    rates = dict.fromkeys(Faults.__dataclass_fields__, 0.2)
    central = Central()
    endpoint = FaultyEndpoint(central, Random(seed), Faults(**rates))
    results = []
    for number in range(1, 60):
        steps = (
            lambda number=number: endpoint.push(messages.push_header(1, number), (b"{}",)),
            lambda: endpoint.pull("store:012", 3, 0, 50),
            lambda: endpoint.operations(messages.REPLICA, 1, 1),
            lambda: endpoint.snapshot_part(messages.manifest(FILE, 256), 0),
            lambda: list(endpoint.pokes()),
        )
        for step in steps:
            try:
                results.append(repr(step()))
            except ProtocolError as problem:
                results.append(repr(problem))
    return central.calls, list(endpoint.incidents), results


def test_the_same_seed_tells_the_same_story():
    """A failure found by a seed can be replayed: arrivals, faults and answers are the same."""
    assert _story(7) == _story(7)


def test_another_seed_tells_another_story():
    """Seeds explore."""
    assert _story(7)[1] != _story(8)[1]


def test_every_fault_strikes_sooner_or_later():
    """No rate is without effect."""
    struck = {incident.fault for incident in _story(7)[1]}
    assert struck == (set(Faults.__dataclass_fields__) - {"deliver"}) | {"arrived_late"}


def test_without_faults_everything_passes():
    """The default spoils nothing."""
    central, endpoint = _always()
    assert endpoint.challenge() == "nonce"
    assert endpoint.hello(messages.hello_request()) == messages.hello_answer()
    assert endpoint.push(messages.push_header(1), (b"{}",)).acked_seq == 1
    assert len(endpoint.pull("store:012", 3, 0, 5).lines) == 5
    assert endpoint.manifest("catalogue") == messages.manifest(FILE, 256)
    assert len(list(endpoint.pokes())) == 3
    assert len(central.calls) == 6
    assert not endpoint.incidents


def test_a_dropped_request_never_arrives():
    """The caller hears `Unreachable`, central nothing."""
    central, endpoint = _always(drop=1)
    with pytest.raises(Unreachable):
        endpoint.push(messages.push_header(), ())
    assert central.calls == []


def test_a_lost_answer_leaves_the_deed_done():
    """Central has acted although the caller hears `Unreachable`."""
    central, endpoint = _always(lose_answer=1)
    with pytest.raises(Unreachable):
        endpoint.push(messages.push_header(), ())
    assert central.calls == ["push 1"]


def test_a_duplicate_arrives_twice_and_is_answered_once():
    """The caller does not notice."""
    central, endpoint = _always(duplicate=1)
    assert endpoint.push(messages.push_header(1), (b"{}",)).acked_seq == 1
    assert central.calls == ["push 1", "push 1"]


def test_a_late_push_arrives_before_a_later_call():
    """The old push overtakes nothing that was sent before it, and comes when nobody expects it."""
    central, endpoint = _always(late_push=1, deliver=1)
    with pytest.raises(Unreachable):
        endpoint.push(messages.push_header(), ())
    assert (central.calls, endpoint.late_requests) == ([], 1)
    endpoint.challenge()
    assert (central.calls, endpoint.late_requests) == (["push 1", "challenge"], 0)


@pytest.mark.parametrize("call", sorted(LATE_CALLS))
def test_other_requests_may_come_late_too(call: str):
    """A greeting, a pull, a question for operations: given up, and heard by central later."""
    central, endpoint = _always(late_call=1, deliver=1)
    ask = {
        "hello": lambda: endpoint.hello(messages.hello_request()),
        "pull": lambda: endpoint.pull("store:012", 3, 0, 5),
        "operations": lambda: endpoint.operations(messages.REPLICA, 1, 1),
    }[call]
    with pytest.raises(Unreachable):
        ask()
    assert (central.calls, endpoint.late_requests) == ([], 1)
    endpoint.challenge()
    assert [one.split()[0] for one in central.calls] == [call, "challenge"]


def test_what_a_late_push_leads_to_is_heard_by_nobody():
    """A refusal of a late push does not hit the call before which it arrived."""
    central, endpoint = _always(late_push=1, deliver=0)
    central.refuse_pushes = True
    with pytest.raises(Unreachable):
        endpoint.push(messages.push_header(), ())
    assert endpoint.deliver_late() == 1
    assert central.calls == ["push 1"]


def test_a_cut_lets_nothing_through_until_it_is_restored():
    """Every call fails, an open stream of pokes too; afterwards all is as before."""
    central, endpoint = _always()
    stream = endpoint.pokes()
    next(stream)
    endpoint.cut()
    assert endpoint.is_cut
    with pytest.raises(Unreachable):
        next(stream)
    for call in (endpoint.challenge, lambda: endpoint.manifest("catalogue")):
        with pytest.raises(Unreachable):
            call()
    assert central.calls == ["pokes"]
    endpoint.restore()
    assert endpoint.challenge() == "nonce"


def test_an_overloaded_central_says_how_long():
    """The wait is positive and bounded."""
    _, endpoint = _always(try_later=1)
    with pytest.raises(TryLater) as caught:
        endpoint.challenge()
    assert 1 <= caught.value.retry_after_s <= 30


def test_a_short_page_is_a_legal_page():
    """Central may send fewer rows than asked for; header and rows agree."""
    _, endpoint = _always(short_page=1)
    page = endpoint.pull("store:012", 3, 0, 1000)
    assert page.header.count == len(page.lines) < 1000


def test_a_truncated_page_lacks_rows():
    """The header promises more than there is."""
    _, endpoint = _always(truncate_page=1)
    page = endpoint.pull("store:012", 3, 0, 5)
    assert len(page.lines) < page.header.count == 5


def test_a_corrupt_part_differs_in_one_byte():
    """The size stays, so that only a checksum can tell."""
    _, endpoint = _always(corrupt_part=1)
    content = endpoint.snapshot_part(messages.manifest(FILE, 256), 0)
    assert sum(one != other for one, other in zip(content, FILE, strict=True)) == 1


def test_lost_pokes_leave_the_signs_of_life():
    """Only pokes are lost: the stream looks healthy."""
    _, endpoint = _always(lose_poke=1)
    assert list(endpoint.pokes()) == [None, None]
