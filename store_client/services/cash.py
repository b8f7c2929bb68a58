"""Amounts that people type, and why cash goes into a drawer or out of it beside sales."""

import re

from store_client.services.desk import Refusal
from sync.domain.card_numbers import refuse_card_numbers
from sync.domain.money import decimals
from sync.domain.money_operations import CashReason

REASONS = {
    CashReason.CHANGE: "Coins put in for change",
    CashReason.DEPOSIT: "Taken to the safe or the bank",
    CashReason.EXPENSE: "Paid out for the store",
}


def signed(reason: CashReason, amount_minor: int) -> int:
    """Return an amount as the drawer sees it: change is put in, everything else goes out."""
    return amount_minor if reason is CashReason.CHANGE else -amount_minor


_AMOUNT = re.compile(r"(-?)(\d{1,9})(?:[.,](\d{1,3}))?")
_GROUPED = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d{1,3})?")
"""As amounts are shown; a single comma may be a decimal one, where there are decimals."""
WHOLE_DIGITS_MAX = 7
"""A barcode that is scanned into an amount has eight or more."""
WHOLE_DIGITS_MAX_WITHOUT_COINS = 9
"""Of currencies without smaller coins: a drawer has millions of won in it."""


def read_amount(text: str, currency: str) -> int:
    """Return a typed amount in minor units: 48.99, 48,99, 48 or 1,248.99."""
    digits = decimals(currency)
    typed = text.strip().lstrip("$€£ ")
    if _GROUPED.fullmatch(typed) and ("." in typed or typed.count(",") > 1 or not digits):
        typed = typed.replace(",", "")
    found = _AMOUNT.fullmatch(typed)
    if found is None:
        refuse_card_numbers(text)
        raise Refusal(f"“{text.strip()[:8]}” is no amount.", "Type it like 48.99.")
    sign, whole, part = found[1], found[2], found[3] or ""
    if len(whole) > (WHOLE_DIGITS_MAX if digits else WHOLE_DIGITS_MAX_WITHOUT_COINS):
        raise Refusal(f"“{text.strip()[:10]}” is too much for one amount.", "Type it like 48.99.")
    if part and not digits:
        raise Refusal("This currency has no smaller coins.", "Type a whole amount.")
    if len(part) > digits:
        raise Refusal(f"“{text.strip()[:12]}” is no amount.", f"At most {digits} digits follow.")
    minor: int = int(whole) * 10**digits + int(part.ljust(digits, "0") or "0")
    return -minor if sign else minor


def read_positive_amount(text: str, currency: str) -> int:
    """Return a typed amount above 0 in minor units: what it is for says which way it goes."""
    minor = read_amount(text, currency)
    if minor <= 0:
        raise Refusal(f"“{text.strip()[:12]}” is not more than nothing.", "Type it like 48.99.")
    return minor
