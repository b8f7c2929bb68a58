"""What people do with a drawer: open it with a float, move cash, count it. To the minor unit."""

from contextlib import suppress

from store_client.services.desk import Desk, Refusal
from store_client.services.drawer_book import (
    Session,
    currency_of,
    require_cash,
    require_session,
    sessions,
)
from store_client.services.tender_report import report_of, report_text
from sync.domain.money_operations import (
    CashMoved,
    CashReason,
    DrawerCounted,
    DrawerOpened,
)
from sync.domain.people import Action


def open_drawer(desk: Desk, float_minor: int, currency: str = "") -> Session:
    """Begin a session with a float, in the store's currency unless another one is said."""
    desk.require(Action.RUN_DRAWER)
    _refuse_less_than_nothing(float_minor)
    known = sessions(desk.store, desk.device)
    if known and known[-1].is_open:
        raise Refusal("This drawer is open already.", "Count it before it is opened anew.")
    number = known[-1].number + 1 if known else 1
    opened = DrawerOpened(desk.device, number, float_minor, currency or currency_of(desk.store))
    desk.record_money(opened)
    return require_session(desk)


def move_cash(desk: Desk, amount_minor: int, reason: CashReason) -> Session:
    """Put cash into the drawer (positive) or take it out, for a reason."""
    action = Action.TAKE_CASH_OUT if amount_minor < 0 else Action.RUN_DRAWER
    desk.require(action)
    session = require_session(desk)
    require_cash(session, -amount_minor)
    moved = CashMoved(desk.device, session.number, amount_minor, session.currency, reason)
    desk.record_money(moved, action, lambda _: require_cash(require_session(desk), -amount_minor))
    return require_session(desk)


def count_drawer(desk: Desk, counted_minor: int) -> Session:
    """End the session with what was counted, and print its report."""
    desk.require(Action.RUN_DRAWER)
    _refuse_less_than_nothing(counted_minor)
    session = require_session(desk)

    def unchanged(_: object) -> None:
        if require_session(desk).expected_minor != session.expected_minor:
            raise Refusal(
                "What should be in the drawer has changed while it was counted.",
                "Count it once more.",
            )

    counted = DrawerCounted(
        desk.device, session.number, counted_minor, session.expected_minor, session.currency
    )
    desk.record_money(counted, judge=unchanged)
    ended = sessions(desk.store, desk.device)[-1]
    with suppress(OSError):  # it is counted, on paper or not; F7 prints it again
        desk.devices.receipts.print(
            f"tenders-{desk.device}-{ended.number}", report_text(report_of(ended), desk.store)
        )
    return ended


def _refuse_less_than_nothing(amount_minor: int) -> None:
    if amount_minor < 0:
        raise Refusal("There is never less than nothing in a drawer.", "Type what is in it.")
