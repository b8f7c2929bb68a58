"""What central says goes in whole, and what this version does not know is kept."""

import json

import pytest

from sync.domain.operations import FulfillmentAccepted, LinePicked
from sync.hub.feed import FeedWriter
from sync.protocol.endpoint import PullPage
from sync.protocol.rows import Entity, FulfillmentRow, StockRow, encode_body
from sync.protocol.session import PullHeader
from tests.support.builders import an_order
from tests.sync.edge.worlds import SCOPE, World


def feed_row(world: World, entity: str, key: str, body: str | None) -> None:
    """Write a row of an entity that this version need not know."""
    writer = FeedWriter(world.central.feed)
    writer._changes[SCOPE][entity, key] = body
    writer.flush()


def test_an_unknown_entity_is_kept_for_a_newer_version(world: World):
    """It counts in the checksum, changes, and goes again; nothing is reset for it."""
    for body in ('{"x":1}', '{"x":2}', None, '{"x":3}'):
        feed_row(world, "gift_card", "G1", body)
        report = world.round()
        assert (report.ok, report.resets) == (True, 0)
        kept = world.store._database.all("SELECT entity, key, body FROM unknown_rows")
        assert kept == [("gift_card", "G1", None if body is None else json.dumps(json.loads(body)))]
        world.check_equal()


@pytest.mark.parametrize("change", ["flow", "reason"])
def test_an_order_for_a_newer_version_is_kept_and_stops_nothing(world: World, change: str):
    """An order of an unknown flow, or one that cannot be read, is on no board; others are."""
    order = an_order(7, flow="locker_of_the_future")
    body = encode_body(Entity.FULFILLMENT, FulfillmentRow(order))
    if change == "reason":
        body = '{"order":{"id":"F00007","shape":"of things to come"}}'
    feed_row(world, "fulfillment", "F00007", body)
    world.central.place(an_order(1))
    report = world.round()
    assert (report.ok, report.resets) == (True, 0)
    assert world.store.fulfillment("F00007") is None
    assert [row.id for row in world.store.board("pickup")] == ["F00001"]
    assert len(world.store.views()) == 1
    world.perform(FulfillmentAccepted("F00001"))
    world.quiet()
    world.check_equal()


@pytest.mark.parametrize(
    "line",
    [b"<html>", b'{"e":"stock"}', b'{"e":"stock","k":"S","r":9,"b":{"on_hand":null,"allocated":1}}',
     b'{"e":"stock","k":"S","r":99,"b":{"on_hand":"many","allocated":1}}', b"[1]",
     b'{"e":"product","k":"S","r":99,"b":7}'],
)  # fmt: skip
def test_a_row_that_cannot_be_read_is_an_error_of_the_round(world: World, line: bytes):
    """Nothing of its page is taken, the cursor stays, and the daemon lives on."""
    before = world.scopes()
    whole = world.central.pull

    def pull(scope: str, incarnation: int, after: int, limit: int) -> PullPage:
        page = whole(scope, incarnation, after, limit)
        return PullPage(page.header, (*page.lines, line)) if scope == SCOPE else page

    world.central.pull = pull  # type: ignore[method-assign]
    world.central.place(an_order())
    report = world.round()
    assert (report.ok, "cannot be read" in report.error) == (False, True)
    assert world.scopes() == before
    world.central.pull = whole  # type: ignore[method-assign]
    world.quiet()
    world.check_equal()


def test_the_same_page_twice_changes_nothing(world: World):
    """A page may be taken again: revs and checksums are those of the rows, not of the pages."""
    world.central.place(an_order())
    cursor = world.store.writer.cursor(SCOPE)
    page = world.central.pull(SCOPE, cursor.incarnation, cursor.rev, 100)
    assert world.store.writer.apply_page(page)
    sums = world.scopes()
    assert world.store.writer.apply_page(page)
    assert world.scopes() == sums


def test_a_tombstone_takes_an_order_away(world: World):
    """An order that moved elsewhere is gone after the next round."""
    world.central.place(an_order())
    world.quiet()
    world.central.remove(SCOPE, Entity.FULFILLMENT, "F00001")
    del world.central.orders["F00001"]
    world.quiet()
    assert world.store.fulfillment("F00001") is None
    world.check_equal()


def test_a_tombstone_waits_for_unsent_work(world: World):
    """What was done to the order stays in sight until central has all of it."""
    world.central.place(an_order())
    world.quiet()
    world.perform(LinePicked("F00001", 1, 1))
    rev = world.central.feed.scope(SCOPE).rev
    world.central.remove(SCOPE, Entity.FULFILLMENT, "F00001")
    page = world.central.pull(SCOPE, 1, rev, 100)
    assert world.store.writer.apply_page(page)
    world.store.writer.refold()
    assert world.view("F00001").total("picked") == 1
    world.reopen()
    assert world.view("F00001").total("picked") == 1
    world.quiet()
    assert world.store.fulfillment("F00001") == world.central.orders["F00001"]
    world.central.remove(SCOPE, Entity.FULFILLMENT, "F00001")
    world.quiet()
    assert world.store.fulfillment("F00001") is None


def test_an_order_that_comes_back_is_there_again(world: World):
    """Taken away and given again: one row, one digest."""
    world.central.place(an_order())
    world.quiet()
    world.central.remove(SCOPE, Entity.FULFILLMENT, "F00001")
    world.round()
    world.central.put(
        SCOPE, Entity.FULFILLMENT, "F00001", FulfillmentRow(world.central.orders["F00001"])
    )
    world.quiet()
    world.check_equal()


def test_documents_and_stock_come_and_go(world: World):
    """Associates who left cannot sign in; stock that is not kept any more is unknown."""
    assert [person.name for person in world.store.associates()] == ["Kim"]
    world.central.remove(SCOPE, Entity.ASSOCIATE, "A1")
    world.central.remove(SCOPE, Entity.STOCK, "SKU-1")
    del world.central.stock["SKU-1"]
    world.quiet()
    assert world.store.associates() == []
    assert world.store.product_by_code("SKU-1")[0].on_hand is None
    world.check_equal()


def test_a_scope_that_does_not_fit_one_page_is_followed_in_pages(world: World):
    """Thousands of rows come in pages; the checksum is that of all of them."""
    for number in range(700):
        world.central.stock[f"X-{number}"] = StockRow(f"X-{number}", number, 0)
        world.central.put(SCOPE, Entity.STOCK, f"X-{number}", world.central.stock[f"X-{number}"])
    hello = world.central.hello
    world.central.hello = lambda request: hello(request).model_copy(  # type: ignore[method-assign]
        update={"rows_max": 100}
    )
    world.reopen(forget=True)
    before = world.central.pulls
    assert world.round().ok
    assert world.central.pulls - before >= 7
    world.check_equal()


def test_a_header_alone_moves_the_cursor(world: World):
    """A page without rows is an answer too."""
    header = PullHeader(
        incarnation=1, scope="store:S002", after=0, to=0, more=False, count=0, checksum=0,
        rows_live=0,
    )  # fmt: skip
    assert world.store.writer.apply_page(PullPage(header, ()))
    assert world.store.writer.cursor("store:S002").incarnation == 1
