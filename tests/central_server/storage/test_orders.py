"""Orders, their lines and timelines, search, and fulfillment orders, on both engines."""

from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from central_server.records import OrderCursor, OrderEvent, OrderFilter, OrderLine, Trace
from sync.protocol.rows import Entity, Watermark, encode_body
from tests.central_server.storage.data import NOW, fulfillment, location, order


def _places(database) -> None:
    database.write(lambda unit: unit.locations.upsert([location("L1"), location("L2")]))


def _insert(database, *orders) -> None:
    database.write(lambda unit: unit.orders.insert_many(orders))


def test_an_order_comes_back_as_it_was(database):
    """Every field survives, lines in order, e-mail in lower case."""
    lines = (OrderLine(1, "A", "Thing", 2, 100, 1, 1), OrderLine(2, "B", 'Ünï "x"', 1, 5))
    placed = order(
        customer_name="Ann", customer_email="Ann@Example.com", latitude=1.5, longitude=None,
        proxy_name="Bob", pickup_code="3FQ7Z0KD", external_id="x-1", lines=lines,
    )  # fmt: skip
    _insert(database, placed)
    expected = replace(placed, customer_email="ann@example.com")
    with database.read() as view:
        assert view.orders.get("O1") == view.orders.get_by_number("N-O1") == expected
        assert view.orders.get("O2") is None
        assert view.orders.number_taken("N-O1")
        assert not view.orders.number_taken("N-O2")


def test_a_number_is_given_once(database):
    """Two orders cannot have the same number."""
    _insert(database, order("O1"))
    with pytest.raises(IntegrityError):
        _insert(database, order("O2", number="N-O1"))


def test_the_timeline_is_in_order(database):
    """Events come back oldest first, in the order written where the time is equal."""
    _insert(database, order())
    events = [
        OrderEvent("O1", NOW + 1, "picked", "second", "A1", {"units": 2}),
        OrderEvent("O1", NOW + 1, "staged", "third"),
        OrderEvent("O1", NOW, "placed", "first"),
    ]
    database.write(lambda unit: unit.orders.append_events(events))
    traces = [Trace("O1", NOW, {"chosen": "L1"}), Trace("O1", NOW + 1, {"chosen": None})]
    for trace in traces:
        database.write(lambda unit, one=trace: unit.orders.add_trace(one))
    with database.read() as view:
        assert view.orders.events("O1") == (events[2], events[0], events[1])
        assert view.orders.traces("O1") == tuple(traces)


def test_projections_are_set_in_bulk(database):
    """Statuses and open quantities of many orders are written at once."""
    _insert(database, order("O1"), order("O2"), order("O3"))

    def command(unit):
        unit.orders.set_statuses({"O2": "ready", "O1": "cancelled"})
        unit.orders.set_line_counts({("O1", 1): (0, 2), ("O2", 1): (1, 0)})

    database.write(command)
    with database.read() as view:
        found = view.orders.get_many(["O1", "O2", "O3", "missing"])
    assert {key: one.status for key, one in found.items()} == {
        "O1": "cancelled", "O2": "ready", "O3": "open",
    }  # fmt: skip
    assert [(one.lines[0].unsourced, one.lines[0].dropped) for one in found.values()] == [
        (0, 2), (1, 0), (0, 0),
    ]  # fmt: skip


def test_pages_neither_repeat_nor_skip(database):
    """A search is read page by page, newest first, while orders arrive."""
    _insert(database, *(order(f"O{n}", placed_at_ms=NOW + n // 2) for n in range(7)))
    seen: list[str] = []
    cursor: OrderCursor | None = None
    while True:
        with database.read() as view:
            page, cursor = view.orders.search(OrderFilter(), cursor, 2)
        seen += [one.id for one in page]
        if cursor is None:
            break
        _insert(database, order(f"X{len(seen)}", placed_at_ms=NOW + 100 + len(seen)))
    assert seen == [f"O{n}" for n in reversed(range(7))]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (OrderFilter(), {"O1", "O2", "O3"}),
        (OrderFilter(channel="store"), {"O2"}),
        (OrderFilter(status="ready"), {"O3"}),
        (OrderFilter(email="ANN@example.com"), {"O1"}),
        (OrderFilter(number="N-O2"), {"O2"}),
        (OrderFilter(sku="B"), {"O2"}),
        (OrderFilter(location_id="L1"), {"O1", "O2"}),
        (OrderFilter(location_id="L2"), {"O1", "O3"}),
        (OrderFilter(placed_from_ms=NOW + 1, placed_before_ms=NOW + 2), {"O2"}),
        (OrderFilter(sku="A", location_id="L2", channel="web"), {"O1", "O3"}),
        (OrderFilter(channel="nothing"), set()),
    ],
    ids=[
        "all",
        "channel",
        "status",
        "email",
        "number",
        "sku",
        "chosen",
        "carried",
        "placed",
        "several",
        "none",
    ],
)
def test_search_finds_what_was_asked(database, wanted, found):
    """Each condition narrows the search, several must all hold."""
    _places(database)
    _insert(
        database,
        order("O1", customer_email="Ann@example.com"),
        order("O2", channel="store", placed_at_ms=NOW + 1, lines=(OrderLine(1, "B", "", 1, 1),)),
        order("O3", status="ready", placed_at_ms=NOW + 2, pickup_location_id="L2"),
    )
    rows = [fulfillment("F1", "O1", "L2")]
    database.write(lambda unit: unit.fulfillments.upsert_many(rows))
    with database.read() as view:
        page, cursor = view.orders.search(wanted, None, 10)
    assert {one.id for one in page} == found
    assert cursor is None


def test_a_fulfillment_order_is_its_feed_row(database):
    """What is stored is the JSON that stores get; the revision counts changes."""
    _places(database)
    _insert(database, order())
    row = fulfillment()
    bodies = database.write(lambda unit: unit.fulfillments.upsert_many([row]))
    assert bodies == {"F1": encode_body(Entity.FULFILLMENT, row)}
    changed = replace(fulfillment(picked=2), watermark=Watermark("R1", 1, 7))
    database.write(lambda unit: unit.fulfillments.upsert_many([changed]))
    with database.read() as view:
        stored = view.fulfillments.get("F1")
        assert (stored.row, stored.revision) == (changed, 2)
        assert view.fulfillments.of_orders(["O1", "O9"]) == {"O1": [stored], "O9": []}
        assert view.fulfillments.get_many(["F1", "F9"]) == {"F1": stored}


def test_open_work_is_listed_by_promise(database):
    """A location's open work comes first-promised first; what is finished is not in it."""
    _places(database)
    _insert(database, order())
    late, early = fulfillment("F1"), fulfillment("F2")
    early = replace(early, order=replace(early.order, promised_by_ms=NOW - 5))
    in_hand = fulfillment("F3", picked=2, cancelled=2)
    done = fulfillment("F4", picked=2, fulfilled=2)
    elsewhere = fulfillment("F5", location_id="L2")
    rows = [late, early, in_hand, done, elsewhere]
    database.write(lambda unit: unit.fulfillments.upsert_many(rows))
    with database.read() as view:
        assert [one.row.order.id for one in view.fulfillments.open_at("L1")] == ["F2", "F1", "F3"]
