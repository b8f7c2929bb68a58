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


_AMOUNT = re.compile(r"(-?)(\d{1,7})(?:[.,](\d{1,3}))?")


def read_amount(text: str, currency: str) -> int:
    """Return a typed amount in minor units: 48.99, 48,99 or 48; as many digits as there are."""
    found = _AMOUNT.fullmatch(text.strip().lstrip("$€£ "))
    if found is None:
        refuse_card_numbers(text)
        raise Refusal(f"“{text.strip()[:8]}” is no amount.", "Type it like 48.99.")
    sign, whole, part = found[1], found[2], found[3] or ""
    digits = decimals(currency)
    if part and not digits:
        raise Refusal("This currency has no smaller coins.", "Type a whole amount.")
    if len(part) > digits:
        raise Refusal(f"“{text.strip()[:12]}” is no amount.", f"At most {digits} digits follow.")
    minor: int = int(whole) * 10**digits + int(part.ljust(digits, "0") or "0")
    return -minor if sign else minor
