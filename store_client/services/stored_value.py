"""Gift cards and store credit without central: codes as they are typed, and the store's limit."""

from store_client.services.desk import Desk, Refusal
from store_client.services.drawer_book import require_session
from store_client.services.scanner import clean
from store_client.services.words import money
from sync.domain.card_numbers import CardNumberRefused, has_card_number
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.reserve_operations import TenderTaken
from sync.domain.tenders import STORED_VALUE, UnheardValue, ValueLimits, account_of, value_left

CODE_CHARACTERS_MIN = 6
CODE_CHARACTERS_MAX = 40


def read_account(code: str) -> str:
    """Return the account of a typed or scanned code."""
    text = clean(code)
    if has_card_number(text):
        raise CardNumberRefused
    if not CODE_CHARACTERS_MIN <= len(text) <= CODE_CHARACTERS_MAX:
        raise Refusal("That is no code of a gift card or credit.", "Scan it, or type all of it.")
    return account_of(text)


def left_offline(desk: Desk, limits: ValueLimits, account: str) -> int:
    """Return what may be taken of an account without asking central (minor units)."""
    return value_left(limits, unheard_values(desk), account)


def unheard_values(desk: Desk) -> list[UnheardValue]:
    """Return the stored value that was accepted here and that central has not heard of."""
    return [
        UnheardValue(move.operation.account, move.operation.amount_minor)
        for move in desk.store.money_moves()
        if not move.is_known
        and isinstance(move.operation, TenderTaken)
        and move.operation.means in STORED_VALUE
    ]


def within_limit(
    desk: Desk, limits: ValueLimits, account: str, amount_minor: int, order: FulfillmentOrder
) -> None:
    """Call off what is more than may be taken without asking: another till was quicker."""
    require_session(desk, order.currency)
    left = left_offline(desk, limits, account)
    if amount_minor > left:
        raise Refusal(
            f"Another till has just used this store's limit: {money(left, order.currency)} left.",
            "Take at most that, or another payment.",
        )
