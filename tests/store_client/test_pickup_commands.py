"""What an associate can do with a pickup order, and how each refusal is worded."""

from dataclasses import replace

import pytest

from store_client.adapters.receipt_files import ReceiptFiles
from store_client.devices import Devices
from store_client.flows.pickup import commands
from store_client.services.counter import SIGNED, HandOver, looks_like_id_number
from store_client.services.desk import Desk, Refusal
from store_client.services.scanner import Code, read_code
from store_client.services.shelf import own_picks, undo_pick
from store_client.services.sign_in import Attempt
from sync.domain import operations as op
from sync.domain.errors import OperationRefused
from sync.domain.flows import status_of
from sync.domain.fulfillment import FulfillmentStatus, ProofKind, RefusalReason, ShortReason
from sync.domain.people import Action, Approval, Role
from tests.support.clocks import FrozenClock
from tests.support.fake_store import CODE, FakeStore, gtin_of, make_order, make_store
from tests.support.terminals import PIN, actor_of, hash_pin

S = FulfillmentStatus


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def store(clock) -> FakeStore:
    return make_store(clock, pin_hash=hash_pin())


@pytest.fixture
def desk(store, clock) -> Desk:
    return Desk(store, clock, actor_of(Role.ASSOCIATE), "T1")


@pytest.fixture
def key(store, clock) -> str:
    order = make_order(0, clock.now_ms())
    store.add(order)
    return order.id


def item(index: int) -> Code:
    return Code(gtin_of(index), gtin_of(index))


def pick_all(desk: Desk, key: str) -> None:
    for index in (0, 0, 1):
        commands.pick_by_scan(desk, key, item(index))


def make_ready(desk: Desk, key: str) -> None:
    pick_all(desk, key)
    commands.stage(desk, key, "a2")
    commands.mark_ready(desk, key)


def told(desk: Desk, key: str, **more) -> HandOver:
    order = commands.load(desk, key)
    return HandOver(quantities=commands.everything(order), **more)


def test_a_scan_picks_the_line_with_that_barcode(desk, store, key):
    """The scanned barcode decides the line, and the operation carries it."""
    scanned = commands.pick_by_scan(desk, key, item(1))
    assert (scanned.line.line, scanned.line.picked) == (2, 1)
    assert store.performed[-1] == op.LinePicked(key, 2, 1, gtin=gtin_of(1))
    assert scanned.says == "Picked 1 of 1: Marrowick Gooseneck Kettle 1.2 L Steel"


def test_a_barcode_without_leading_zeros_is_the_same_item(desk, key):
    """Scanners send 13 digits where the catalogue has 14."""
    scanned = commands.pick_by_scan(desk, key, read_code(gtin_of(0)[1:]))
    assert scanned.line.line == 1


def test_a_typed_sku_picks_too(desk, key):
    """A label without a barcode still has its SKU on it."""
    assert commands.pick_by_scan(desk, key, Code("HS-10002")).line.line == 2


def test_an_item_of_another_order_is_named_and_refused(desk, store, key):
    """The wrong item is called by its name, with what is still to pick."""
    with pytest.raises(Refusal) as refused:
        commands.pick_by_scan(desk, key, item(4))
    assert refused.value.why == "Wrong item: Pellam Cast Iron Skillet 26 cm is not in this order."
    assert refused.value.todo.startswith("Still to pick: 2 × Marrowick Gooseneck Kettle 0.8 L")
    assert store.performed == []


def test_an_unknown_code_says_how_to_go_on(desk, store, key):
    """A code that nobody knows is repeated, and the way by hand is named."""
    with pytest.raises(Refusal) as refused:
        commands.pick_by_scan(desk, key, Code("9999"))
    assert refused.value.why == "Code 9999 is not in the catalogue."
    assert "by hand" in refused.value.todo
    assert store.performed == []


def test_one_scan_too_many_is_refused(desk, key):
    """What is picked completely is not picked again: the item goes back."""
    commands.pick_by_scan(desk, key, item(1))
    with pytest.raises(Refusal) as refused:
        commands.pick_by_scan(desk, key, item(1))
    assert refused.value.why.startswith("All 1 of Marrowick Gooseneck Kettle 1.2 L Steel")
    assert refused.value.todo == "Put this one back on the shelf."


def test_picking_by_hand_cannot_pick_too_much_either(desk, key):
    """By hand the same words apply."""
    commands.pick_by_hand(desk, key, 2)
    with pytest.raises(Refusal, match="picked already"):
        commands.pick_by_hand(desk, key, 2)


