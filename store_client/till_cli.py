"""The command line of the counter: drawer, tender report, reservations and their payment.

Amounts are typed like 48.99. Who does it signs in by number and PIN. Exit codes
are those of `store-client`.
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any, NoReturn

import typer

from store_client import bootstrap
from store_client.config import StoreSettings
from store_client.goods_cli import Take, register_goods, register_shelf, units_taken
from store_client.order_cli import (
    FAILURE,
    NOT_FOUND,
    REFUSED,
    TRY_LATER,
    USAGE,
    AsJson,
    By,
    Line,
    Orders,
    one_order,
    read_pin,
    recording,
    refusal_words,
    shown,
    without_keys,
)
from store_client.replica.store import Store
from store_client.services import drawer as drawers
from store_client.services import (
    drawer_book,
    giving_back,
    receipt_copies,
    reserving,
    tender_report,
    tendering,
)
from store_client.services.cash import read_amount, read_positive_amount, signed
from store_client.services.desk import Desk
from store_client.services.drawer_book import sessions
from store_client.services.scanner import read_code
from store_client.services.tender_report import report_of, report_text
from sync.domain.errors import OperationRefused
from sync.domain.flows import status_of
from sync.domain.fulfillment import FulfillmentOrder, RefusalReason
from sync.domain.money_operations import CashReason
from sync.domain.paying import balance_of, due_of, reservation_of
from sync.domain.tenders import STORED_VALUE, TenderKind, rounded
from sync.edge.sqlite import NoRoom, UnsafeDatabase

FLOW, PARCELS = "reserve", "ship_from_store"

drawer_app = typer.Typer(no_args_is_help=True, help="The drawer: open, count, tender report.")
reserve_app = typer.Typer(no_args_is_help=True, help="Reservations: goods and payment.")
Number = Annotated[str, typer.Argument(help="The reservation's number, such as K7Q2-0042.")]
Job = Callable[[Desk], tuple[dict[str, Any], str]]


# --- the drawer -------------------------------------------------------------------------------


@drawer_app.command("open")
def open_drawer(
    context: typer.Context,
    amount: Annotated[str, typer.Option("--float", help="What is in it now.")],
    by: By,
    currency: Annotated[str, typer.Option(help="ISO 4217; the store's unless said.")] = "",
    as_json: AsJson = False,
) -> None:
    """Begin a session of this terminal's drawer."""

    def job(desk: Desk) -> tuple[dict[str, Any], str]:
        paid_in = currency.upper() or drawer_book.currency_of(desk.store)
        session = drawers.open_drawer(desk, read_amount(amount, paid_in), paid_in)
        return {
            "session": session.number,
            "float_minor": session.float_minor,
        }, "The drawer is open."

    _do(context, by, job, as_json)


@drawer_app.command("count")
def count_drawer(
    context: typer.Context,
    amount: Annotated[str, typer.Option("--counted", help="What is in it, all of it.")],
    by: By,
    as_json: AsJson = False,
) -> None:
    """End the session with what was counted; print and keep its tender report."""

    def job(desk: Desk) -> tuple[dict[str, Any], str]:
        session = drawer_book.require_session(desk)
        ended = drawers.count_drawer(desk, read_amount(amount, session.currency))
        report = report_of(ended)
        return _report(report), report_text(report, desk.store)

    _do(context, by, job, as_json)


@drawer_app.command("cash")
def cash(
    context: typer.Context,
    amount: Annotated[str, typer.Option(help="How much, such as 50.")],
    reason: Annotated[CashReason, typer.Option(help="Change is put in; the others go out.")],
    by: By,
    as_json: AsJson = False,
) -> None:
    """Note cash that is put into the drawer or taken out, beside sales."""

    def job(desk: Desk) -> tuple[dict[str, Any], str]:
        session = drawer_book.require_session(desk)
        minor = read_positive_amount(amount, session.currency)
        moved = drawers.move_cash(desk, signed(reason, minor), reason)
        return _report(report_of(moved)), f"Noted: {amount} {reason.value}."

    _do(context, by, job, as_json)


