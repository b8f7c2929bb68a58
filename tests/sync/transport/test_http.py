"""Central over HTTP, against a server that answers byte for byte as told."""

import json
from threading import Event

import pytest
import zstandard

from sync.protocol import errors
from sync.protocol.session import EnrolAnswer, PushHeader
from sync.transport import frames
from sync.transport.client import open_client
from sync.transport.http import HttpEndpoint, enrol
from sync.transport.traffic import Traffic
from tests.sync.transport import messages
from tests.sync.transport.conftest import TOKEN, token_session
from tests.sync.transport.server import Reply, reply, reply_message, reply_problem, serving

FILE = bytes(range(256)) * 10
HTML = reply(b"<html>please pay</html>", content_type="text/html; charset=utf-8")


def _page(count: int, header_count: int | None = None, scope: str = "store:012") -> Reply:
    header = messages.pull_header(count if header_count is None else header_count, scope)
    lines = tuple(b'{"e":"stock","k":"%d","r":1}' % number for number in range(count))
    return _framed(frames.pack(header, lines))


def _framed(body: bytes) -> Reply:
    return reply(body, content_type=frames.CONTENT_TYPE, content_encoding="zstd")


CALLS = {
    "challenge": lambda endpoint: endpoint.challenge(),
    "hello": lambda endpoint: endpoint.hello(messages.hello_request()),
    "push": lambda endpoint: endpoint.push(messages.push_header(), ()),
    "pull": lambda endpoint: endpoint.pull("store:012", 3, 0, 50),
    "manifest": lambda endpoint: endpoint.manifest("catalogue"),
    "snapshot_part": lambda endpoint: endpoint.snapshot_part(messages.manifest(FILE, 1000), 0),
    "pokes": lambda endpoint: list(endpoint.pokes()),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


# --- what is asked, and what a good answer becomes ----------------------------------------


def test_a_hello_opens_the_session_of_later_calls(central):
    """Challenge and hello need no token; what follows carries the one that hello brought."""
    answers = {
        "/v1/sync/challenge": reply(b'{"nonce": "n-1"}'),
        "/v1/sync/hello": reply_message(messages.hello_answer(TOKEN)),
        "/v1/sync/push": reply_message(messages.push_answer()),
    }
    central.handler = lambda seen: answers[seen.target]
    endpoint = HttpEndpoint(central.url)
    assert endpoint.challenge() == "n-1"
    assert endpoint.hello(messages.hello_request()) == messages.hello_answer(TOKEN)
    assert endpoint.push(messages.push_header(), ()) == messages.push_answer()
    endpoint.close()
    assert [seen.headers.get("authorization") for seen in central.seen] == [
        None, None, f"Bearer {TOKEN}",
    ]  # fmt: skip
    assert json.loads(central.seen[1].body) == json.loads(
        messages.hello_request().model_dump_json()
    )
    assert central.connections == 1


def test_a_push_travels_as_a_compressed_frame(central, endpoint):
    """The body is header and lines as NDJSON under zstd, the lines byte for byte."""
    central.handler = lambda _: reply_message(messages.push_answer(2))
    lines = (b'{"v":1,"x":"\xc3\xa9"}', b'{"v":1,"y":"%s"}' % (b"same " * 50))
    assert endpoint.push(messages.push_header(2), lines).acked_seq == 2
    seen = central.seen[0]
    assert (seen.method, seen.target) == ("POST", "/v1/sync/push")
    assert seen.headers["content-type"] == "application/x-ndjson"
    assert seen.headers["content-encoding"] == "zstd"
    assert frames.unpack(PushHeader, seen.body, 1 << 20) == (messages.push_header(2), lines)


def test_a_small_push_travels_plain(central, endpoint):
    """Saying that a body is compressed would cost more than compressing it saves."""
    central.handler = lambda _: reply_message(messages.push_answer())
    endpoint.push(messages.push_header(), ())
    seen = central.seen[0]
    assert not {"content-encoding", "accept-encoding", "user-agent"} & set(seen.headers)
    assert frames.read(PushHeader, seen.body) == (messages.push_header(), ())


def test_a_push_that_central_would_refuse_for_its_size_is_not_sent(central, endpoint):
    """Eight mebibytes are enough; more is said so here and costs no transfer."""
    with pytest.raises(errors.FrameUnreadable):
        endpoint.push(messages.push_header(200), (b"x" * 64 * 1024,) * 200)
    assert central.seen == []


def test_an_answer_may_be_compressed(central, endpoint):
    """Central compresses long answers; JSON under zstd is read like plain JSON."""
    body = frames.compress(messages.push_answer(5).model_dump_json().encode())
    central.handler = lambda _: reply(body, content_encoding="zstd")
    assert endpoint.push(messages.push_header(), ()).acked_seq == 5


def test_a_pull_names_the_cursor_and_returns_lines(central, endpoint):
    """Scope, incarnation, cursor and limit are asked; header and rows come back."""
    central.handler = lambda _: _page(3)
    page = endpoint.pull("store:012", 3, 0, 50)
    assert central.seen[0].target == "/v1/sync/pull?scope=store%3A012&inc=3&after=0&limit=50"
    assert central.seen[0].headers["accept-encoding"] == "zstd"
    assert page.header.count == len(page.lines) == 3


def test_a_stores_own_operations_are_fetched_byte_for_byte(central, endpoint):
    """Replica, epoch and place are asked; the lines come as the store once made them."""
    header, line = messages.operations_header(1, 2, 118), b'{"v":1,"x":"\xc3\xa9"}'
    body = frames.pack(header, (line,))
    central.handler = lambda _: reply(
        body, content_type="application/x-ndjson", content_encoding="zstd"
    )
    page = endpoint.operations(messages.REPLICA, 2, 118)
    wanted = f"/v1/sync/replicas/ops?replica={messages.REPLICA}&epoch=2&from=118"
    assert (central.seen[0].target, page.header, page.lines) == (wanted, header, (line,))
    with pytest.raises(errors.Unreachable):
        endpoint.operations(messages.REPLICA, 2, 119)


def test_parts_of_a_snapshot_are_fetched_by_range_and_checked(central, endpoint):
    """Each part is one range of exactly the file that the manifest describes."""

    def serve(seen):
        start, end = map(int, seen.headers["range"].removeprefix("bytes=").split("-"))
        return reply(FILE[start : end + 1], status="206 Partial Content")

    central.handler = serve
    manifest = messages.manifest(FILE, 1000)
    parts = [endpoint.snapshot_part(manifest, number) for number in range(3)]
    assert b"".join(parts) == FILE
    assert [seen.headers["range"] for seen in central.seen] == [
        "bytes=0-999", "bytes=1000-1999", "bytes=2000-2559",
    ]  # fmt: skip
    assert {seen.headers["if-match"] for seen in central.seen} == {f'"{manifest.sha256}"'}
    assert {seen.target for seen in central.seen} == {"/v1/sync/snapshot/catalogue/file"}


def test_a_snapshot_of_one_part_may_come_whole(central, endpoint):
    """A server that ignores ranges is no harm where the file is one part."""
    central.handler = lambda _: reply(FILE)
    assert endpoint.snapshot_part(messages.manifest(FILE, 4096), 0) == FILE


def test_enrolment_introduces_the_device(central):
    """The one-time code and the public key go out, the place of the device comes back."""
    answer = EnrolAnswer(
        server_id="c", location_id="012", location_name="Elm Street", scopes=("store:012",)
    )
    central.handler = lambda _: reply(answer.model_dump_json().encode(), status="201 Created")
    assert enrol(central.url, messages.enrol_request()) == answer
    assert (central.seen[0].method, central.seen[0].target) == ("POST", "/v1/devices/enrol")


def test_an_idle_cycle_costs_one_small_request(central):
    """A push of nothing: one request, with no header but those that something on the way reads."""
    central.handler = lambda _: reply_message(messages.push_answer())
    traffic = Traffic()
    endpoint = HttpEndpoint(
        central.url,
        session=token_session(),
        client_factory=lambda url: open_client(url, traffic=traffic),
    )
    endpoint.push(messages.push_header(), ())
    endpoint.close()
    assert traffic.requests == len(central.seen) == 1
    assert set(central.seen[0].headers) == {
        "host", "content-type", "content-length", "authorization",
    }  # fmt: skip


def test_the_counter_agrees_with_the_socket(central):
    """What is counted is what the server saw and sent, byte for byte."""
    central.handler = lambda seen: _page(40) if "pull" in seen.target else reply(b'{"nonce":"n"}')
    traffic = Traffic()
    endpoint = HttpEndpoint(
        central.url,
        session=token_session(),
        client_factory=lambda url: open_client(url, traffic=traffic),
    )
    endpoint.challenge()
    endpoint.pull("store:012", 3, 0, 50)
    endpoint.close()
    assert traffic.bytes_sent == sum(seen.raw_bytes for seen in central.seen)
    assert traffic.bytes_received == central.bytes_sent
    traffic.reset()
    assert (traffic.requests, traffic.bytes_sent, traffic.bytes_received) == (0, 0, 0)


# --- refusals -------------------------------------------------------------------------------


@every_call
@pytest.mark.parametrize("code", errors.REFUSALS)
def test_a_problem_document_becomes_the_refusal_of_its_code(central, endpoint, call, code):
    """What the hub raised arrives as the same kind, with its words and data."""
    central.handler = lambda _: reply_problem(
        "409 Conflict", code=code, detail="in words", title="t", status=409, expected_seq=4
    )
    with pytest.raises(errors.REFUSALS[code]) as caught:
        call(endpoint)
    assert (str(caught.value), caught.value.data) == ("in words", {"expected_seq": 4})


def test_an_unknown_refusal_stays_a_refusal(central):
    """A code of a newer central is not taken for a dead network; its words reach a person."""
    central.handler = lambda _: reply_problem(
        "404 Not Found", code="code_unknown", detail="this code was used", message="x", self="y"
    )
    with pytest.raises(errors.ProtocolRefused, match="this code was used") as caught:
        enrol(central.url, messages.enrol_request())
    assert caught.value.data == {"problem_code": "code_unknown"}


@every_call
def test_401_asks_for_a_new_hello(central, endpoint, call):
    """Without a problem document, too."""
    central.handler = lambda _: reply(status="401 Unauthorized")
    with pytest.raises(errors.NotAuthentic):
        call(endpoint)


def test_a_session_that_was_refused_is_not_tried_again(central, endpoint):
    """After a 401 the next call does not even ask: hello is due."""
    central.handler = lambda _: reply(status="401 Unauthorized")
    for _ in range(2):
        with pytest.raises(errors.NotAuthentic):
            endpoint.push(messages.push_header(), ())
    assert len(central.seen) == 1


def test_a_session_renewed_meanwhile_by_another_thread_is_kept(central):
    """A late 401 for an old token does not throw the new one away."""
    session = token_session()
    endpoint = HttpEndpoint(central.url, session=session)

    def renew(_):
        session.token = "new"
        return reply(status="401 Unauthorized")

    central.handler = renew
    with pytest.raises(errors.NotAuthentic):
        endpoint.push(messages.push_header(), ())
    endpoint.close()
    assert session.token == "new"


DATE = "Mon, 23 Nov 2026 21:00:00 GMT"


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7),
        ({"retry_after": "0"}, 1),
        ({"retry_after": "9" * 400}, 300),
        ({"retry_after": "Mon, 23 Nov 2026 21:00:42 GMT", "date": DATE}, 42),
        ({"retry_after": "Mon, 23 Nov 2026 20:00:00 GMT", "date": DATE}, 1),
        ({"retry_after": "Mon, 23 Nov 2099 20:00:00 GMT", "date": DATE}, 300),
        ({"retry_after": "Mon, 23 Nov 2026 21:00:42 GMT"}, 10),
        ({"retry_after": "soon"}, 10),
        ({"retry_after": "-5"}, 10),
        ({}, 10),
    ],
)
def test_an_overloaded_central_is_believed_within_bounds(
    central, endpoint, status, headers, seconds
):
    """Seconds, or a date by central's own clock; clamped to 1..300; 10 where nothing is said."""
    central.handler = lambda _: reply(status=status, **headers)
    with pytest.raises(errors.TryLater) as caught:
        endpoint.push(messages.push_header(), ())
    assert caught.value.retry_after_s == seconds


