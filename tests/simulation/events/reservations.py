"""Goods that are held unpaid: reserved at counters, paid in every way, waited for, expired."""

from random import Random
from typing import Any

from store_client.flows.reserve import commands
from store_client.replica.models import ProductHit
from store_client.services import card_settling, drawer_book, holds, reserving
from sync.domain import money_operations as money
from sync.domain.errors import OperationRefused
from sync.domain.flows import status_of
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus, RefusalReason
from sync.domain.operations import LineQuantity
from sync.domain.paying import FLOW, balance_of, next_tender, price_of, reservation_of
from sync.domain.reserve_operations import (
    CardAnswered,
    CardAsked,
    ReservationConverted,
    TenderReturned,
    TenderTaken,
    ValueAsked,
)
from sync.domain.tenders import TenderKind, TenderState, account_of
from tests.simulation.registry import EventKind
from tests.simulation.store import StoreMachine
from tests.simulation.template import SKUS
from tests.simulation.world import World

S = FulfillmentStatus
CODES = ("GIFT-ONE", "GIFT-TWO")
STEPS = (2, 4, 6)
TILL = "till-1"


def at_the_counter(world: World, index: int, dice: Random) -> str:
    """Somebody in the store has something held for them, or waits for it."""
    store = world.stores[index]
    sku, wants = dice.choice(SKUS), dice.choice((1, 1, 2, 5))
    hit = ProductHit(
        sku, f"Thing {sku}", "", "", (), 1000, "USD", on_hand=0, allocated=0, available=0, aisle=""
    )
    begin = reserving.wait if dice.random() < 0.3 else reserving.reserve
    wish = reserving.Wish("Ines", wants, "+1 555-0100")
    return do_at(world, store, lambda: begin(store.desk(), hit, wish, dice).id[-4:])


def sell_reservations(world: World, index: int, dice: Random) -> str:
    """An associate works on reservations: sets aside, takes money in some way, hands over."""
    store, said = world.stores[index], []
    for _ in range(dice.choice(STEPS)):
        orders = [one for one in store.orders() if one.flow == FLOW and _is_alive(one)]
        if not orders:
            break
        order = dice.choice(orders)
        said.append(do_at(world, store, lambda o=order: _step(store, o, dice)))
    if said and dice.random() < 0.5:
        said.append(card_settles(world, index, dice))
    return "; ".join(said) or "nothing is reserved"


def _is_alive(order: FulfillmentOrder) -> bool:
    return bool(order.total("open") or order.total("to_put_back") or order.is_unsettled)


def _step(store: StoreMachine, order: FulfillmentOrder, dice: Random) -> str:
    desk, key, status = store.desk(), order.id, status_of(order)
    if status in {S.TENDERING, S.REFUND_DUE}:
        return _settle(desk, order, dice)
    if order.total("to_put_back"):
        commands.put_back_all(desk, key)
        return "put back"
    if order.total("to_pick"):
        line = next(line for line in order.lines if line.to_pick)
        commands.pick_by_hand(desk, key, line.line, line.to_pick)
        return f"{key[-4:]} set aside"
    if status is S.PICKED:
        commands.stage(desk, key, "A1")
        return "on the shelf"
    if dice.random() < 0.1:
        commands.not_wanted(desk, key, RefusalReason.CHANGED_MIND)
        return "not wanted"
    return pay(desk, order, dice)


