"""The address that a point of sale asks: who may, what it says, and what it keeps."""

import json
import socket
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest

from store_client.pos import server as module
from store_client.pos.server import BODY_BYTES_MAX, CONNECTIONS_MAX, PosServer, token_in
from store_client.replica.store import Store
from sync.domain.escrow import EscrowPolicy
from tests.support.clocks import FrozenClock
from tests.support.fake_store import make_order
from tests.support.filled_store import open_filled
from tests.support.terminals import PIN
from tests.support.till import GTIN, OPEN, OTHER, SKU, STRICT, open_shop, sale_of, sales_in
from tests.support.waiting import until

MINUTE_MS = 60_000


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


class Till:
    """A point of sale that asks a store over HTTP."""

    def __init__(self, store: Store, clock: FrozenClock) -> None:
        self.store = store
        self.token = token_in(store.files.pos_token)
        self.server = PosServer(store, clock, port=0, token=self.token)
        self.server.look()
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{self.server.port}",
            headers={"Authorization": f"Bearer {self.token}"},
        )

    def post(self, path: str, document: object) -> httpx.Response:
        return self.client.post(path, json=document)

    def check(self, *items: tuple[str, int]) -> dict:
        answer = self.post("/v1/sales/check", {"lines": sale_of("", *items)["lines"]})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def close(self) -> None:
        self.client.close()
        self.server.stop()
        self.store.close()


@pytest.fixture
def orders(clock):
    """Ten units of each of the two products are waited for, by three customers."""
    return [
        make_order(0, clock.now_ms(), quantities=(4, 4), due_minutes=60),
        make_order(8, clock.now_ms(), quantities=(2, 2), due_minutes=300),
        make_order(16, clock.now_ms(), quantities=(1, 1), due_minutes=120),
    ]


@pytest.fixture
def policy() -> EscrowPolicy:
    return OPEN


@pytest.fixture
def till(tmp_path, clock, orders, policy) -> Iterator[Till]:
    """Twelve in the book: seven promised, five online, none for walk-ins."""
    till = Till(open_shop(tmp_path, clock, policy, orders), clock)
    yield till
    till.close()


@pytest.fixture
def free_till(tmp_path, clock) -> Iterator[Till]:
    """Twelve in the book: seven for walk-ins, five online, nothing promised."""
    till = Till(open_shop(tmp_path, clock), clock)
    yield till
    till.close()


strict = pytest.mark.parametrize(
    "policy", [STRICT, EscrowPolicy(True, strict_categories=("Kitchen",))]
)


def override(associate: str = "A102", pin: str = PIN, **more) -> dict[str, object]:
    return {"associate": associate, "pin": pin, **more}


# --- who may ask ----------------------------------------------------------------------------


def test_the_token_is_this_user_s_alone(free_till):
    """Mode 0600, and the same one at each start."""
    path = free_till.store.files.pos_token
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert token_in(path) == free_till.token
    assert len(free_till.token) > 40


def test_only_this_machine_is_listened_to(free_till):
    """The socket is bound to the loopback."""
    assert free_till.server._server.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer wrong", "Basic abc", "Bearer \xe9"])
@pytest.mark.parametrize("path", ["/v1/healthz", "/v1/sales", "/v1/sales/check"])
def test_nobody_is_answered_without_the_token(free_till, path, shown):
    """In words, and nothing is kept."""
    method = "GET" if path == "/v1/healthz" else "POST"
    answer = free_till.client.request(
        method,
        path,
        headers={"Authorization": shown.encode("latin-1")},
        json=sale_of("T1", (SKU, 1)),
    )
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert "pos.token" in answer.json()["detail"]
    assert sales_in(free_till.store) == {}


def test_health_tells_how_the_store_stands(free_till):
    """A till's technician sees that the right store answers."""
    assert free_till.client.get("/v1/healthz").json() == {
        "status": "ok", "location_id": "S001", "backlog": 0, "last_contact_at": None,
    }  # fmt: skip


# --- selling ----------------------------------------------------------------------------------


def test_a_sale_is_kept_once_and_answered_alike(free_till):
    """201 the first time, 200 with the same words each time after that."""
    sale = sale_of("T1", (SKU, 2), (OTHER, 1))
    first, *others = [free_till.post("/v1/sales", sale) for _ in range(3)]
    assert (first.status_code, [one.status_code for one in others]) == (201, [200, 200])
    assert all(one.json() == first.json() for one in others)
    assert first.json() == {
        "transaction": "T1",
        "lines": [{"sku": SKU, "quantity": 2}, {"sku": OTHER, "quantity": 1}],
        "over": [],
        "breaks": None,
    }
    assert sales_in(free_till.store) == {"T1": {SKU: 2, OTHER: 1}}


