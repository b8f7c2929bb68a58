"""Stories of orders at one store that another one sends, and takes the payment for."""

from typing import Any

import pytest

from central_server.money_records import StoredValue
from central_server.records import ExceptionFilter
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from store_client.services.drawer_book import entries_of
from store_client.services.holds import end_holds
from sync.domain import operations as op
from sync.domain import reserve_operations as res
from sync.domain.errors import InsufficientStock
from sync.domain.flows import status_of
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus, ShortReason
from sync.domain.money_ledger import balances
from sync.domain.orders import Channel, PaymentPlace
from sync.domain.ship_operations import HandedToCarrier
from sync.domain.tenders import TenderKind, TenderRefused, account_of
from tests.scenarios.table import scenario
from tests.scenarios.world import Retail
from tests.support.parcels import listed_parcel, sold_box

FLOW = "ordered here, paid elsewhere"
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
GIFT = "GIFT-ONE"


def order_at_counter(retail: Retail, units: int = 2) -> str:
    """Order at the first store, which has none of it, to be sent home and paid where it leaves."""
    retail.stock("S001", 0)
    return retail.ship(units, channel=Channel.STORE, payment=PaymentPlace.IN_STORE)


def total(part: FulfillmentOrder) -> int:
    return sum(line.unit_price_minor * line.open for line in part.lines)


def by_card(part: FulfillmentOrder) -> list[object]:
    """Return how a card is charged on the terminal beside the till, of which a reference stays."""
    return [res.CardAsked(part.id, 1, total(part)),
            res.CardAnswered(part.id, 1, approved=True, reference="C-4711")]  # fmt: skip


def in_cash(part: FulfillmentOrder) -> list[object]:
    return [res.TenderTaken(part.id, 1, TenderKind.CASH, total(part))]


def unpaid_stays(retail: Retail, store: str, part: FulfillmentOrder) -> None:
    """Pack and list a parcel; see that its box does not leave, neither sold nor just given away."""
    retail.do(store, listed_parcel(part))
    for leaving in (sold_box(part), HandedToCarrier(part.id, 1)):
        with pytest.raises(TenderRefused):
            retail.do(store, [leaving])


def owed(retail: Retail, store: str) -> list[str]:
    """Return the texts of what waits at a store because money is to be given back."""
    with retail.world.database.read() as view:
        found, _ = view.exceptions.page(
            ExceptionFilter(location_id=store, kind="money_owed"), None, 50
        )
    return [str(one.detail["text"]) for one in found]


def taken(retail: Retail, store: str) -> dict[str, int]:
    """Return the balances of a store by its own ledger."""
    entries = entries_of(retail.store(store).store)
    return balances(posting for entry in entries for posting in entry.postings)


@scenario(FLOW, "plain")
def paid_plain(retail: Retail) -> None:
    """The alternate packs it, asks for the payment on the telephone, and lets the box go."""
    order = order_at_counter(retail)
    (part,) = retail.work(order)
    told: Any = retail.world.order(order)["fulfillments"][0]
    assert (part.location_id, told["payment"]["due_minor"]) == ("S002", 2000)
    unpaid_stays(retail, "S002", part)
    assert retail.world.order(order)["status"] == "ready"
    retail.do("S002", [*by_card(part), sold_box(part)])
    assert retail.world.order(order)["status"] == "fulfilled"
    assert taken(retail, "S002") == {"card": 2000, "sales": -2000}


@scenario(FLOW, "split")
def paid_split(retail: Retail) -> None:
    """Two alternates send a parcel each, and each takes its part, by other means: all is paid."""
    card = StoredValue(account_of(GIFT), TenderKind.GIFT_CARD, "USD", 5000, 0)
    retail.world.database.write(lambda unit: unit.money.issue(card, "issued"))
    order = order_at_counter(retail, 12)
    first, second = retail.work(order)
    assert [(one.location_id, total(one)) for one in (first, second)] == [
        ("S002", 10_000), ("S003", 2000),
    ]  # fmt: skip
    unpaid_stays(retail, "S002", first)
    retail.do("S002", [*in_cash(first), sold_box(first)])
    unpaid_stays(retail, "S003", second)
    gift = res.ValueAsked(second.id, 1, TenderKind.GIFT_CARD, 2000, account_of(GIFT))
    retail.do("S003", [gift])
    retail.do("S003", [sold_box(second)])
    assert retail.world.order(order)["status"] == "fulfilled"
    assert taken(retail, "S002")["sales"] + taken(retail, "S003")["sales"] == -12_000
    assert taken(retail, "S003") == {"gift_card": 2000, "sales": -2000}
    left: Any = retail.world.parts.tills.value(GIFT)["balance"]
    assert left["amount_minor"] == 3000