def pay(desk: Any, order: FulfillmentOrder, dice: Random) -> str:
    """Take a part or all of what is due, by some means; clocks do not matter here."""
    key, number = order.id, next_tender(order)
    here = sum(line.unit_price_minor * line.deliverable for line in order.lines)
    due = here - balance_of(order) - reservation_of(order).asked_minor
    amount = due if dice.random() < 0.7 else max(1, due // 2)
    means = dice.choice((*[TenderKind.CASH] * 3, *list(TenderKind)))
    account = account_of(dice.choice(CODES))
    if means is TenderKind.CARD:
        desk.perform(CardAsked(key, number, amount))
        return f"card asked for {amount}"
    if means is TenderKind.CASH:
        desk.perform(TenderTaken(key, number, means, amount, dice.choice((0, 0, 2, -2))))
    elif dice.random() < 0.5:
        desk.perform(ValueAsked(key, number, means, amount, account))
        return f"{means.value} asked for {amount}"
    else:
        desk.perform(TenderTaken(key, number, means, amount, account=account))
    return f"{means.value} {amount} taken"


def _settle(desk: Any, order: FulfillmentOrder, dice: Random) -> str:
    """Go on with a payment: an answer, another one, the sale, or the money back."""
    key, held = order.id, reservation_of(order)
    card = next((one for one in held.tenders if one.means is TenderKind.CARD
                 and one.state is TenderState.ASKED), None)  # fmt: skip
    if card is not None:
        return answer_card(desk, order, card.number, dice)
    lines = tuple(LineQuantity(one.line, one.deliverable) for one in order.lines if one.deliverable)
    total = price_of(order, lines)
    if lines and total <= balance_of(order) and status_of(order) is S.TENDERING:
        desk.perform(ReservationConverted(key, lines, total))
        return f"{key[-4:]} sold for {total}"
    live = [one for one in held.tenders if one.state is not TenderState.DECLINED
            and one.state is not TenderState.RETURNED]  # fmt: skip
    if live and (status_of(order) is S.REFUND_DUE or dice.random() < 0.3):
        desk.perform(TenderReturned(key, dice.choice(live).number))
        return "given back"
    return pay(desk, order, dice)


def answer_card(desk: Any, order: FulfillmentOrder, number: int, dice: Random) -> str:
    """Let the payment terminal answer about a card."""
    approved = dice.random() < 0.8
    reference = f"C-{dice.getrandbits(24):x}"
    desk.perform(
        CardAnswered(order.id, number, approved, reference if approved else "",
                     approved and dice.random() < 0.5)
    )  # fmt: skip
    return "card approved" if approved else "card declined"


def drawer_work(world: World, index: int, dice: Random) -> str:
    """A drawer is opened, cash is moved, it is counted; now and then it does not add up."""
    store = world.stores[index]
    desk = store.desk()

    def work() -> str:
        known = drawer_book.sessions(store.store, TILL)
        if not known or not known[-1].is_open:
            number = known[-1].number + 1 if known else 1
            opened = money.DrawerOpened(TILL, number, 10_000, "USD")
            store.store.record_money(opened, by="A1", dev=TILL)
            return "opened"
        session = known[-1]
        if dice.random() < 0.5:
            reason = dice.choice(list(money.CashReason))
            moved = money.CashMoved(TILL, session.number, dice.choice((500, -500)), "USD", reason)
            store.store.record_money(moved, by="A1", dev=TILL)
            return f"{moved.amount_minor} moved"
        counted = session.expected_minor + dice.choice((0, 0, 0, 5, -5))
        store.store.record_money(
            money.DrawerCounted(TILL, session.number, counted, session.expected_minor, "USD"),
            by="A1", dev=TILL,
        )  # fmt: skip
        return f"counted {counted}"

    assert desk.device == TILL
    return do_at(world, store, work)


def card_settles(world: World, index: int, dice: Random) -> str:
    """A card that was approved offline is settled, or declined after all."""
    store = world.stores[index]
    unsettled = card_settling.unsettled_cards(store.desk())
    if not unsettled:
        return "no card is unsettled"
    reference, amount = f"C-{dice.getrandbits(24):x}", unsettled[0].amount_minor
    operation = money.CardSettled(reference, amount, "USD", declined=dice.random() < 0.3)
    return do_at(world, store, lambda: _recorded(store, operation))


def _recorded(store: StoreMachine, operation: Any) -> str:
    store.store.record_money(operation, by="A1", dev=TILL)
    return f"{operation.amount_minor} settled"


def holds_end_here(world: World, index: int, dice: Random) -> str:
    """The store's machine releases what is over."""
    store = world.stores[index]
    return do_at(world, store, lambda: f"{holds.end_holds(store.store, TILL)} released")


def holds_end_there(world: World, index: int, dice: Random) -> str:
    """Central ends what is over and serves who waits."""
    done, problem = world.at_central(lambda _: world.central.parts.holds.run())
    return problem or f"{done} reservations ended or served"


def gift_card_issued(world: World, index: int, dice: Random) -> str:
    """Central sells a gift card, or puts money on one."""
    from central_server.money_records import StoredValue

    code, amount = dice.choice(CODES), dice.choice((500, 2_000, 10_000))
    account, now_ms = account_of(code), world.central.clock.now_ms()
    card = StoredValue(account, TenderKind.GIFT_CARD, "USD", amount, now_ms)

    def act(_: object) -> str:
        def put(unit: Any) -> str:
            if unit.money.stored_values([account], lock=True):
                unit.money.move([(account, amount, "top-up", now_ms)])
                return "more on"
            unit.money.issue(card, "issued")
            return "issued"

        return str(world.central.database.write(put))

    said, problem = world.at_central(act)
    return problem or f"{said} {code}: {amount}"


def do_at(world: World, store: StoreMachine, act: Any) -> str:
    """Do something at a store, which may refuse it, break off, or crash."""
    try:
        said, problem = store.guarded(act)
    except OperationRefused as refusal:
        world.tally.refusals += 1
        return f"refused: {refusal}"
    finally:
        world.remember(store)
    return said if said is not None else problem


KINDS = (
    EventKind("at_the_counter", at_the_counter, 4),
    EventKind("sell_reservations", sell_reservations, 12),
    EventKind("drawer_work", drawer_work, 2),
    EventKind("card_settles", card_settles, 0.7),
    EventKind("holds_end_here", holds_end_here, 1),
    EventKind("holds_end_there", holds_end_there, 2, at_central=True),
    EventKind("gift_card_issued", gift_card_issued, 0.7, at_central=True),
)