def test_two_calls_at_once_keep_one_sale(free_till):
    """A till that gave up waiting and tried again before the answer came."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: free_till.post("/v1/sales", sale_of("T1", (SKU, 1))),
                                range(8)))  # fmt: skip
    assert sorted(one.status_code for one in answers) == [200] * 7 + [201]
    assert sales_in(free_till.store) == {"T1": {SKU: 1}}


def test_another_sale_under_the_same_number_is_a_conflict(free_till):
    """The till hears that its number is taken, instead of a sale that vanishes."""
    free_till.post("/v1/sales", sale_of("T1", (SKU, 1)))
    answer = free_till.post("/v1/sales", sale_of("T1", (SKU, 2)))
    assert (answer.status_code, answer.json()["code"]) == (409, "transaction_conflict")
    assert sales_in(free_till.store) == {"T1": {SKU: 1}}


def test_the_till_and_the_time_are_kept(free_till):
    """For whoever looks into a difference later."""
    sale = sale_of("T1", (SKU, 1), sold_at="2025-12-01T14:00:00Z", till="till-3")
    assert free_till.post("/v1/sales", sale).status_code == 201
    (entry, _), *_ = free_till.store.journal.history(1, 0)
    assert (entry.record.by, entry.record.dev) == ("pos", "till-3")
    assert entry.record.op.sold_at_ms == 1_764_597_600_000


def test_an_unknown_barcode_is_sold_as_a_ghost(free_till):
    """The customer stands there with the goods: it is kept, with a note for people."""
    answer = free_till.post("/v1/sales", sale_of("T1", ("4006381333931", 1)))
    assert answer.status_code == 201
    assert sales_in(free_till.store) == {"T1": {"4006381333931": 1}}
    assert "4006381333931" in free_till.store.sync_state().alerts[0]


# --- checking ---------------------------------------------------------------------------------


def test_what_is_free_is_free(free_till):
    """Nothing promised is touched."""
    told = free_till.check((SKU, 7))
    assert (told["may_sell"], told["override_needed"]) == (True, False)
    (line,) = told["lines"]
    assert (line["free"], line["over"], line["breaks"]) == (7, 0, [])
    assert line["says"] == "Free to sell."
    assert free_till.store.journal.head().seq == 0


def test_units_that_central_may_promise_are_told_apart(free_till):
    """No order is known, but there may be one in this minute."""
    (line,) = free_till.check((SKU, 9))["lines"]
    assert (line["free"], line["over"], line["may_be_promised_online"]) == (7, 2, 2)
    assert line["breaks"] == []
    assert "2 of 9 may just have been promised online" in line["says"]


def test_the_order_that_would_give_way_is_named(till, orders, clock):
    """The least urgent one first; of the customer only the first name."""
    told = till.check((SKU, 8))
    assert (told["may_sell"], told["override_needed"]) == (True, False)
    (line,) = told["lines"]
    assert (line["free"], line["over"], line["may_be_promised_online"]) == (0, 8, 5)
    first, second = line["breaks"]
    assert (first["order_number"], first["quantity"]) == (orders[1].order_number, 2)
    assert (second["order_number"], second["quantity"]) == (orders[2].order_number, 1)
    assert first["customer"] == orders[1].customer_name.split()[0] != orders[1].customer_name
    assert first["promised_by"].endswith("Z")
    assert orders[1].order_number in line["says"]
    assert orders[1].customer_name not in json.dumps(told)


def test_sales_that_central_has_not_heard_of_have_broken_their_orders_already(till, orders):
    """The next sale names the next order."""
    till.post("/v1/sales", sale_of("T1", (SKU, 7)))
    (line,) = till.check((SKU, 1))["lines"]
    assert [one["order_number"] for one in line["breaks"]] == [orders[2].order_number]


def test_an_open_store_sells_what_is_promised_and_says_so(till):
    """A cashier is never blocked: the answer says how far it went over."""
    answer = till.post("/v1/sales", sale_of("T1", (SKU, 8)))
    assert answer.status_code == 201
    assert answer.json()["over"] == [{"sku": SKU, "quantity": 8}]
    assert answer.json()["breaks"] is None


@strict
def test_a_strict_store_asks_for_somebody_who_answers(till, orders):
    """The refusal names the order; with an override the sale stands and carries it."""
    sale = sale_of("T1", (SKU, 8))
    assert till.check((SKU, 8))["override_needed"] is True
    answer = till.post("/v1/sales", sale)
    assert (answer.status_code, answer.json()["code"]) == (409, "override_needed")
    assert orders[1].order_number in answer.json()["detail"]
    assert answer.json()["check"]["may_sell"] is False
    assert sales_in(till.store) == {}
    answer = till.post("/v1/sales", {**sale, "override": override()})
    assert answer.status_code == 201
    assert answer.json()["breaks"] == orders[1].id
    (entry, _), *_ = till.store.journal.history(1, 0)
    assert entry.record.by == "A102"
    assert till.post("/v1/sales", sale).status_code == 200


@strict
def test_units_that_may_be_promised_need_an_override_too(free_till_strict):
    """A strict store never sells what central may have promised without somebody knowing."""
    assert free_till_strict.check((SKU, 7))["may_sell"] is True
    assert free_till_strict.check((SKU, 8))["may_sell"] is False
    assert free_till_strict.post("/v1/sales", sale_of("T1", (SKU, 8))).status_code == 409


@pytest.fixture
def free_till_strict(tmp_path, clock, policy) -> Iterator[Till]:
    till = Till(open_shop(tmp_path, clock, policy), clock)
    yield till
    till.close()


@strict
def test_two_tills_cannot_both_sell_the_last_free_unit(free_till_strict):
    """The judgment is made with the sale, under one lock."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda number: free_till_strict.post("/v1/sales", sale_of(f"T{number}", (SKU, 2))),
                range(8),
            )
        )
    assert sorted(one.status_code for one in answers) == [201] * 3 + [409] * 5