@drawer_app.command("report")
def report(
    context: typer.Context,
    session: Annotated[int, typer.Option(help="Which session; the newest unless said.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Print the tender report of a session, open or counted."""
    settings: StoreSettings = context.obj
    store = _open(settings)
    try:
        known = sessions(store, settings.terminal)
        found = [one for one in known if session in {0, one.number}]
        if not found:
            _fail(NOT_FOUND, "this drawer has no such session")
        made = report_of(found[-1])
        text = report_text(made, store)
    finally:
        store.close()
    typer.echo(json.dumps(_report(made)) if as_json else text)


def _report(made: tender_report.Report) -> dict[str, Any]:
    return {
        **asdict(made),
        "difference_minor": made.difference_minor,
        "is_balanced": made.is_balanced,
    }


# --- reservations -----------------------------------------------------------------------------


@reserve_app.command("list")
def list_reservations(context: typer.Context, as_json: AsJson = False) -> None:
    """List what is held, waited for, or being paid here."""
    from store_client.services.board import OPEN_MAX

    store = _open(context.obj)
    try:
        rows = [store.fulfillment(row.id) for row in store.board("reserve", limit=OPEN_MAX)]
        found = [_document(order) for order in rows if order is not None]
    finally:
        store.close()
    if as_json:
        typer.echo(json.dumps(found))
        return
    for one in found:
        line = f"{one['number']:<10} {one['status']:<20} {one['customer']:<24}"
        typer.echo(f"{line} due {one['due_minor']} {one['currency']}")


@reserve_app.command("make")
def make(
    context: typer.Context,
    sku: Annotated[str, typer.Option(help="SKU or barcode.")],
    name: Annotated[str, typer.Option(help="The customer's name.")],
    by: By,
    quantity: Annotated[int, typer.Option(min=1, help="Units.")] = 1,
    phone: Annotated[str, typer.Option(help="The customer's telephone.")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Waiting list instead of stock.")] = False,
    as_json: AsJson = False,
) -> None:
    """Hold units for a customer at the counter, or put them on the waiting list."""

    def job(desk: Desk) -> tuple[dict[str, Any], str]:
        hits = desk.store.product_by_code(read_code(sku).lookup)
        if not hits:
            _fail(NOT_FOUND, f"no product {shown(sku)}: give its SKU or barcode")
        begin = reserving.wait if wait else reserving.reserve
        order = begin(desk, hits[0], reserving.Wish(name, quantity, phone))
        words = "Asked for a place on the waiting list" if wait else "Held"
        return _document(order), f"{words}: {order.order_number}"

    _do(context, by, job, as_json)


@reserve_app.command("pay")
def pay(
    context: typer.Context,
    number: Number,
    by: By,
    means: Annotated[TenderKind, typer.Option(help="How.")] = TenderKind.CASH,
    amount: Annotated[
        str, typer.Option(help="Given in cash, or to be charged; else all due.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Take a payment. The code of a gift card or credit comes from HOLDSHELF_VALUE_CODE."""
    code = _value_code() if means in STORED_VALUE else ""

    def job(desk: Desk) -> tuple[dict[str, Any], str]:
        order = _find(desk, number)
        minor = read_positive_amount(amount, order.currency) if amount else None
        due = tendering.deliverable_due(order)
        if means is TenderKind.CASH:
            step = tendering.policy_of(desk).cash_step_minor
            paid = tendering.pay_cash(
                desk, order.id, rounded(due, step) if minor is None else minor
            )
        elif means is TenderKind.CARD:
            paid = tendering.pay_card(desk, order.id, minor)
        else:
            paid = tendering.pay_value(desk, order.id, means, code, minor)
        return {**_document(paid.order), "change_minor": paid.change_minor}, without_keys(
            f"{paid.says}."
        )

    _do(context, by, job, as_json)


@reserve_app.command("ask-card")
def ask_card(context: typer.Context, number: Number, by: By, as_json: AsJson = False) -> None:
    """Ask the payment terminal again what became of a payment that is not clear."""

    def job(desk: Desk) -> tuple[dict[str, Any], str]:
        paid = tendering.ask_card_again(desk, _find(desk, number).id)
        return _document(paid.order), without_keys(f"{paid.says}.")

    _do(context, by, job, as_json)


@reserve_app.command("give-back")
def give_back(
    context: typer.Context,
    number: Number,
    by: By,
    tender: Annotated[int, typer.Option(min=1, help="Which payment.")],
    made_sure: Annotated[
        bool,
        typer.Option(
            "--made-sure",
            help="Ask no payment terminal: it is gone, and you know that the card has its money.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Give a payment back before the goods have left."""
    how = giving_back.made_sure if made_sure else giving_back.give_back

    def job(desk: Desk) -> tuple[dict[str, Any], str]:
        paid = how(desk, _find(desk, number).id, tender)
        return _document(paid.order), without_keys(f"{paid.says}.")

    _do(context, by, job, as_json)


@reserve_app.command("sell")
def sell(context: typer.Context, number: Number, by: By, as_json: AsJson = False) -> None:
    """Hand everything over that is in hand and paid, and print the receipt."""

    def job(desk: Desk) -> tuple[dict[str, Any], str]:
        order = _find(desk, number)
        here = tuple((line.line, line.deliverable) for line in order.lines)
        sold = tendering.sell(desk, order.id, here)
        return {**_document(sold.order), "receipt": sold.receipt}, sold.text

    _do(context, by, job, as_json)


@reserve_app.command("receipt")
def receipt(context: typer.Context, number: Number, by: By, as_json: AsJson = False) -> None:
    """Print the receipts of a reservation that was sold once more, as copies."""

    def job(desk: Desk) -> tuple[dict[str, Any], str]:
        printed = receipt_copies.receipts_again(desk, _find(desk, number).id)
        return _document(printed.order), f"{printed.says}."

    _do(context, by, job, as_json)


def mount_payment(group: typer.Typer, epilog: str) -> None:
    """Mount what takes payments beside other orders that are paid here: parcels."""
    for command in (pay, ask_card, give_back):
        group.command(command.__name__.replace("_", "-"), epilog=epilog)(command)


# --- its goods --------------------------------------------------------------------------------


def register(line: Line) -> None:
    """Mount what is done with the goods of a reservation, beside its payment."""
    orders = Orders(line, (FLOW,), "reservation", _document)
    register_goods(reserve_app, orders)
    register_shelf(reserve_app, orders)
    _register_ends(orders)


def _register_ends(orders: Orders) -> None:
    epilog = orders.line.epilog

    @reserve_app.command(epilog=epilog)
    def ready(context: typer.Context, number: Number, by: By, as_json: AsJson = False) -> None:
        """Tell the customer to come and pay."""
        from store_client.flows.reserve import commands

        orders.act(context, number, by, commands.mark_ready, as_json)

    @reserve_app.command(epilog=epilog)
    def extend(
        context: typer.Context,
        number: Number,
        by: By,
        hours: Annotated[int, typer.Option(min=1, help="So many hours longer.")],
        as_json: AsJson = False,
    ) -> None:
        """Ask central to hold it longer."""
        from store_client.flows.reserve import commands

        orders.act(
            context, number, by, lambda desk, key: commands.extend(desk, key, hours), as_json
        )

    @reserve_app.command(epilog=epilog)
    def release(context: typer.Context, number: Number, by: By, as_json: AsJson = False) -> None:
        """Release what nobody fetched in time."""
        from store_client.flows.reserve import commands

        orders.act(context, number, by, commands.release, as_json)

    @reserve_app.command(epilog=epilog)
    def refuse(
        context: typer.Context,
        number: Number,
        by: By,
        reason: Annotated[RefusalReason, typer.Option(help="Why.")],
        take: Take = None,
        as_json: AsJson = False,
    ) -> None:
        """Note what the customer does not want; all of it is released unless units are given."""
        from store_client.flows.reserve import commands
        from store_client.services.shelf import customer_refuses_some

        taken = units_taken(take)

        def act(desk: Desk, key: str) -> FulfillmentOrder:
            if taken is None:
                return commands.not_wanted(desk, key, reason)
            return customer_refuses_some(desk, key, taken, reason)

        orders.act(context, number, by, act, as_json)


# --- what they share --------------------------------------------------------------------------


def _document(order: FulfillmentOrder) -> dict[str, Any]:
    held = reservation_of(order)
    return {
        "id": order.id,
        "number": order.order_number,
        "customer": order.customer_name,
        "status": status_of(order).value,
        "held_until_ms": order.expires_at_ms,
        "currency": order.currency,
        "due_minor": max(0, due_of(order)),
        "balance_minor": balance_of(order),
        "tenders": [
            {"number": one.number, "means": one.means.value, "state": one.state.value,
             "amount_minor": one.amount_minor, "reference": one.reference}
            for one in held.tenders
        ],
    }  # fmt: skip


def _value_code() -> str:
    """Return the code of a gift card or credit, out of the environment or asked for."""
    code = os.environ.get("HOLDSHELF_VALUE_CODE", "").strip()
    if not code and not sys.stdin.isatty():
        _fail(USAGE, "give the code in HOLDSHELF_VALUE_CODE")
    return code or str(typer.prompt("Code", err=True)).strip()


def _find(desk: Desk, number: str) -> FulfillmentOrder:
    """Return the order of a number: a reservation, or a parcel that is paid here."""
    return one_order(
        desk,
        number,
        (FLOW, PARCELS),
        "order that is paid here (parcels are paid where they leave)",
        _fail,
    )


def _open(settings: StoreSettings) -> Store:
    try:
        return bootstrap.open_store(settings)
    except bootstrap.NotEnrolled as problem:
        _fail(NOT_FOUND, str(problem))
    except NoRoom as problem:
        _fail(TRY_LATER, str(problem))
    except UnsafeDatabase as problem:
        _fail(FAILURE, str(problem))


def _do(context: typer.Context, by: str, job: Job, as_json: bool) -> None:
    settings: StoreSettings = context.obj
    pin = read_pin(by)
    store = _open(settings)
    try:
        with recording(store, _fail):
            document, words = job(bootstrap.open_desk(settings, store, by, pin))
    except OperationRefused as problem:
        _fail(REFUSED, refusal_words(problem))
    finally:
        store.close()
    typer.echo(json.dumps(document) if as_json else words)


def _fail(code: int, message: str) -> NoReturn:
    typer.echo(f"store-client: {message}", err=True)
    raise typer.Exit(code)
