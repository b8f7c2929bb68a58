"""The money ledger, and the balances of gift cards and store credit."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, func, select

from central_server.money_records import MoneyEntry, StoredValue, ValueEntry
from central_server.storage.bulk import among, insert_many, update_many
from central_server.storage.tables import MONEY_LEDGER, STORED_VALUE_ENTRIES, STORED_VALUES
from sync.domain.tenders import TenderKind

_ENTRY = (
    "location_id", "account", "amount_minor", "currency", "source", "drawer", "associate", "at_ms",
)  # fmt: skip
_VALUE = ("account", "means", "currency", "balance_minor", "created_ms")
_VALUE_ENTRY = ("account", "amount_minor", "source", "at_ms")


class Money:
    """The tables `money_ledger`, `stored_values` and `stored_value_entries`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def post(self, entries: Sequence[MoneyEntry]) -> None:
        """Append entries. Nothing changes or removes one."""
        rows = [tuple(getattr(one, name) for name in _ENTRY) for one in entries]
        insert_many(self._connection, MONEY_LEDGER, _ENTRY, rows)

    def entries(self, location_id: str, from_ms: int, before_ms: int) -> list[MoneyEntry]:
        """Return a location's entries of a time, as the store tells it, in the order of arrival."""
        table = MONEY_LEDGER.c
        rows = self._connection.execute(
            select(*(table[name] for name in _ENTRY))
            .where(
                table.location_id == location_id,
                table.at_ms >= from_ms,
                table.at_ms < before_ms,
            )
            .order_by(table.id)
        )
        return [MoneyEntry(*row) for row in rows]

    def balances(self, location_id: str) -> dict[str, int]:
        """Return the balance of each of a location's accounts, without those at zero."""
        table = MONEY_LEDGER.c
        rows = self._connection.execute(
            select(table.account, func.sum(table.amount_minor))
            .where(table.location_id == location_id)
            .group_by(table.account)
            .order_by(table.account)
        )
        return {account: int(amount) for account, amount in rows if amount}

    def unbalanced(self) -> list[str]:
        """Return the sources whose entries do not add up to zero: there should be none."""
        table = MONEY_LEDGER.c
        rows = self._connection.execute(
            select(table.source)
            .group_by(table.source, table.currency)
            .having(func.sum(table.amount_minor) != 0)
        )
        return list(rows.scalars())

    # --- stored value -----------------------------------------------------------------------

    def issue(self, value: StoredValue, source: str) -> None:
        """Put a gift card or credit on file with its first balance."""
        row = (value.account, value.means.value, value.currency, 0, value.created_ms)
        insert_many(self._connection, STORED_VALUES, _VALUE, [row])
        self.move([(value.account, value.balance_minor, source, value.created_ms)])

    def stored_values(self, accounts: Collection[str], *, lock: bool) -> dict[str, StoredValue]:
        """Return those of the given accounts that exist; locked in order of account."""
        wanted = (
            select(*(STORED_VALUES.c[name] for name in _VALUE))
            .where(among(self._connection, STORED_VALUES.c.account, accounts))
            .order_by(STORED_VALUES.c.account)
        )
        rows = self._connection.execute(wanted.with_for_update() if lock else wanted)
        return {
            account: StoredValue(account, TenderKind(means), currency, balance, created_ms)
            for account, means, currency, balance, created_ms in rows
        }

    def value_entries(self, account: str) -> list[ValueEntry]:
        """Return what moved on a gift card or credit, in the order in which central heard of it."""
        table = STORED_VALUE_ENTRIES.c
        rows = self._connection.execute(
            select(table.amount_minor, table.source, table.at_ms)
            .where(table.account == account)
            .order_by(table.id)
        )
        return [ValueEntry(*row) for row in rows]

    def move(self, moves: Sequence[tuple[str, int, str, int]]) -> None:
        """Move balances by (account, amount, source, when); nobody has to have enough."""
        sums: dict[str, int] = {}
        for account, amount_minor, _, _ in moves:
            sums[account] = sums.get(account, 0) + amount_minor
        insert_many(self._connection, STORED_VALUE_ENTRIES, _VALUE_ENTRY, list(moves))
        self._add(sums)

    def _add(self, sums: Mapping[str, int]) -> None:
        update_many(
            self._connection,
            STORED_VALUES,
            ("account", "balance_minor"),
            sorted(sums.items()),
            sets="balance_minor = stored_values.balance_minor + v.balance_minor",
            where="stored_values.account = v.account",
            returning="stored_values.account",
        )

    def value_differences(self) -> list[str]:
        """Return the accounts whose balance is not the sum of its entries: there should be none."""
        entry = STORED_VALUE_ENTRIES.c
        sums = (
            select(entry.account, func.sum(entry.amount_minor).label("total"))
            .group_by(entry.account)
            .subquery()
        )
        rows = self._connection.execute(
            select(STORED_VALUES.c.account)
            .outerjoin(sums, sums.c.account == STORED_VALUES.c.account)
            .where(STORED_VALUES.c.balance_minor != func.coalesce(sums.c.total, 0))
        )
        return list(rows.scalars())
