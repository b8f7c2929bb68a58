"""What would change if a version of rules were published: SKUs, units, stores. Nothing is kept.

Both sets of rules are asked about the stock of this moment, at the moment from which
the version would hold: what is released by then is. Places are asked as by an order that chose
them, as in an answer about availability.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from itertools import zip_longest
from typing import TYPE_CHECKING

from central_server.services.errors import NotFound
from central_server.services.kits import KitPromises
from central_server.services.order_views import Document
from central_server.services.promise_rules import KIND, findings_of
from central_server.services.promises import Ask, Promises, as_chosen
from central_server.services.times import rfc3339
from central_server.sourcing.promise_rules import PromiseRule, RuleSet
from sync.clock import Clock

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import View

SKUS_MAX = 5_000
"""How many SKUs a preview looks at; what it left out is counted."""
SHOWN_MAX = 100
_BATCH = 200


class PromisePreview:
    """Compares a version with what holds."""

    def __init__(self, database: "Database", clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def preview(self, version: int, *, at_ms: int | None, ask: Ask) -> Document:
        """Return what a version would change, for one channel and method. Raises `NotFound`."""
        now = self._clock.now_ms()
        moment = max(now, at_ms or now)
        with self._database.read() as view:
            found = view.promise_rules.get(version)
            if found is None:
                raise NotFound(KIND, str(version))
            before = view.promise_rules.in_force(moment)
            after = RuleSet(found.version, found.rules)
            skus, left = _reached(view, before, after)
            tally = _Tally(view.supply.bundles(skus))
            for batch in _batches(skus):
                tally.add(
                    _promised(view, now, moment, before, batch, ask),
                    _promised(view, now, moment, after, batch, ask),
                )
            findings = findings_of(view, found.rules)
        return {
            "version": version,
            "in_force": before.version,
            "at": rfc3339(moment),
            "channel": ask.channel,
            "method": ask.method,
            "rules": _rules(before.rules, after.rules),
            "findings": [asdict(one) for one in findings],
            "skus_looked_at": len(skus),
            "skus_left_out": left,
            **tally.document(),
        }


class _Tally:
    """Sums of two answers. Kits are made of SKUs that are counted already."""

    def __init__(self, kits: Collection[str]) -> None:
        self._kits = kits
        self._units = [0, 0]
        self._skus: dict[str, tuple[int, int]] = {}
        self._stores: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self._moved: set[str] = set()

    def add(self, before: "_Answer", after: "_Answer") -> None:
        for index, answer in enumerate((before, after)):
            self._units[index] += sum(
                units for sku, units in answer[0].items() if sku not in self._kits
            )
            for (location_id, sku), units in answer[1].items():
                if sku not in self._kits:
                    self._stores[index][location_id] += units
        for sku, units in after[0].items():
            if units != before[0][sku]:
                self._skus[sku] = (before[0][sku], units)
        self._moved |= {key[0] for key, units in after[1].items() if units != before[1].get(key, 0)}

    def document(self) -> Document:
        before, after = self._stores
        skus = sorted(self._skus.items(), key=lambda one: (-abs(one[1][1] - one[1][0]), one[0]))
        stores = sorted(self._moved, key=lambda one: (-abs(after[one] - before[one]), one))
        return {
            "units_before": self._units[0],
            "units_after": self._units[1],
            "skus_changed": len(skus),
            "stores_changed": len(stores),
            "skus": [
                {"sku": sku, "before": one, "after": two} for sku, (one, two) in skus[:SHOWN_MAX]
            ],
            "stores": [
                {"location_id": one, "before": before[one], "after": after[one]}
                for one in stores[:SHOWN_MAX]
            ],
        }


_Answer = tuple[dict[str, int], dict[tuple[str, str], int]]
"""Units of the network by SKU, and units by (location, SKU)."""


def _promised(
    view: "View", now_ms: int, rules_ms: int, rules: RuleSet, skus: Sequence[str], ask: Ask
) -> _Answer:
    kits = KitPromises(Promises(view, now_ms, rules, rules_ms=rules_ms), skus)
    whole = kits.network(ask)
    places = {
        (location_id, sku): found[sku].quantity
        for location_id, found in kits.at(as_chosen(ask)).items()
        for sku in skus if sku in found
    }  # fmt: skip
    return {sku: whole[sku].quantity for sku in skus}, places


def _reached(view: "View", before: RuleSet, after: RuleSet) -> tuple[list[str], int]:
    """Return the SKUs that a differing rule may reach, and how many more there are."""
    differing = [*_without(before.rules, after.rules), *_without(after.rules, before.rules)]
    kept = _without(before.rules, differing), _without(after.rules, differing)
    # The first rule that holds decides: those that changed places differ as well.
    differing += [one or other for one, other in zip_longest(*kept) if one != other]
    if not differing:
        return [], 0
    skus = {sku for rule in differing for sku in rule.skus}
    if any(not rule.skus for rule in differing):
        skus |= set(view.demand.skus())
    skus.update(view.supply.bundles_with(skus))
    ordered = sorted(skus)
    return ordered[:SKUS_MAX], max(0, len(ordered) - SKUS_MAX)


def _without(rules: Sequence[PromiseRule], others: Sequence[PromiseRule]) -> list[PromiseRule]:
    return [rule for rule in rules if rule not in others]


def _rules(before: Sequence[PromiseRule], after: Sequence[PromiseRule]) -> Document:
    old, new = {one.id: one for one in before}, {one.id: one for one in after}
    return {
        "added": sorted(new.keys() - old.keys()),
        "removed": sorted(old.keys() - new.keys()),
        "changed": sorted(name for name in old.keys() & new.keys() if old[name] != new[name]),
    }


def _batches(skus: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(skus), _BATCH):
        yield skus[start : start + _BATCH]