def test_own_picks_are_those_still_in_hand(desk, store, key):
    """Refused ones, others', and what has left or gone back cannot be undone; the newest first."""
    for _ in range(2):
        commands.pick_by_hand(desk, key, 1)
    commands.pick_by_hand(desk, key, 2)
    fates = store.fates_of(key)
    me, order = desk.actor.id, store.orders[key]
    assert own_picks(order, fates, me) == [1, 1, 2]
    assert own_picks(order, fates, "A104") == []
    assert own_picks(order, [replace(fates[0], state="refused"), *fates[1:]], me) == [1, 2]
    undo_pick(desk, key)
    assert own_picks(store.orders[key], store.fates_of(key), me) == [1, 1]
    first, second = order.lines
    gone = replace(order, lines=(replace(first, fulfilled=2), second))
    assert own_picks(gone, fates, me) == [2]


def test_an_undone_pick_is_to_be_picked_again(desk, key):
    """Undo puts the unit back among those to pick."""
    commands.pick_by_hand(desk, key, 1)
    assert commands.unpick(desk, key, 1).total("to_pick") == 3


def test_after_a_cancellation_scans_put_back(desk, store, key):
    """The same scan that picked an item now takes it back to the shelf."""
    commands.pick_by_scan(desk, key, item(0))
    store.cancel(key)
    scanned = commands.scan_item(desk, key, item(0))
    assert scanned.put_back
    assert scanned.order.total("to_put_back") == 0
    with pytest.raises(Refusal, match="has to go back"):
        commands.put_back_by_scan(desk, key, item(0))


def test_short_gives_units_up_with_a_reason(desk, key):
    """What cannot be found leaves the order; the rest goes on."""
    order = commands.short(desk, key, 1, 1, ShortReason.NOT_FOUND)
    assert (order.total("open"), order.total("to_pick")) == (2, 2)


def test_reject_declines_all_that_is_open(desk, key):
    """The whole order goes back to central."""
    assert status_of(commands.reject(desk, key, ShortReason.STORE_BUSY)) is S.REJECTED


def test_staging_takes_the_stores_own_spelling(desk, key):
    """Spots are chosen from the store's list, whatever the case."""
    pick_all(desk, key)
    assert commands.stage(desk, key, " b3 ").staging_spot == "B3"


def test_an_unknown_spot_lists_the_spots(desk, store, key):
    """A spot that does not exist would lose the goods."""
    pick_all(desk, key)
    with pytest.raises(Refusal) as refused:
        commands.stage(desk, key, "Q9")
    assert refused.value.why == "This store has no spot “Q9”."
    assert refused.value.todo == "Spots: A1 A2 A3 A4 B1 B2 B3 B4."


def test_ready_waits_for_the_stores_open_days(desk, key, clock):
    """The hold ends at closing time of the seventh open day."""
    make_ready(desk, key)
    order = commands.load(desk, key)
    assert (order.expires_at_ms or 0) - clock.now_ms() == (7 * 24 * 60 + 628) * 60_000


def test_hand_over_with_the_right_code(desk, store, key):
    """Spaces, dashes and look-alikes in a code that was read aloud do not matter."""
    make_ready(desk, key)
    order = commands.hand_over(desk, key, told(desk, key, code="3fq7-zokd"))
    assert status_of(order) is S.PICKED_UP
    assert store.performed[-1].proof.kind is ProofKind.PICKUP_CODE
    assert store.performed[-1].proof.recipient == "Rosa Eastman"


def test_a_wrong_code_counts_and_says_so(desk, store, key):
    """Wrong codes are counted durably, per order."""
    make_ready(desk, key)
    with pytest.raises(Refusal, match="not the pickup code") as refused:
        commands.hand_over(desk, key, told(desk, key, code="WRONG"))
    assert "4 of 5 tries left" in refused.value.todo
    assert store.lockout(f"code:{key}").failures == 1


def test_after_five_wrong_codes_even_the_right_one_is_refused(desk, key):
    """Guessing ends: somebody responsible looks at the person."""
    make_ready(desk, key)
    for _ in range(5):
        with pytest.raises(Refusal):
            commands.hand_over(desk, key, told(desk, key, code="WRONG"))
    with pytest.raises(Refusal) as refused:
        commands.hand_over(desk, key, told(desk, key, code=CODE))
    assert refused.value.todo == "A lead or manager must check an ID."


def test_an_id_check_needs_a_lead_or_manager(desk, store, clock, key):
    """An associate asks; a lead's PIN at the associate's terminal is enough."""
    make_ready(desk, key)
    by_id = told(desk, key, document="passport")
    with pytest.raises(Refusal, match="needs a lead or manager"):
        commands.hand_over(desk, key, by_id)
    approved = told(desk, key, document="passport", approver=Attempt("A102", PIN))
    order = commands.hand_over(desk, key, approved)
    assert status_of(order) is S.PICKED_UP
    assert (store.journal[-1].by, store.journal[-1].approved_by) == ("A103", "A102")
    assert store.performed[-1].proof.document == "passport"


