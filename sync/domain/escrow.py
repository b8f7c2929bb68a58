"""Escrow: who may promise which unit, so that neither side has to ask the other.

Per SKU and store, in units, with book stock B and accepted promises R:

    online O = granted - promised - returned     central spends these, while its lease lives
    floor  F = B - R - O                         the store spends these, connected or not

so F + O + R = B always, and a grant needs F >= 0 after it (O'Neil's escrow with
two holders; Balegas et al., bounded counters, arXiv 1503.09052; the giver lowers
its own right first, the taker raises its own after it heard). `granted` is
written by the store alone, `promised` and `returned` by central alone; all are
totals since `generation` began and only grow, so a repeated, late or reordered
message changes nothing.

A lease bounds how long central may spend without hearing from the store. With
lease L, confirmation time A, clock rate error r and a margin e:

    central promises until     c0 + L (1 - 2 r)             by its clock; c0 is its own time in the
                                                            newest answer that the store has seen
    a promise is confirmed by  c0 + L (1 - 2 r) + A         or central moves it elsewhere
    the store takes back after (L + A) (1 + 2 r) + e        by its monotonic clock, since it got c0

When the store takes back, every promise that it has not confirmed is over at
central, wherever the two clocks stand: it closes the generation, and what it had
granted and did not see promised is its own again.

L and A are policy data of central's that a store may not have heard of, so central
goes by what the store has said that it goes by (`LeaseTerms`), where that is less.
A store stands by the longest that it has said until central goes by less.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from sync.domain.errors import InvariantViolated
from sync.domain.fulfillment import FulfillmentLine, FulfillmentOrder

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    """By which lease and confirmation time (ms) a store goes; nothing: it does not share."""

    lease_ms: int = 0
    confirm_ms: int = 0

    def or_longer(self, other: "LeaseTerms") -> "LeaseTerms":
        """Return the longer of each."""
        lease_ms = max(self.lease_ms, other.lease_ms)
        return LeaseTerms(lease_ms, max(self.confirm_ms, other.confirm_ms))

    def in_seconds(self) -> tuple[int, int]:
        """Return them as they travel: whole seconds, never more than they are."""
        return self.lease_ms // 1000, self.confirm_ms // 1000


NO_TERMS = LeaseTerms()


@dataclass(frozen=True, slots=True)
class EscrowPolicy:
    """How one store shares its stock with central. Policy data of central's; times in ms."""

    enabled: bool = False
    """Without escrow central promises from its own record less a fixed floor: no guarantee."""
    lease_ms: int = 2 * 3_600_000
    confirm_ms: int = 15 * 60_000
    rate_ppm: int = 10_000
    """How far clocks may run wrong, in parts per million: 1 % covers any working machine."""
    margin_ms: int = 30_000
    strict: bool = False
    """Whether a sale over a promise needs somebody with the right to override."""
    strict_categories: tuple[str, ...] = ()
    """Categories that are strict where the store as a whole is not."""

    @property
    def terms(self) -> LeaseTerms:
        """By which lease and confirmation time a store goes that has this policy."""
        return LeaseTerms(self.lease_ms, self.confirm_ms) if self.enabled else NO_TERMS

    def bounded_by(self, said: LeaseTerms) -> "EscrowPolicy":
        """Return what central goes by with a store that has said `said`: never longer than that."""
        if not self.enabled:  # it has not heard that it is over: until then all is as it says
            return self.with_terms(said)
        lease_ms = min(self.lease_ms, said.lease_ms)
        return self.with_terms(LeaseTerms(lease_ms, min(self.confirm_ms, said.confirm_ms)))

    def with_terms(self, terms: LeaseTerms) -> "EscrowPolicy":
        """Return this policy with another lease and confirmation time; off where there is none."""
        return replace(
            self, enabled=terms.lease_ms > 0, lease_ms=terms.lease_ms, confirm_ms=terms.confirm_ms
        )

    def lease_end_ms(self, token_ms: int) -> int:
        """Return until when central may promise, by its clock, on the token `token_ms`."""
        return token_ms + self.lease_ms - self.lease_ms * 2 * self.rate_ppm // MILLION

    def confirm_by_ms(self, token_ms: int) -> int:
        """Return by when a promise made on this token must be confirmed, by central's clock."""
        return self.lease_end_ms(token_ms) + self.confirm_ms

    @property
    def reclaim_after_ms(self) -> int:
        """Monotonic time since the newest token after which the store takes its rights back."""
        whole = self.lease_ms + self.confirm_ms
        return whole + whole * 2 * self.rate_ppm // MILLION + self.margin_ms

    def is_strict(self, category: str) -> bool:
        """Return whether sales of a category are strict here."""
        return self.strict or category in self.strict_categories


