"""What the operations of one push mean for money, kept in memory until it is written."""

from dataclasses import replace
from typing import TYPE_CHECKING

from central_server.money_records import MoneyEntry, StoredValue
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.money_ledger import Posting, money_postings, order_postings
from sync.domain.tenders import TenderKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from central_server.storage.unit import Unit


class MoneyOfPush:
    """The ledger's entries and the balances of stored value, as of one push."""

    def __init__(self, unit: "Unit") -> None:
        self._unit = unit
        self._entries: list[MoneyEntry] = []
        self._moves: list[tuple[str, int, str, int]] = []
        self._values: dict[str, StoredValue | None] = {}

    def mark(self) -> int:
        """Return how much was asked for so far."""
        return len(self._moves)

    def roll_back(self, mark: int) -> None:
        """Forget what was asked for since `mark`."""
        for account, amount_minor, _, _ in reversed(self._moves[mark:]):
            self._change(account, -amount_minor)
        del self._moves[mark:]

    def post_order(
        self, before: FulfillmentOrder, after: FulfillmentOrder, operation: object,
        entry: MoneyEntry,
    ) -> None:  # fmt: skip
        """Derive entries from an operation on an order; `entry` has what they share."""
        postings = order_postings(before, after, operation, entry.drawer)
        self._post(postings, replace(entry, currency=after.currency))

    def post(self, operation: object, entry: MoneyEntry) -> None:
        """Derive entries from an operation that is about no order."""
        self._post(money_postings(operation), entry)

    def _post(self, postings: "Iterable[Posting]", entry: MoneyEntry) -> None:
        self._entries += [
            replace(entry, account=one.account, amount_minor=one.amount_minor) for one in postings
        ]

    # --- stored value -----------------------------------------------------------------------

    def redeem(
        self, account: str, means: TenderKind, currency: str, amount_minor: int, source: str,
        now_ms: int, *, is_fact: bool,
    ) -> int:  # fmt: skip
        """Take an amount; return how much is missing. A fact is taken as far as anybody knows it.

        An account that central does not have, or has in another currency, has nothing.
        Asked for as what it is not (a gift card as credit), it has nothing either: the
        ledger would have taken it from the wrong account.
        """
        value = self._in_currency(account, currency)
        if value is None or not (is_fact or value.means is means):
            return amount_minor
        missing = max(0, amount_minor - max(0, value.balance_minor))
        if is_fact or not missing:
            self._move(account, -amount_minor, source, now_ms)
        return missing

    def give_back(
        self, account: str, currency: str, amount_minor: int, source: str, now_ms: int
    ) -> None:
        """Put an amount back, where it could have been taken from: an account in its currency."""
        if self._in_currency(account, currency) is not None:
            self._move(account, amount_minor, source, now_ms)

    def balance(self, account: str) -> int:
        """Return what is left on an account; nothing on one that is not known."""
        value = self._value(account)
        return 0 if value is None else max(0, value.balance_minor)

    def _move(self, account: str, amount_minor: int, source: str, now_ms: int) -> None:
        self._change(account, amount_minor)
        self._moves.append((account, amount_minor, source, now_ms))

    def _change(self, account: str, amount_minor: int) -> None:
        value = self._values[account]
        if value is not None:
            self._values[account] = replace(value, balance_minor=value.balance_minor + amount_minor)

    def _in_currency(self, account: str, currency: str) -> StoredValue | None:
        value = self._value(account)
        return value if value is not None and value.currency == currency else None

    def _value(self, account: str) -> StoredValue | None:
        if account not in self._values:
            found = self._unit.money.stored_values([account], lock=True)
            self._values[account] = found.get(account)
        return self._values[account]

    def flush(self) -> None:
        """Write everything."""
        if self._entries:
            self._unit.money.post(self._entries)
        if self._moves:
            self._unit.money.move(self._moves)