def test_an_associate_cannot_approve_for_another(desk, key):
    """The PIN of somebody without the right changes nothing."""
    make_ready(desk, key)
    approved = told(desk, key, document="passport", approver=Attempt("A104", PIN))
    with pytest.raises(Refusal, match="may not approve this"):
        commands.hand_over(desk, key, approved)


@pytest.mark.parametrize("document", ["P1234567", "passport 99"])
def test_the_number_of_an_id_is_never_taken(store, clock, key, document):
    """Only the kind of document is kept."""
    desk = Desk(store, clock, actor_of(Role.LEAD), "T1")
    make_ready(desk, key)
    with pytest.raises(Refusal, match="never kept"):
        commands.hand_over(desk, key, told(desk, key, document=document))


def test_a_number_in_place_of_a_name_is_refused(desk, key):
    """Nobody types an ID number into the name field either."""
    make_ready(desk, key)
    with pytest.raises(Refusal, match="looks like a number"):
        commands.hand_over(desk, key, told(desk, key, code=CODE, recipient="L01X00T47"))


@pytest.mark.parametrize(
    ("text", "is_number"),
    [("L01X00T47", True), ("AB 12 34 56", True), ("C0XX99", True), ("Tom Weir", False),
     ("Jo de la Cruz 3rd", False), ("P2", False), ("12", False)],
)  # fmt: skip
def test_what_may_be_the_number_of_a_document(text, is_number):
    """Four digits, or a longer word of letters and digits: names have neither."""
    assert looks_like_id_number(text) is is_number


def test_a_signature_is_a_leads_to_take(desk, store, clock, key, tmp_path):
    """The slip lists what goes out and has lines to sign; a lead or manager answers for it."""
    make_ready(desk, key)
    signed = told(desk, key, document=SIGNED)
    with pytest.raises(Refusal, match="a signature needs a lead"):
        commands.hand_over(desk, key, signed)
    printing = replace(desk, devices=Devices(receipts=ReceiptFiles(tmp_path)))
    where = commands.slip(printing, key, ((1, 2), (2, 0)))
    text = (tmp_path / where.rsplit("/", 1)[-1]).read_text(encoding="utf-8")
    assert "2 × Marrowick" in text
    assert "1.2 L" not in text
    assert "Signature  ___" in text
    approved = told(desk, key, document=SIGNED, approver=Attempt("A102", PIN))
    assert status_of(commands.hand_over(desk, key, approved)) is S.PICKED_UP
    proof = store.performed[-1].proof
    assert (proof.kind, proof.document) == (ProofKind.SIGNATURE, "")


def test_a_document_of_somebody_whom_the_order_does_not_name_is_not_enough(store, clock):
    """Customer and named proxy may show theirs; anybody else needs the code."""
    desk = Desk(store, clock, actor_of(Role.LEAD), "T1")
    order = make_order(0, clock.now_ms(), proxy_name="Tom Weir")
    store.add(order)
    make_ready(desk, order.id)
    stranger = told(desk, order.id, document="passport", recipient="Ann Lee", is_proxy=True)
    with pytest.raises(Refusal, match="names Rosa Eastman and Tom Weir"):
        commands.hand_over(desk, order.id, stranger)
    named = told(desk, order.id, document="passport", recipient="tom weir", is_proxy=True)
    assert status_of(commands.hand_over(desk, order.id, named)) is S.PICKED_UP


def test_a_customer_who_takes_nothing(desk, store, key):
    """Everything goes back to the shelf, with the reason on each line; the order is refused."""
    make_ready(desk, key)
    order = commands.refuse_everything(desk, key, RefusalReason.PRICE)
    assert (status_of(order), order.total("to_put_back")) == (S.REFUSED, 3)
    assert [one.reason for one in store.performed[-2:]] == [RefusalReason.PRICE] * 2
    with pytest.raises(Refusal, match="Nothing of this order is in hand"):
        commands.refuse_everything(desk, key, RefusalReason.PRICE)


def test_a_proxy_is_named(desk, store, key):
    """Who came in the customer's place stands in the record."""
    make_ready(desk, key)
    commands.hand_over(desk, key, told(desk, key, code=CODE, recipient="Tom Weir", is_proxy=True))
    proof = store.performed[-1].proof
    assert (proof.recipient, proof.is_proxy) == ("Tom Weir", True)
    with pytest.raises(OperationRefused):
        commands.hand_over(desk, key, HandOver(((1, 1),), is_proxy=True, code=CODE))


def test_part_of_an_order_can_be_handed_over(desk, key):
    """The rest waits on; the code works again."""
    make_ready(desk, key)
    order = commands.hand_over(desk, key, HandOver(((1, 1), (2, 0)), code=CODE))
    assert status_of(order) is S.PARTIALLY_PICKED_UP
    order = commands.hand_over(desk, key, told(desk, key, code=CODE))
    assert status_of(order) is S.PICKED_UP


