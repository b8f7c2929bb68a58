"""Central behind a real socket, spoken to by the stores' own transport."""

import contextlib
import queue
import threading

import pytest

from central_server.records import Location, Price
from sync.protocol import errors
from sync.protocol.session import Poke, PushHeader, heads_digest
from sync.transport.client import open_client
from sync.transport.http import HttpEndpoint
from sync.transport.traffic import Traffic
from tests.support.central_world import NINE_TO_NINE, PLACES, whole_pickup
from tests.support.live_central import served

pytestmark = pytest.mark.slow
PATIENCE_S = 10


@pytest.fixture
def device(world):
    """The device of S001."""
    return world.device("S001")


@pytest.fixture
def endpoint(world, device):
    """Its endpoint, with a session."""
    with served(world.parts.app()) as url, contextlib.closing(HttpEndpoint(url)) as opened:
        opened.hello(device.hello_request())
        yield opened
        world.parts.central.pokes.close()


def test_pickup_travels_over_the_wire(world, device, endpoint):
    """An order is pulled, worked off and pushed; a lost answer is repeated without harm."""
    placed = world.place()
    page = endpoint.pull("store:S001", 0, 0, 100)
    (work,) = world.fulfillments(placed.order_id)
    assert any(work.id.encode() in line for line in page.lines)
    device.do(*whole_pickup(work))
    answer = endpoint.push(*device.frame())
    assert (answer.acked_seq, answer.verdicts) == (5, ())
    assert endpoint.push(*device.frame()).acked_seq == 5
    assert world.order(placed.order_id)["status"] == "fulfilled"
    world.check_books()


def test_an_idle_cycle_costs_at_most_five_hundred_bytes(world, device):
    """One request, heads and bodies both ways; the answer says no more than that nothing is new."""
    traffic = Traffic()
    with served(world.parts.app()) as url, contextlib.closing(
        HttpEndpoint(url, client_factory=lambda at: open_client(at, traffic=traffic))
    ) as counted:  # fmt: skip
        heads = counted.hello(device.hello_request()).heads
        here = heads_digest((head.scope, 1, head.rev) for head in heads)
        header = PushHeader(first_seq=1, prev_hash=device.hashes[0].hex()[:32], heads=here)
        traffic.reset()
        answer = counted.push(header, ())
        world.parts.central.pokes.close()
    assert (answer.heads, traffic.requests) == ((), 1)
    assert traffic.bytes_sent + traffic.bytes_received <= 450


def test_refusals_keep_code_and_data(world, device, endpoint):
    """The store's transport raises what the hub raised."""
    device.do(*whole_pickup(world.fulfillments(world.place().order_id)[0]))
    with pytest.raises(errors.Gap) as gap:
        endpoint.push(*device.frame(3))
    assert gap.value.data["expected_seq"] == 1
    with pytest.raises(errors.CursorExpired):
        endpoint.pull("store:S001", 77, 3, 10)


def test_snapshot_arrives_whole(endpoint):
    """Every part is what the manifest says."""
    manifest = endpoint.manifest("catalogue")
    assert manifest.rows_live == 5
    parts = [endpoint.snapshot_part(manifest, n) for n in range(len(manifest.part_sha256))]
    assert sum(map(len, parts)) == manifest.bytes_compressed


def test_a_price_zone_may_have_a_slash(world, device, endpoint):
    """A zone that is called N/A, or CH/DE, reaches its stores as any other."""
    _, latitude, longitude = PLACES[0]
    store = Location(
        "S001", "Store S001", latitude=latitude, longitude=longitude, timezone="America/New_York",
        price_zone="N/A", hours=NINE_TO_NINE,
    )  # fmt: skip
    world.parts.intake.locations([store])
    world.parts.intake.prices([Price("N/A", "SKU-1", 1000, "USD")])
    manifest = endpoint.manifest("prices:N/A")
    assert (manifest.scope, manifest.rows_live) == ("prices:N/A", 1)
    assert len(endpoint.snapshot_part(manifest, 0)) == manifest.bytes_compressed
    assert endpoint.manifest("catalogue").scope == "catalogue"


def test_order_pokes_the_store_at_once(world, endpoint):
    """The poke of a new order comes over the open stream, before any poll."""
    heard: queue.Queue[object] = queue.Queue()

    def listen() -> None:
        with contextlib.suppress(errors.ProtocolError):
            for poke in endpoint.pokes():
                heard.put(poke)
        heard.put("closed")

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    assert heard.get(timeout=PATIENCE_S) is None
    assert heard.get(timeout=PATIENCE_S) is None
    world.place()
    poke = heard.get(timeout=PATIENCE_S)
    assert poke == Poke(scope="store:S001", rev=8)
    world.parts.central.pokes.close()
    assert heard.get(timeout=PATIENCE_S) == "closed"
    listener.join(PATIENCE_S)