@scenario(FLOW, "reject")
def paid_reject(retail: Retail) -> None:
    """Paid, and then it is broken: the next alternate sends it and is paid; the first gives back.

    What it owes waits there with a due time, until the money is given back.
    """
    order = order_at_counter(retail)
    (part,) = retail.work(order)
    retail.do("S002", [op.LinePicked(part.id, 1, 2), *in_cash(part)])
    assert owed(retail, "S002") == []
    broken = op.FulfillmentRejected(part.id, ShortReason.DAMAGED)
    retail.do("S002", [broken, op.PutBack(part.id, 1, 2)])
    (other,) = retail.work(order)
    assert (other.location_id, total(other)) == ("S003", 2000)
    assert ["20.00 USD of what was paid" in text for text in owed(retail, "S002")] == [True]
    mine = retail.store("S002").store.fulfillment(part.id)
    assert mine is not None
    assert status_of(mine) is FulfillmentStatus.REFUND_DUE
    retail.do("S002", [res.TenderReturned(part.id, 1)])
    assert (owed(retail, "S002"), taken(retail, "S002")) == ([], {})
    unpaid_stays(retail, "S003", other)
    retail.do("S003", [*in_cash(other), sold_box(other)])
    assert retail.world.order(order)["status"] == "fulfilled"


@scenario(FLOW, "capacity")
def paid_capacity(retail: Retail) -> None:
    """A full alternate is passed; who never pays gives goods and place back, by the store's clock.

    Centers and vendors take no money: they are not asked.
    """
    retail.vendor("S003")
    retail.room("S002", 1)
    first = order_at_counter(retail)
    with pytest.raises(InsufficientStock):
        order_at_counter(retail)
    (part,) = retail.work(first)
    unpaid_stays(retail, "S002", part)
    side = retail.store("S002")
    assert end_holds(side.store, "S002-1") == 0
    retail.world.clock.advance(2 * DAY_MS)
    side.settle()
    assert end_holds(side.store, "S002-1") == 1
    retail.do("S002", [op.PutBack(part.id, 1, 2)])
    assert retail.world.order(first)["status"] == "cancelled"
    assert retail.world.stock("S002") == (10, 0)
    second = order_at_counter(retail)
    (part,) = retail.work(second)
    retail.do("S002", [*listed_parcel(part), *in_cash(part), sold_box(part)])
    assert retail.world.order(second)["status"] == "fulfilled"


@scenario(FLOW, "scarce")
def paid_scarce(retail: Retail) -> None:
    """The last unit is held unpaid while its store is away; central ends that, and sells it again.

    A rule keeps it from the store where it was ordered; cancelled after it was paid, it is owed.
    """
    away = RoutingRule("away", RoutingRuleKind.ROUTE, except_locations=("S001",))
    retail.rules(away)
    for name, units in (("S002", 1), ("S003", 0)):
        retail.stock(name, units)
    unpaid = order_at_counter(retail, 1)
    with pytest.raises(InsufficientStock):
        order_at_counter(retail, 1)
    retail.world.clock.advance(2 * DAY_MS)
    assert retail.world.parts.holds.run() == 1
    assert retail.world.order(unpaid)["status"] == "cancelled"
    paid = order_at_counter(retail, 1)
    (part,) = retail.work(paid)
    retail.do("S002", [op.LinePicked(part.id, 1, 1), *by_card(part)])
    retail.world.parts.central.cancelling.cancel(paid, reason="", actor="shop")
    assert len(owed(retail, "S002")) == 1
    retail.do("S002", [res.TenderReturned(part.id, 1), op.PutBack(part.id, 1, 1)])
    assert (owed(retail, "S002"), taken(retail, "S002")) == ([], {})