@pytest.mark.parametrize("by_central", [True, False])
def test_a_busy_load_balancer_is_not_central(central, endpoint, by_central):
    """Its page asks for patience as well, and is no sign of life of central's."""
    kind = "application/problem+json" if by_central else "text/html"
    central.handler = lambda _: reply(status="503 Service Unavailable", content_type=kind)
    with pytest.raises(errors.TryLater, match="central" if by_central else "before") as caught:
        endpoint.push(messages.push_header(), ())
    assert caught.value.by_central is by_central


def test_a_frame_that_is_too_large_on_the_way_is_the_frames_fault(central, endpoint):
    """413 of whatever stands before central asks for smaller frames, not for patience."""
    central.handler = lambda _: reply(status="413 Content Too Large", content_type="text/html")
    with pytest.raises(errors.FrameUnreadable):
        endpoint.push(messages.push_header(), ())


# --- anything else is no answer -------------------------------------------------------------


@every_call
def test_a_captive_portal_is_not_central(central, endpoint, call):
    """A page of HTML with status 200 is no answer, to whatever question."""
    central.handler = lambda _: HTML
    with pytest.raises(errors.Unreachable):
        call(endpoint)


BAD_ANSWERS = {
    "redirect": reply(status="302 Found", location="http://127.0.0.1:1/login"),
    "server error": reply_problem("500 Internal Server Error", code="gap"),
    "a body that came too late": reply_problem("408 Request Timeout", code="body_too_late"),
    "not found without a problem": reply(b"<html>", status="404 Not Found"),
    "broken problem": reply(b"{", status="409 X", content_type="application/problem+json"),
    "problem that is a list": reply(b"[]", status="409 X", content_type="application/problem+json"),
    "not json": reply(b"{nonsense"),
    "other json": reply(b'{"hello": "world"}'),
    "empty": reply(b""),
    "not http": Reply(b"SSH-2.0-OpenSSH\r\n", close=True),
    "nothing at all": Reply(b"", close=True),
    "cut off in the head": Reply(b"HTTP/1.1 200 OK\r\ncontent-", close=True),
    "cut off in the body": Reply(
        b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"',
        close=True,
    ),
    "unknown encoding": reply(b"{}", content_encoding="br"),
    "claims zstd": reply(b"{}", content_encoding="zstd"),
    "truncated zstd": reply(frames.compress(b"{}" * 99)[:-3], content_encoding="zstd"),
    "cut off chunks": Reply(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
        b"transfer-encoding: chunked\r\n\r\n5\r\n{",
        close=True,
    ),
}