def test_other_categories_of_a_store_stay_open(tmp_path, clock, orders):
    """Strict may be only what is dear."""
    dear = EscrowPolicy(True, strict_categories=("Jewels",))
    till = Till(open_shop(tmp_path, clock, dear, orders), clock)
    assert till.check((SKU, 8))["may_sell"] is True
    till.close()


@strict
def test_what_the_store_never_had_is_promised_to_nobody(till):
    """A ghost or a wrong count breaks no promise: nothing to override."""
    assert till.post("/v1/sales", sale_of("T1", ("GHOST", 3))).status_code == 201


@strict
def test_who_overrides_may_name_the_order(till, orders):
    """By its number, as people read it; any order that waits for the goods."""
    sale = sale_of("T1", (SKU, 8), override=override(breaks=orders[0].order_number))
    assert till.post("/v1/sales", sale).json()["breaks"] == orders[0].id


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (override(pin="0000"), "Wrong PIN"),
        (override("A103"), "may not break a promise"),
        (override("A999"), "cannot sign in"),
        (override("A109"), "may not break a promise"),
        (override(breaks="K7Q2-9999"), "No order K7Q2-9999 waits"),
    ],
)
@strict
def test_an_override_that_does_not_hold_keeps_nothing(till, given, why):
    """Wrong PIN, a role that may not, an order that does not wait for these goods."""
    answer = till.post("/v1/sales", sale_of("T1", (SKU, 8), override=given))
    assert (answer.status_code, answer.json()["code"]) == (403, "override_refused")
    assert why in answer.json()["detail"]
    assert sales_in(till.store) == {}


@strict
def test_guessing_a_pin_over_http_locks_out_as_at_the_screen(till):
    """Five wrong ones, and the right one does not help for half an hour."""
    for _ in range(5):
        till.post("/v1/sales", sale_of("T1", (SKU, 8), override=override(pin="0000")))
    answer = till.post("/v1/sales", sale_of("T1", (SKU, 8), override=override()))
    assert answer.status_code == 403
    assert "locked out" in answer.json()["detail"]


