"""Order history: gathered, placed once each, over HTTP or in the process."""

import json

import httpx
import pytest

from central_server.importing.job import ImportOptions, ImportRun
from central_server.importing.local import LocalPlacer
from central_server.importing.problems import EXIT_REFUSED, EXIT_UNREACHABLE, ImportFailed
from central_server.importing.remote import ATTEMPTS, RemotePlacer
from central_server.jobs.housekeeping import DAY_MS, forget_old_answers
from central_server.records import OrderFilter
from tests.central_server.importing.files import write_table
from tests.support.central_world import build_world
from tests.support.clocks import FrozenClock

HEADER = ("order_number", "location_id", "sku", "quantity", "customer_name", "placed_at")
LINES = (
    ("O1", "S1", "A", 1, "Rosa", "2017-01-01T10:00:00"),
    ("O2", "S1", "B", 2, "Ines", "2017-01-01T11:00:00"),
    ("O1", "S1", "B", 3, "Rosa", "2017-01-01T10:00:00"),
    ("O1", "S1", "A", 1, "Rosa", "2017-01-01T10:00:00"),
    ("C7", "S1", "A", -4, "Rosa", "2017-01-01T12:00:00"),
    ("O3", "S1", "A", 1, "Two", "2017-01-01T13:00:00"),
    ("O3", "S2", "A", 1, "Stores", "2017-01-01T13:00:00"),
)


class Shop:
    """An `OrderPlacer` that keeps what it gets and refuses one SKU."""

    def __init__(self) -> None:
        self.orders: dict = {}

    def place(self, order) -> str:
        if any(sku == "NONE" for sku, _ in order.lines):
            return "unknown SKU: NONE"
        self.orders[order.idempotency_key] = order
        return ""


def run_of(tmp_path, lines=LINES, **options) -> ImportRun:
    file = write_table(tmp_path / "orders.csv", (HEADER, *lines))
    return ImportRun(ImportOptions("orders", file, **options), FrozenClock())


def test_lines_of_one_order_need_not_stand_together(tmp_path):
    """Orders come in the order of their first lines; equal SKUs are one line."""
    shop = Shop()
    counts = run_of(tmp_path).orders_to(shop).counts
    first, second = shop.orders.values()
    assert (first.number, first.lines) == ("O1", (("A", 2), ("B", 3)))
    assert (second.number, second.customer_name) == ("O2", "Ines")
    assert (counts.orders, counts.bad) == (2, 1)


def test_an_order_that_contradicts_itself_is_refused_and_named(tmp_path):
    """One order cannot be picked up at two stores; the report names its first row."""
    summary = run_of(tmp_path, report=tmp_path / "report.csv").orders_to(Shop())
    assert summary.counts.orders_refused == 1
    assert "6,error,order_number,O3,its lines name several" in (tmp_path / "report.csv").read_text(
        encoding="utf-8"
    )


def test_importing_orders_again_uses_the_same_keys(tmp_path):
    """The key follows from the source's own number, so nothing is placed twice."""
    shop = Shop()
    run_of(tmp_path).orders_to(shop)
    run_of(tmp_path).orders_to(shop)
    assert len(shop.orders) == 2


def test_orders_imported_again_after_a_week_are_not_placed_again(database, tmp_path):
    """Answers to other requests are forgotten; a file of the past may come again at any time."""
    world = build_world(database, tmp_path)
    lines = [("O1", "S001", "SKU-1", 1, "Rosa", ""), ("O2", "S002", "SKU-2", 2, "Ines", "")]
    placer = LocalPlacer(world.parts.central.orders)
    world.place(key="cart-1")
    run_of(tmp_path, lines).orders_to(placer)
    world.clock.advance(8 * DAY_MS)
    assert forget_old_answers(database, world.clock, 7) == 1
    assert run_of(tmp_path, lines).orders_to(placer).counts.orders == 2
    with database.read() as view:
        placed, _ = view.orders.search(OrderFilter(), None, 9)
    assert sorted(one.external_id for one in placed) == ["", "O1", "O2"]


def test_what_central_refuses_is_reported_and_the_rest_is_placed(tmp_path):
    """A refusal is a problem of that order alone."""
    lines = (("O1", "S1", "NONE", 1, "Rosa", ""), *LINES[1:2])
    summary = run_of(tmp_path, lines).orders_to(Shop())
    assert (summary.counts.orders, summary.counts.orders_refused) == (1, 1)
    assert summary.first_problems[0].problem == "unknown SKU: NONE"


class Api:
    """The public API as a transport of httpx: a script of answers, then 201."""

    def __init__(self, *script: int | Exception) -> None:
        self.script = list(script)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        step = self.script.pop(0) if self.script else 201
        if isinstance(step, Exception):
            raise step
        return httpx.Response(step, json={"detail": f"answer {step}"})

    def placer(self) -> RemotePlacer:
        transport = httpx.MockTransport(self)
        return RemotePlacer("http://central.invalid", "hs_k", FrozenClock(), transport=transport)


def test_over_http_an_order_carries_its_key_and_body(tmp_path):
    """`POST /v1/orders` gets the idempotency key, the API key and nothing that is empty."""
    api = Api()
    run_of(tmp_path, LINES[1:2]).orders_to(api.placer())
    [request] = api.requests
    assert request.headers["authorization"] == "Bearer hs_k"
    assert request.headers["idempotency-key"].startswith("import-")
    assert json.loads(request.content) == {
        "location_id": "S1",
        "currency": "USD",
        "external_ref": "O2",
        "customer": {"name": "Ines"},
        "lines": [{"sku": "B", "quantity": 2}],
    }


def test_a_lost_answer_is_asked_for_again_under_the_same_key(tmp_path):
    """After a timeout nobody knows whether the order stands: the key makes asking again safe."""
    api = Api(httpx.ReadTimeout("gone"), 503)
    summary = run_of(tmp_path, LINES[1:2]).orders_to(api.placer())
    assert summary.counts.orders == 1
    assert len({request.headers["idempotency-key"] for request in api.requests}) == 1
    assert len(api.requests) == 3


@pytest.mark.parametrize(
    ("script", "code"),
    [([httpx.ConnectError("no")] * ATTEMPTS, EXIT_UNREACHABLE), ([401], EXIT_REFUSED)],
)
def test_a_central_that_cannot_be_used_ends_the_import(tmp_path, script, code):
    """Unreachable and a refused key are no problems of single orders."""
    with pytest.raises(ImportFailed) as failed:
        run_of(tmp_path, LINES[1:2]).orders_to(Api(*script).placer())
    assert failed.value.exit_code == code
