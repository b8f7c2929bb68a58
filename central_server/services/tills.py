"""Central's desk for paying in stores: policies, gift cards and credits, and the tender report."""

from dataclasses import asdict, replace
from random import Random
from typing import TYPE_CHECKING

from central_server.money_records import BLOCKED, MoneyEntry, StoredValue, ValueEntry
from central_server.ports import Pokes
from central_server.records import Location
from central_server.services.errors import (
    IdempotencyKeyReused,
    NotFound,
    NothingToBlock,
    UnknownLocation,
)
from central_server.services.idempotency import RequestIdentity
from central_server.services.location_changes import change_location, read_location
from central_server.services.order_views import Document
from central_server.services.times import rfc3339
from central_server.services.tokens import GiftCodes
from sync.clock import Clock
from sync.domain.money_ledger import CASH_PREFIX, Posting, balances
from sync.domain.pickups import PickupPolicy
from sync.domain.reservations import ReservePolicy
from sync.domain.tenders import TenderKind, account_of

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.money import Money
    from central_server.storage.unit import Unit


class TillDesk:
    """What people at central do about money that stores take."""

    def __init__(
        self, database: "Database", clock: Clock, random: Random, pokes: Pokes, codes: GiftCodes
    ) -> None:
        self._database = database
        self._clock = clock
        self._random = random
        self._pokes = pokes
        self._codes = codes

    def set_policy(self, location_id: str, policy: ReservePolicy) -> Document:
        """Let a store work by a policy; it hears of it in its own row."""
        change_location(
            self._database, self._pokes, location_id, lambda place: replace(place, reserve=policy)
        )
        return {"location_id": location_id, "policy": asdict(policy)}

    def policy(self, location_id: str) -> ReservePolicy:
        """Return the policy that holds at a location."""
        return read_location(self._database, location_id).reserve

    def set_pickup_policy(self, location_id: str, policy: PickupPolicy) -> Document:
        """Let a store keep pickups by a policy; it hears of it in its own row.

        Raises `NotFound` for the limit of a spot that the store has not.
        """

        def change(place: Location) -> Location:
            known = {spot.casefold() for spot in place.spots}
            for one in policy.capacities:
                if known and one.spot.casefold() not in known:
                    raise NotFound("spot", one.spot)
            return replace(place, pickup=policy)

        changed = change_location(self._database, self._pokes, location_id, change)
        return {"location_id": location_id, "policy": asdict(changed.pickup)}

    def pickup_policy(self, location_id: str) -> PickupPolicy:
        """Return how pickups are kept at a location."""
        return read_location(self._database, location_id).pickup

    def issue(self, means: TenderKind, amount_minor: int, currency: str, by: str) -> Document:
        """Issue a gift card or credit. Its code is shown this once; central keeps a hash of it."""
        code = self._codes.drawn()
        value = self._new(code, means, amount_minor, currency)
        self._database.write(lambda unit: unit.money.issue(value, f"issued by {by}"))
        return {"code": code, **value_document(value)}

    def issue_once(
        self,
        identity: RequestIdentity,
        means: TenderKind,
        amount_minor: int,
        currency: str,
        by: str,
    ) -> tuple[Document, bool]:
        """Issue one, or say again what this request issued; return whether it was said before.

        Its code is made of the request's name: it is nowhere kept, and can be told again.
        Raises `IdempotencyKeyReused`.
        """
        code = self._codes.of(identity.principal, identity.key)
        value = self._new(code, means, amount_minor, currency)

        def work(unit: "Unit") -> StoredValue | None:
            kept = unit.idempotency.claim(
                identity.principal, identity.key, identity.body_hash, value.created_ms
            )
            if kept is not None and not identity.is_of(kept.body_hash):
                raise IdempotencyKeyReused
            known = unit.money.stored_values([value.account], lock=True).get(value.account)
            if known is None:
                unit.money.issue(value, f"issued by {by}")
                return None
            entries = unit.money.value_entries(value.account)
            known = replace(known, balance_minor=entries[0].amount_minor)
            if known != replace(value, created_ms=known.created_ms):
                raise IdempotencyKeyReused
            return known

        known = self._database.write(work)
        return {"code": code, **value_document(known or value)}, known is not None

    def _new(self, code: str, means: TenderKind, amount_minor: int, currency: str) -> StoredValue:
        now_ms = self._clock.now_ms()
        return StoredValue(account_of(code), means, currency, amount_minor, now_ms)

    def value(self, code: str) -> Document:
        """Return what is left on a gift card or credit."""
        account = account_of(code)
        with self._database.read() as view:
            found = view.money.stored_values([account], lock=False).get(account)
        if found is None:
            raise NotFound("gift card or credit", "of that code")
        return value_document(found)

    def statement(self, code: str) -> Document:
        """Return what is left on a gift card or credit, what is blocked, and all that moved."""
        account = account_of(code)
        with self._database.read() as view:
            return _statement(view.money, account)

    def block(self, code: str, *, note: str, by: str) -> Document:
        """Set all aside that is on one, as when it was stolen: it pays nothing until unblocked.

        A store that is away may still take it within its limit: that is a fact, and
        an exception where it is heard of. Raises `NothingToBlock`.
        """
        return self._set_aside(code, note=note, by=by, is_back=False)

    def unblock(self, code: str, *, note: str, by: str) -> Document:
        """Give back what was set aside; where nothing is, nothing changes."""
        return self._set_aside(code, note=note, by=by, is_back=True)

    def _set_aside(self, code: str, *, note: str, by: str, is_back: bool) -> Document:
        account, now_ms = account_of(code), self._clock.now_ms()

        def work(unit: "Unit") -> Document:
            value = unit.money.stored_values([account], lock=True).get(account)
            if value is None:
                raise NotFound("gift card or credit", "of that code")
            amount = _set_aside(unit.money.value_entries(account)) if is_back else 0
            if not is_back:
                amount = -value.balance_minor
                if amount >= 0:
                    raise NothingToBlock
            if amount:
                unit.money.move([(account, amount, f"{BLOCKED}{by}: {note}", now_ms)])
            return _statement(unit.money, account)

        return self._database.write(work)

    def report(self, location_id: str, from_ms: int, before_ms: int) -> Document:
        """Return what a store took in a time by the clocks of its terminals; it adds up to zero."""
        with self._database.read() as view:
            if view.locations.get(location_id) is None:
                raise UnknownLocation(location_id)
            entries = view.money.entries(location_id, from_ms, before_ms)
        return {
            "location_id": location_id,
            "from": rfc3339(from_ms),
            "before": rfc3339(before_ms),
            "accounts": _sums(entries),
            "by_associate": {
                one: _sums([entry for entry in entries if entry.associate == one])
                for one in sorted({entry.associate for entry in entries})
            },
            "by_drawer": {
                one: _sums([entry for entry in entries if entry.drawer == one])
                for one in sorted({entry.drawer for entry in entries if entry.drawer})
            },
            "is_balanced": not any(_by_currency(entries).values()),
        }


