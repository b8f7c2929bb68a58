"""Parcels that are paid in the store that sends them: ordered, paid in every way, given up."""

from dataclasses import replace
from random import Random

from central_server.services.errors import ShippingNotOffered
from store_client.services import holds
from sync.domain.errors import InsufficientStock
from sync.domain.fulfillment import FulfillmentOrder, RefusalReason
from sync.domain.orders import Channel, PaymentPlace
from sync.domain.paying import due_of, owed_back, reservation_of
from sync.domain.reserve_operations import TenderReturned
from sync.domain.tenders import TenderKind, TenderState
from tests.simulation.events import asking
from tests.simulation.events.reservations import answer_card, do_at, pay
from tests.simulation.registry import EventKind
from tests.simulation.store import StoreMachine
from tests.simulation.template import SKUS
from tests.simulation.world import World
from tests.support.parcels import HOME, parcel_order

STEPS = (2, 3, 5)
GIVES_UP, WANTS_IT_BACK = 0.08, 0.1


def place(world: World, index: int, dice: Random) -> str:
    """Somebody orders what is sent, and is to pay it in the store that sends it."""
    world.keys += 1
    key = f"to-pay-{world.keys}"
    lines = [(sku, dice.choice((1, 1, 2, 3))) for sku in dice.sample(SKUS, dice.choice((1, 2)))]
    new = parcel_order(*lines, to=HOME, email="jo@example.com" if dice.random() < 0.5 else "")
    new = replace(new, channel=Channel.CALL_CENTER, payment=PaymentPlace.IN_STORE)
    placing, problem = asking.order(world, key, new, (InsufficientStock, ShippingNotOffered))
    return problem if placing is None else f"placed {placing.fulfillment_id[-4:]}, to be paid"


def pay_parcels(world: World, index: int, dice: Random) -> str:
    """An associate takes payments for parcels, gives them back, or hears that nobody wants them."""
    store, said = world.stores[index], []
    for _ in range(dice.choice(STEPS)):
        orders = [one for one in store.orders() if _waits_for_money(one)]
        if not orders:
            break
        order = dice.choice(orders)
        said.append(do_at(world, store, lambda o=order: _step(store, o, dice)))
    return "; ".join(said) or "no parcel is to be paid"


def _waits_for_money(order: FulfillmentOrder) -> bool:
    """Return whether money may be taken for it, or is to be given back."""
    if order.reserve is None or order.shipment is None:
        return False
    return order.is_unsettled or (order.total("open") > 0 and due_of(order) > 0)


def _step(store: StoreMachine, order: FulfillmentOrder, dice: Random) -> str:
    desk, key = store.desk(), order.id
    tenders = reservation_of(order).tenders
    card = next((one for one in tenders if one.means is TenderKind.CARD
                 and one.state is TenderState.ASKED), None)  # fmt: skip
    if card is not None:
        return answer_card(desk, order, card.number, dice)
    live = [one for one in tenders if one.state in {TenderState.TAKEN, TenderState.ASKED}]
    is_owed = owed_back(order) > 0 or not order.total("open")
    if live and (is_owed or dice.random() < WANTS_IT_BACK):
        desk.perform(TenderReturned(key, dice.choice(live).number))
        return f"{key[-4:]}: given back"
    if not order.is_unsettled and dice.random() < GIVES_UP:
        holds.not_wanted(desk, key, RefusalReason.CHANGED_MIND)
        return f"{key[-4:]} not wanted"
    if not order.total("deliverable"):
        return f"{key[-4:]} is not picked"
    return pay(desk, order, dice)


KINDS = (
    EventKind("place_to_pay", place, 3),
    EventKind("pay_parcels", pay_parcels, 6),
)
