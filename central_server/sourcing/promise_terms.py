"""What may be promised of one position, and of the network: terms that add up exactly.

    node     raw = on hand - allocated - floor - held back - safety stock - holdbacks
                   - not heard - not released - protected - not offered - waiting - network limit
    network  raw = the nodes' quantities - unsourced demand - safety stock - holdbacks

Percentages are of what is on hand, so what is kept does not shrink with what is promised.
The quantity is `raw`, but never below zero. Whoever reserves asks the same functions.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from central_server.sourcing.promise_rules import (
    Asked,
    Method,
    Place,
    PromiseRule,
    Reach,
    RuleKind,
    Selection,
)
from sync.domain.inventory import StockPosition

MS_PER_MINUTE = 60_000
MILLI = 1000
SHIP = Method.SHIP.value
WAITING = "waiting"
NOT_RELEASED = "not_released"


class Term(NamedTuple):
    """Units that are subtracted, for what, and by which rule (None: by the books)."""

    name: str
    units: int
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """One SKU at one place, as promising sees it."""

    position: StockPosition
    place: Place
    weekly_milli: int = 0
    """Demand at the place, in thousandths of a unit a week."""
    heard_ms: int | None = None
    """From when on its silence counts: its store's last contact, or when a file of its stock was
    due that did not come. None where no store and no two files have ever spoken for it."""

    def age_at(self, now_ms: int) -> int | None:
        """Return how old central's knowledge is, in ms; None where nobody ever spoke."""
        return None if self.heard_ms is None else max(0, now_ms - self.heard_ms)


@dataclass(frozen=True, slots=True)
class Promise:
    """A number with its terms. `begins` less all terms is `raw`."""

    begins: int
    terms: tuple[Term, ...]
    is_offered: bool = True
    is_protected: bool = False

    @property
    def raw(self) -> int:
        """Return what is left; negative when more was promised than there is."""
        return self.begins - sum([term.units for term in self.terms])

    @property
    def quantity(self) -> int:
        """Units that may be promised."""
        return max(0, self.raw)

    def term(self, name: str) -> int:
        """Return the units of all terms of a name."""
        return sum(term.units for term in self.terms if term.name == name)


def node_promise(
    node: Node, chosen: Selection, asked: Asked, *, is_own: bool = False, is_paused: bool = False
) -> Promise:
    """Return what may be promised of one position.

    `is_own` says that the order chose this very place: protected stock is for such orders.
    `is_paused` says that the place is not asked for it now, whatever rules offer.
    """
    position, reach = node.position, chosen.at(node.place)
    terms = [
        Term("allocated", position.allocated),
        Term("floor", position.floor),
        Term("held_back", position.held_back),
        _safety(node, reach.safety),
        *(Term("holdback", rule.units or 0, rule.id) for rule in reach.holdbacks),
    ]
    left = position.on_hand - sum([term.units for term in terms])
    if reach.silences and (kept := _not_heard(node, reach, asked.now_ms, left)) is not None:
        terms.append(kept)
        left -= kept.units
    if not asked.is_released:
        terms.append(Term(NOT_RELEASED, max(0, left)))
        left = min(0, left)
    if reach.protect is not None and not is_own:
        terms.append(Term("protected", max(0, left), reach.protect.id))
        left = min(0, left)
    # Nobody takes a parcel where no carrier comes, whatever a rule offers; who fetches comes.
    is_closed = asked.method == SHIP and (is_paused or SHIP not in node.place.offers)
    offer = None if is_closed else reach.offer
    is_offered = asked.method in node.place.offers if offer is None else bool(offer.offered)
    is_offered = is_offered and not is_closed
    if not is_offered:
        terms.append(Term("not_offered", max(0, left), None if offer is None else offer.id))
    return Promise(position.on_hand, tuple(terms), is_offered, reach.protect is not None)


@dataclass(frozen=True, slots=True)
class Whole:
    """All places together: what they may promise, have, and sell in a week."""

    quantity: int = 0
    on_hand: int = 0
    weekly_milli: int = 0

    @classmethod
    def of(cls, places: Iterable[tuple[Node, Promise]]) -> "Whole":
        """Return the sums over places; those that may promise nothing of it are left out."""
        open_ = [(node, one) for node, one in places if one.is_offered and not one.is_protected]
        return cls(
            sum(one.quantity for _, one in open_),
            sum(max(0, node.position.on_hand) for node, _ in open_),
            sum(node.weekly_milli for node, _ in open_),
        )


def network_promise(whole: Whole, unsourced: int, chosen: Selection) -> Promise:
    """Return what may be promised of all places together.

    `unsourced` is demand that is promised already, but carried by no place yet.
    """
    terms = [Term("unsourced", unsourced)]
    kept = next((one for one in chosen.network if one.kind is RuleKind.SAFETY_STOCK), None)
    if kept is not None:
        units = _amount(kept, whole.on_hand, whole.weekly_milli)
        terms.append(Term("safety_stock", units, kept.id))
    terms += [
        Term("holdback", rule.units or 0, rule.id)
        for rule in chosen.network
        if rule.kind is RuleKind.HOLDBACK
    ]
    return Promise(whole.quantity, tuple(terms))


def less_waiting(node: Promise, units: int) -> Promise:
    """Return a place's promise without units of orders that wait and have them from there."""
    return replace(node, terms=(*node.terms, Term(WAITING, units))) if units else node


def unreleased(kit: Promise) -> Promise:
    """Return the promise of a kit that may not be sold yet, whatever its components say."""
    return replace(kit, terms=(*kit.terms, Term(NOT_RELEASED, kit.quantity)))


def less_held(node: Promise, units: int) -> Promise:
    """Return a place's promise without units of parcels that are held and would leave there.

    Never below zero: where fewer are there for whoever asks, the parcels have those.
    """
    return less_waiting(node, min(units, node.quantity))


def limited(node: Promise, network: Promise) -> Promise:
    """Return a place's promise, never more than the network may promise in all.

    Protected stock is none of the network's, so the network does not limit it.
    """
    excess = 0 if node.is_protected else max(0, node.quantity - network.quantity)
    if not excess:
        return node
    return replace(node, terms=(*node.terms, Term("network_limit", excess)))


def _safety(node: Node, rule: PromiseRule | None) -> Term:
    if rule is None:
        return Term("safety_stock", node.position.safety_stock)
    return Term("safety_stock", _amount(rule, node.position.on_hand, node.weekly_milli), rule.id)


def _amount(rule: PromiseRule, on_hand: int, weekly_milli: int) -> int:
    """Return the units that a rule keeps: units, a percentage, or weeks of supply."""
    if rule.percent is not None:
        return _share(rule.percent, on_hand)
    if rule.weeks is not None:
        return math.ceil(round(rule.weeks * weekly_milli / MILLI, 6))
    return rule.units or 0


def _share(percent: int, units: int) -> int:
    return -(-percent * max(0, units) // 100)


def _not_heard(node: Node, reach: Reach, now_ms: int, left: int) -> Term | None:
    age_ms = node.age_at(now_ms)
    if age_ms is None or node.position.is_shared:
        return None  # escrow has a rule of its own: `sync.domain.silence`
    passed = [
        rule for rule in reach.silences if age_ms >= (rule.after_minutes or 0) * MS_PER_MINUTE
    ]
    if not passed:
        return None
    most = max(passed, key=lambda rule: rule.percent or 0)
    kept = _share(most.percent or 0, node.position.on_hand)
    return Term("not_heard", min(kept, max(0, left)), most.id)