# --- what is no sale --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "status", "why"),
    [
        ([], 422, "not a JSON object"),
        ({"transaction": "T1"}, 422, "Lines: a list"),
        (sale_of("", (SKU, 1)), 422, "Transaction is missing"),
        (sale_of("T1", (SKU, 0)), 422, "Line 1: quantity 0"),
        (sale_of("T1", (SKU, 1), override="A102"), 422, "Override: an object"),
        (sale_of("T1", (SKU, 1), override={"associate": "A102"}), 422, "pin is missing"),
        (sale_of("T1", (SKU, 1), override={"associate": "A102", "pin": "1" * 13}), 422, "12"),
        (sale_of("T1", *[(f"S{number}", 1) for number in range(401)]), 422, "at most 400"),
    ],
)
def test_what_is_wrong_with_a_sale_is_said(free_till, document, status, why):
    """A problem document in words that a technician can use."""
    answer = free_till.post("/v1/sales", document)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert why in answer.json()["detail"]
    assert sales_in(free_till.store) == {}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 404), ("POST", "/v1/orders", 404), ("GET", "/v1/sales", 405),
     ("POST", "/v1/healthz", 405), ("DELETE", "/v1/sales", 501)],
)  # fmt: skip
def test_what_is_not_here_is_said(free_till, method, path, status):
    """Every refusal is a problem document."""
    answer = free_till.client.request(method, path)
    assert answer.status_code == status
    assert answer.json()["status"] == status


def test_a_body_that_is_no_json_is_refused(free_till):
    """400, and the connection lives."""
    answer = free_till.client.post("/v1/sales", content=b"{")
    assert (answer.status_code, answer.json()["code"]) == (400, "unreadable")
    assert free_till.client.get("/v1/healthz").status_code == 200


def test_a_body_that_is_too_large_is_not_read(free_till):
    """413 at once, whatever is announced; a body without a length is not waited for."""
    raw = socket.create_connection(("127.0.0.1", free_till.server.port), timeout=5)
    head = f"POST /v1/sales HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {free_till.token}\r\n"
    raw.sendall(f"{head}Content-Length: {BODY_BYTES_MAX + 1}\r\n\r\n".encode())
    assert b"413" in raw.recv(4_096).splitlines()[0]
    raw.close()
    answer = free_till.client.post("/v1/sales", content=iter([b"{}"]))
    assert answer.status_code == 411


@pytest.mark.parametrize(
    "sent", [b"\x16\x03\x01\x02\x00\r\n", b"GET / HTTP/9.9\r\n\r\n", b"x" * 70_000]
)
def test_what_is_no_http_ends_with_an_answer(free_till, sent):
    """A port scanner or a TLS hello breaks nothing."""
    raw = socket.create_connection(("127.0.0.1", free_till.server.port), timeout=5)
    raw.sendall(sent)
    assert raw.recv(4_096)
    raw.close()
    assert free_till.client.get("/v1/healthz").status_code == 200


def test_too_many_connections_are_turned_away(free_till, monkeypatch):
    """Silent callers hold some threads for some seconds, never all of the machine."""
    monkeypatch.setattr(module._Handler, "timeout", 0.5)
    before = threading.active_count()
    with ExitStack() as stack:
        silent = [
            stack.enter_context(
                socket.create_connection(("127.0.0.1", free_till.server.port), timeout=5)
            )
            for _ in range(CONNECTIONS_MAX + 4)
        ]
        assert [one.recv(1) for one in silent[CONNECTIONS_MAX:]] == [b""] * 4
        assert threading.active_count() - before <= CONNECTIONS_MAX
        assert [one.recv(1) for one in silent[:CONNECTIONS_MAX]] == [b""] * CONNECTIONS_MAX
    until(lambda: threading.active_count() <= before, "the silent ones are let go")
    assert free_till.client.get("/v1/healthz").status_code == 200


def test_a_store_without_data_says_try_later(tmp_path, clock):
    """Without a catalogue every code would be a ghost: the till keeps the sale for a minute."""
    till = Till(open_filled(tmp_path, clock), clock)
    answer = till.post("/v1/sales", sale_of("T1", (SKU, 1)))
    assert (answer.status_code, answer.json()["code"]) == (503, "loading")
    assert till.client.get("/v1/healthz").json()["status"] == "loading"
    till.close()


def test_a_port_that_is_taken_is_told_and_tried_again(free_till, clock):
    """The daemon goes on; when the port is free, the till is answered."""
    taken = free_till.server.port
    other = PosServer(free_till.store, clock, port=taken, token="t")
    other.look()
    assert other.port == 0
    assert f"port {taken}" in free_till.store.sync_state().alerts[0]
    free_till.server.stop()
    other.look()
    assert other.port == taken
    other.stop()


def test_a_barcode_is_as_good_as_a_sku(free_till):
    """Both kinds of codes in one basket."""
    lines = [{"gtin": GTIN, "quantity": 1}, {"sku": SKU, "quantity": 2}]
    answer = free_till.post("/v1/sales", {"transaction": "T1", "lines": lines})
    assert answer.json()["lines"] == [{"sku": SKU, "quantity": 3}]