@dataclass(frozen=True, slots=True)
class Rights:
    """The totals of one SKU since `generation` began. Generation 0: never shared."""

    generation: int = 0
    granted: int = 0
    promised: int = 0
    returned: int = 0

    @property
    def online(self) -> int:
        """Units that central may still promise."""
        return max(0, self.granted - self.promised - self.returned)

    def within(self, generation: int) -> "Rights":
        """Return these rights if they are of `generation`, else those of its beginning."""
        return self if self.generation == generation else Rights(generation)

    def with_grant(self, generation: int, granted: int) -> "Rights":
        """Return what a grant of the store's leads to; one of an older generation to nothing."""
        if generation < self.generation:
            return self
        now = self.within(generation)
        return replace(now, granted=max(now.granted, granted))

    def with_return(self, units: int) -> "Rights":
        """Return the rights after central gave up to `units` back to the store."""
        return replace(self, returned=self.returned + min(max(0, units), self.online))


@dataclass(frozen=True, slots=True)
class Share:
    """How one SKU of a store is divided now, as the store knows it (units)."""

    sku: str
    on_hand: int
    allocated: int
    online: int
    target: int = 0
    """Floor rights that the store should keep, by its sizing."""
    returned: int = 0
    """Online rights that central has given back so far in this generation."""

    @property
    def floor(self) -> int:
        """What the store may sell without asking; negative: promises stand on units sold."""
        return self.on_hand - self.allocated - self.online

    @property
    def surplus(self) -> int:
        """Floor rights beyond what the store should keep: to be granted."""
        return max(0, self.floor - max(0, self.target))

    @property
    def shortage(self) -> int:
        """Online rights to ask back. Not for one sale: only when half of the floor is gone."""
        if self.floor > self.target // 2 or self.floor >= self.target:
            return 0
        return min(self.online, self.target - self.floor)

    def over(self, units: int) -> int:
        """Return how many of `units` sold go beyond the floor rights."""
        return max(0, units - max(0, self.floor))

    def check(self) -> None:
        """Raise `InvariantViolated` unless every right stands on a unit of its own."""
        if self.floor < 0 or min(self.online, self.allocated) < 0:
            raise InvariantViolated(f"more rights than units in {self}")


def fixed_floor(on_hand: int, floor_percent: int) -> int:
    """Return the floor of a fixed share: `floor_percent` of the book, rounded up."""
    return max(0, -(-on_hand * floor_percent // 100))


def sacrifice_rank(order: FulfillmentOrder, named: str = "") -> tuple[bool, bool, int, int, str]:
    """Rank promises; the highest gives way first: the named one, an unconfirmed one, the latest.

    Store and central rank alike, so a cashier is told of the order that central then moves.
    """
    urgency = (order.promised_by_ms, order.placed_at_ms, order.id)
    return (order.id == named, order.is_unconfirmed, *urgency)


@dataclass(frozen=True, slots=True)
class GivesWay:
    """Units of a line that lie on the shelf for an order and are not there any more."""

    order: FulfillmentOrder
    line: FulfillmentLine
    units: int


def giving_way(
    orders: Iterable[FulfillmentOrder], sku: str, units: int, named: str = ""
) -> Iterator[GivesWay]:
    """Yield which promises of `sku` give way for `units`. Goods in hand never do."""
    ranked = sorted(orders, key=lambda one: sacrifice_rank(one, named), reverse=True)
    for order in ranked:
        for line in order.lines:
            given = min(units, line.to_pick) if line.sku == sku else 0
            if given > 0:
                yield GivesWay(order, line, given)
                units -= given
