"""Tenders: how goods are paid for in a store. Integer minor units of the order's currency.

    price   = sum of unit price x units              as promised, whatever the shelf says today
    cash    given - change = amount + rounding       `amount` settles the price; `rounding` is what
                                                     the smallest coin makes of it
    paid    = sum of the amounts that were taken
    balance = paid - price of what has left          never negative; 0 once all is settled

A card is charged on a payment terminal of its own, of which a reference is kept
and nothing else. Between asking that terminal and knowing its answer the tender
is `ASKED`; the answer is asked for again until it is known.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

from sync.domain.errors import OperationRefused
from sync.domain.evolve import evolver
from sync.domain.ids import normalize_code

HOUR_MS = 3_600_000
ACCOUNT_BYTES = 16


class TenderKind(StrEnum):
    """Means of payment."""

    CASH = "cash"
    CARD = "card"
    GIFT_CARD = "gift_card"
    STORE_CREDIT = "store_credit"


STORED_VALUE = frozenset({TenderKind.GIFT_CARD, TenderKind.STORE_CREDIT})
"""Means whose balance is central's to know."""


class TenderState(StrEnum):
    """Where one tender stands."""

    ASKED = "asked"
    TAKEN = "taken"
    DECLINED = "declined"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Tender:
    """One tender of an order."""

    number: int
    means: TenderKind
    amount_minor: int
    """How much of the price it settles."""
    state: TenderState
    rounding_minor: int = 0
    """Cash kept beyond the amount, by the smallest coin; negative: less than it."""
    reference: str = ""
    """What the payment terminal calls it."""
    account: str = ""
    """Of stored value: the hash that it is known by."""
    is_offline: bool = False
    """Taken without the issuer's word: it may be declined later."""


evolve_tender = evolver(Tender)
"""(tender, **changes) -> a copy with these fields changed."""


class TenderRefused(OperationRefused):
    """A tender that is not possible: more than is due, or none of that number."""

    code = "tender_refused"

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


def total_in(tenders: Iterable[Tender], state: TenderState) -> int:
    """Return the sum of the amounts in one state."""
    return sum(one.amount_minor for one in tenders if one.state is state)


def find_tender(tenders: Iterable[Tender], number: int) -> Tender | None:
    """Return the tender of that number."""
    return next((one for one in tenders if one.number == number), None)


def goes_back_whole(tenders: Iterable[Tender], amount_minor: int) -> bool:
    """Return whether some of the tenders that were taken are `amount_minor` together.

    A tender is given back whole or not at all; 0 needs none of them.
    """
    sums = {0}
    for one in tenders:
        if one.state is TenderState.TAKEN:
            more = {found + one.amount_minor for found in sums}
            sums |= {found for found in more if found <= amount_minor}
    return amount_minor in sums


# --- cash -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cash:
    """What happens at the drawer: `given - change = amount + rounding`."""

    amount_minor: int
    rounding_minor: int
    change_minor: int


def rounded(amount_minor: int, step_minor: int) -> int:
    """Return the payable amount nearest to `amount_minor`; half a step goes up."""
    return (amount_minor + step_minor // 2) // step_minor * step_minor


def take_cash(due_minor: int, given_minor: int, step_minor: int = 1) -> Cash:
    """Return what cash settles of `due_minor`, and the change.

    `step_minor` is the smallest coin. Less than what is due settles as much of it.
    Raises `TenderRefused` for nothing given (unless no coin is as small as what is due),
    nothing due, or coins that do not exist.
    """
    if due_minor <= 0:
        raise TenderRefused("Nothing is due.")
    payable = rounded(due_minor, step_minor)
    if given_minor < min(payable, 1) or given_minor % step_minor:
        raise TenderRefused("No such amount exists in cash.")
    if given_minor < payable:
        return Cash(given_minor, 0, 0)
    return Cash(due_minor, payable - due_minor, given_minor - payable)


# --- cards without the issuer's word --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CardCaps:
    """How much risk of cards approved offline a store takes on each terminal. Off by default."""

    enabled: bool = False
    payment_minor_max: int = 15_000
    device_minor_max: int = 100_000
    count_max: int = 50
    age_hours_max: int = 24
    """Once the oldest unsettled one is older, no more are taken."""


@dataclass(frozen=True, slots=True)
class OfflineCard:
    """A card payment that no issuer has confirmed yet."""

    amount_minor: int
    taken_ms: int


def offline_card_refusal(
    caps: CardCaps, unsettled: Sequence[OfflineCard], amount_minor: int, now_ms: int
) -> str:
    """Return why a card may not be taken offline now; empty where it may."""
    if not caps.enabled:
        return "This store takes no cards while the payment terminal is offline."
    if amount_minor > caps.payment_minor_max:
        return "That is more than one card may pay offline."
    if sum(one.amount_minor for one in unsettled) + amount_minor > caps.device_minor_max:
        return "Cards have paid as much offline as they may on this terminal."
    if len(unsettled) >= caps.count_max:
        return "As many cards have paid offline as may on this terminal."
    oldest = min((one.taken_ms for one in unsettled), default=now_ms)
    if now_ms - oldest > caps.age_hours_max * HOUR_MS:
        return "An offline card payment has waited too long to be settled."
    return ""


# --- stored value ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ValueLimits:
    """Stored value that a store may accept without asking, until central has heard of it."""

    total_minor: int = 0
    each_minor: int = 0
    """Of one gift card or credit."""


@dataclass(frozen=True, slots=True)
class UnheardValue:
    """Stored value that was accepted and that central has not acknowledged."""

    account: str
    amount_minor: int


def value_left(limits: ValueLimits, unheard: Sequence[UnheardValue], account: str) -> int:
    """Return how much of an account the store may accept now without asking."""
    used = sum(one.amount_minor for one in unheard)
    of_this = sum(one.amount_minor for one in unheard if one.account == account)
    return max(0, min(limits.total_minor - used, limits.each_minor - of_this))


def account_of(code: str) -> str:
    """Return the hash under which a gift card's or credit's code is known (BLAKE2b-128)."""
    plain = normalize_code(code).encode()
    return blake2b(plain, key=b"holdshelf stored value", digest_size=ACCOUNT_BYTES).hexdigest()
