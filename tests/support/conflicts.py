"""What a conflict leaves behind: what the associate reads, what the customer gets, who has to act.

A row of the conflict catalogue is shown by a test that says all three, in full: `sentence` (or
`sale_sentence`, or the words of a refusal), `customer_reads` and `people`. That they are asked is
a rule of its own, `tests/architecture/test_conflicts.py`.
"""

import re
from datetime import datetime
from typing import Any

from central_server.records import ExceptionFilter
from store_client.replica.store import Store
from store_client.services import words
from sync.domain.fulfillment import FulfillmentOrder, PickupProof, ProofKind
from tests.support.central_world import World
from tests.support.store_side import StoreSide

PROOF = PickupProof(ProofKind.PICKUP_CODE, "Jo")
RECEIVED = "Order N: we have it"
CANCELLED = "Order N is cancelled"
_ORDER_NUMBER = re.compile(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}\b")


def order_at(world: World, store: StoreSide, units: int = 2) -> tuple[str, FulfillmentOrder]:
    """Place an order and let the store hear of it; return order id and the store's work."""
    placed = world.place(("SKU-1", units))
    store.settle()
    (work,) = world.fulfillments(placed.order_id)
    return placed.order_id, work


def do(store: StoreSide, *operations: Any) -> None:
    """Let an associate record operations at the store's terminal."""
    for operation in operations:
        store.store.perform(operation, by="A1", dev="T1")


def cancel(world: World, order_id: str) -> None:
    """Cancel an order at central, as the customer wishes."""
    world.parts.central.cancelling.cancel(order_id, reason="mind changed", actor="test")


def agree(world: World, *stores: StoreSide) -> None:
    """Assert that stores and central are the same once everything is said."""
    for store in stores:
        store.settle()
        assert store.differences() == []
    world.check_books()


def sentence(store: StoreSide, key: str) -> str:
    """Return what the associate reads of the last operation on an order."""
    return store.store.fates_of(key)[-1].text


def sale_sentence(store: StoreSide) -> str:
    """Return what the associate reads of the last sale of the point of sale."""
    sales = (one for one in store.store.operations(limit=50) if one.kind == "floor_sold")
    return next(sales).text


def inbox(store: StoreSide) -> list[str]:
    """Return what the store's own list says that there is to do, the most urgent first."""
    return [one.text for one in store.store.exceptions()]


def refused(error: BaseException) -> str:
    """Return what the terminal says of what it refuses."""
    assert isinstance(error, Exception)
    return " ".join(filter(None, words.refusal(error)))


def alerts(store: Store) -> tuple[str, ...]:
    """Return what stands above everything on the sync screen: the last error, then the alerts."""
    state = store.sync_state()
    return (*filter(None, (state.last_error,)), *state.alerts)


def customer_reads(world: World) -> list[str]:
    """Return the subjects of all messages that customers got, sorted; N is an order's number."""
    return sorted(_ORDER_NUMBER.sub("N", mail.subject) for mail in world.mails())


def exceptions(world: World) -> list[str]:
    """Return the kinds of what waits for a person; each has an owner and a due time."""
    return sorted(str(one["kind"]) for one in _open(world))


def people(world: World) -> list[str]:
    """Return what waits for a person: what it is, whose it is, and how soon it is due."""
    return sorted(
        f"{one['kind']}: {one['owner']}, within {_hours(one):g} hours" for one in _open(world)
    )


def said(world: World) -> list[str]:
    """Return what people read of what waits for them, sorted; N is any order's number."""
    return sorted(_ORDER_NUMBER.sub("N", str(one["text"])) for one in _open(world))


def _open(world: World) -> list[dict[str, object]]:
    found = world.parts.central.exceptions.page(ExceptionFilter(), None, 50)[0]
    assert all(one["owner"] and one["due_at"] for one in found)
    return found


def _hours(exception: dict[str, object]) -> float:
    opened, due = (datetime.fromisoformat(str(exception[name])) for name in ("opened_at", "due_at"))
    return (due - opened).total_seconds() / 3600