def _set_aside(entries: list[ValueEntry]) -> int:
    """Return how much of a gift card or credit is set aside."""
    return -sum(one.amount_minor for one in entries if one.is_blocking)


def _statement(money: "Money", account: str) -> Document:
    value = money.stored_values([account], lock=False).get(account)
    if value is None:
        raise NotFound("gift card or credit", "of that code")
    entries = money.value_entries(account)
    blocked = _set_aside(entries)
    return {
        **value_document(value),
        "is_blocked": blocked > 0,
        "blocked": {"amount_minor": blocked, "currency": value.currency},
        "entries": [
            {"amount_minor": one.amount_minor, "source": one.source, "at": rfc3339(one.at_ms)}
            for one in entries
        ],
    }


def _sums(entries: list[MoneyEntry]) -> dict[str, int]:
    """Return the sums of accounts; where there are several currencies, of each by itself."""
    is_mixed = len({one.currency for one in entries}) > 1
    return balances(
        Posting(_account(one) + (f" {one.currency}" if is_mixed else ""), one.amount_minor)
        for one in entries
    )


def _account(one: MoneyEntry) -> str:
    return "cash" if one.account.startswith(CASH_PREFIX) else one.account


def _by_currency(entries: list[MoneyEntry]) -> dict[str, int]:
    return balances(Posting(one.currency, one.amount_minor) for one in entries)


def value_document(value: StoredValue) -> Document:
    """Return a gift card or credit without what it is known by."""
    return {
        "means": value.means.value,
        "balance": {"amount_minor": value.balance_minor, "currency": value.currency},
        "created_at": rfc3339(value.created_ms),
    }