@every_call
@pytest.mark.parametrize("answer", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_what_is_no_answer_of_central_is_unreachable(central, endpoint, call, answer):
    """Whatever stands in between, no call lets another kind of error out."""
    central.handler = lambda _: answer
    with pytest.raises(errors.Unreachable) as caught:
        call(endpoint)
    assert len(str(caught.value)) > 10


BAD_PAGES = {
    "truncated": _framed(frames.pack(messages.pull_header(9), (b"{}",) * 9)[:-2]),
    "fewer rows than announced": _page(2, header_count=3),
    "of another scope": _page(2, scope="store:999"),
    "not compressed as it says": _framed(b"{}"),
    "no header": _framed(frames.compress(b'{"a": 1}\n{}')),
    "a bomb": _framed(zstandard.ZstdCompressor().compress(bytes(frames.PULL_BYTES_MAX + 1))),
}


@pytest.mark.parametrize("answer", BAD_PAGES.values(), ids=BAD_PAGES)
def test_a_page_is_whole_or_it_is_nothing(central, endpoint, answer):
    """No page that lost rows, or that answers another question, is passed on."""
    central.handler = lambda _: answer
    with pytest.raises(errors.Unreachable):
        endpoint.pull("store:012", 3, 0, 50)


BAD_PARTS = {
    "damaged": reply(bytes(1000), status="206 Partial Content"),
    "short": reply(FILE[:999], status="206 Partial Content"),
    "long": reply(FILE[:1001], status="206 Partial Content"),
    "whole file": reply(FILE),
    "compressed": reply(FILE[:1000], status="206 Partial Content", content_encoding="zstd"),
    "of a newer file": reply_problem("412 Precondition Failed", code="stale"),
    "range not satisfiable": reply(status="416 Range Not Satisfiable"),
}


@pytest.mark.parametrize("answer", BAD_PARTS.values(), ids=BAD_PARTS)
def test_a_part_that_is_not_the_announced_one_must_be_fetched_again(central, endpoint, answer):
    """A part is checked before anybody sees it; whatever is wrong, the caller tries again."""
    central.handler = lambda _: answer
    with pytest.raises(errors.Unreachable):
        endpoint.snapshot_part(messages.manifest(FILE, 1000), 0)


def test_a_part_that_the_manifest_does_not_have_is_a_mistake_of_the_caller(endpoint):
    """Nothing is asked of central."""
    with pytest.raises(ValueError, match="no part 3"):
        endpoint.snapshot_part(messages.manifest(FILE, 1000), 3)


@every_call
def test_nobody_there_is_unreachable(call):
    """A refused connection is told in words that name the place."""
    with serving(lambda _: HTML) as gone:
        pass
    endpoint = HttpEndpoint(gone.url, session=token_session())
    with pytest.raises(errors.Unreachable, match=f"127.0.0.1:{gone.port}"):
        call(endpoint)
    endpoint.close()


def test_a_silent_central_is_unreachable(central):
    """A read that times out says so; the next call uses another connection."""
    hold = Event()
    central.handler = lambda _: Reply(b"", close=True, hold=hold)

    def impatient(url):
        client = open_client(url)
        client.timeout = 0.05
        return client

    endpoint = HttpEndpoint(central.url, session=token_session(), client_factory=impatient)
    with pytest.raises(errors.Unreachable, match="silent"):
        endpoint.challenge()
    central.handler = lambda _: reply(b'{"nonce": "n"}')
    hold.set()
    endpoint.close()


def test_cookies_are_not_kept(central, endpoint):
    """What a network's sign-in page leaves behind is not sent to central."""
    central.handler = lambda _: reply(b'{"nonce": "n"}', set_cookie="a=b")
    endpoint.challenge()
    endpoint.challenge()
    assert "cookie" not in central.seen[1].headers


def test_proxies_and_passwords_of_the_environment_are_not_used(central, monkeypatch):
    """A till's environment does not lead its traffic elsewhere."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    central.handler = lambda _: reply(b'{"nonce": "n"}')
    endpoint = HttpEndpoint(central.url)
    assert endpoint.challenge() == "n"
    endpoint.close()
