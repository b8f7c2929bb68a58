"""Why cash goes into a drawer or out of it beside sales, and which way."""

from sync.domain.money_operations import CashReason

REASONS = {
    CashReason.CHANGE: "Coins put in for change",
    CashReason.DEPOSIT: "Taken to the safe or the bank",
    CashReason.EXPENSE: "Paid out for the store",
}


def signed(reason: CashReason, amount_minor: int) -> int:
    """Return an amount as the drawer sees it: change is put in, everything else goes out."""
    return amount_minor if reason is CashReason.CHANGE else -amount_minor