def test_nothing_chosen_is_refused(desk, key):
    """A hand-over of nothing is a slip."""
    make_ready(desk, key)
    with pytest.raises(Refusal, match="Nothing chosen"):
        commands.hand_over(desk, key, HandOver(((1, 0),), code=CODE))


def test_what_the_customer_refuses_goes_back(desk, key):
    """Refused units are put back; the others can be handed over."""
    make_ready(desk, key)
    order = commands.customer_refuses(desk, key, 2, 1, RefusalReason.WRONG_ITEM)
    assert (order.total("to_put_back"), order.total("deliverable")) == (1, 2)
    assert commands.put_back_all(desk, key).total("to_put_back") == 0


def test_release_only_after_the_promised_time(desk, key, clock):
    """Goods wait as long as the customer was told."""
    make_ready(desk, key)
    with pytest.raises(Refusal, match="promised to wait until 8 Dec 21:00"):
        commands.release(desk, key)
    clock.advance(9 * 86_400_000)
    order = commands.release(desk, key)
    assert (status_of(order), order.total("to_put_back")) == (S.EXPIRED, 3)


def test_extending_counts_open_days(desk, key):
    """An extension ends at a closing time; it is a request to central."""
    make_ready(desk, key)
    before = commands.load(desk, key).expires_at_ms or 0
    after = commands.extend_by(desk, key, "2").expires_at_ms or 0
    assert after - before == 2 * 86_400_000
    with pytest.raises(Refusal, match="does not fit"):
        commands.extend_by(desk, key, "many")


def test_an_auditor_reads_and_does_nothing(store, clock, key):
    """Read-only means every command."""
    desk = Desk(store, clock, actor_of(Role.AUDITOR), "T1")
    with pytest.raises(Refusal, match="may only read"):
        commands.accept(desk, key)
    assert store.performed == []


def test_an_order_that_is_gone_is_said_so(desk):
    """An order erased centrally disappears here; its screen may still be open."""
    with pytest.raises(Refusal, match="not here any more"):
        commands.pick_by_scan(desk, "nothing", item(0))


def test_what_a_lead_approved_for_something_else_is_no_id_check(desk, store, key):
    """Approved cash lets nobody hand over on a document that no lead has seen."""
    make_ready(desk, key)
    cash = replace(desk, approval=Approval("A102", "bank run", Action.TAKE_CASH_OUT))
    with pytest.raises(OperationRefused, match="needs a lead or manager"):
        commands.hand_over(cash, key, told(cash, key, document="passport"))


def test_an_item_that_the_customer_has_closes_no_order(desk, store, clock, key):
    """Only what can be put back ends the wait of the rest."""
    make_ready(desk, key)
    given = next(line for line in store.orders[key].lines if line.held)
    rest = ((given.line, given.held),)
    commands.hand_over(desk, key, HandOver(rest, code=CODE))
    clock.advance(9 * 86_400_000)
    with pytest.raises(OperationRefused, match="has to go back"):
        commands.no_show_scan(desk, key, Code(given.sku))
    assert status_of(store.orders[key]) is S.PARTIALLY_PICKED_UP


def test_goods_wait_from_the_time_that_their_end_is_counted_by(desk, store, key):
    """A machine whose clock is weeks behind promises no wait that is over already."""
    store.central_ahead_ms = 20 * 86_400_000
    make_ready(desk, key)
    until_ms = store.orders[key].expires_at_ms or 0
    assert until_ms > store.central_now_ms()
    with pytest.raises(Refusal, match="promised to wait until"):
        commands.no_show(desk, key)


def test_what_came_back_to_the_shelf_after_a_part_was_fetched_may_wait_longer_too(desk, store, key):
    """A pick was undone and done again; the limit is counted from the promise, not from 1970."""
    make_ready(desk, key)
    one = next(line for line in store.orders[key].lines if line.held > 1)
    commands.hand_over(desk, key, HandOver(((one.line, 1),), code=CODE))
    commands.unpick(desk, key, one.line)
    commands.pick_by_hand(desk, key, one.line)
    commands.stage(desk, key, "a2")
    assert status_of(store.orders[key]) is S.PARTIALLY_PICKED_UP
    before = store.orders[key].expires_at_ms or 0
    assert (commands.extend(desk, key, 1).expires_at_ms or 0) > before


def test_an_auditor_prints_no_slip(store, clock, key, tmp_path):
    """Nor anybody else who may not print."""
    desk = Desk(store, clock, actor_of(Role.AUDITOR), "T1")
    printing = replace(desk, devices=Devices(receipts=ReceiptFiles(tmp_path)))
    with pytest.raises(Refusal, match="may only read"):
        commands.slip(printing, key, ((1, 1),))
    assert list(tmp_path.iterdir()) == []
