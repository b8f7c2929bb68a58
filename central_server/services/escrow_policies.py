"""How stores share their stock: policy data with a date from which it holds.

A rule is never overwritten by a later one; what holds at a moment is the newest
rule of the location itself, else the newest for everywhere, else the settings
with which the location came in. Stores hear of it in their own row. Sharing is for
stores: a place that is none shares nothing, whatever was said of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from central_server.ports import Pokes
from central_server.records import EVERYWHERE, EscrowRule, Location
from central_server.services.errors import NotAStore, UnknownLocation
from central_server.services.order_views import Document
from central_server.services.scopes import store_row
from central_server.services.times import rfc3339, rfc3339_or_none
from sync.clock import Clock
from sync.domain.escrow import EscrowPolicy
from sync.hub.feed import FeedWriter
from sync.protocol.rows import Entity, store_scope

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import Unit


class EscrowPolicies:
    """Takes rules, and applies them when their time has come."""

    def __init__(self, database: "Database", clock: Clock, pokes: Pokes) -> None:
        self._database = database
        self._clock = clock
        self._pokes = pokes

    def add(self, rule: EscrowRule) -> Document:
        """Add a rule and apply what holds now; raises `UnknownLocation`, `NotAStore`."""

        def work(unit: "Unit") -> None:
            if rule.location_id != EVERYWHERE:
                place = unit.locations.get(rule.location_id)
                if place is None:
                    raise UnknownLocation(rule.location_id)
                if place.kind != "store" and rule.escrow.enabled:  # it would have no effect
                    raise NotAStore(place.id, place.kind)
            unit.leases.add_rule(rule)

        self._database.write(work)
        self.apply()
        return rule_document(rule)

    def show(self, location_id: str) -> Document:
        """Return what holds at a location, what will, and how its lease stands."""
        now = self._clock.now_ms()
        with self._database.read() as view:
            location = view.locations.get(location_id)
            if location is None:
                raise UnknownLocation(location_id)
            mine = {location_id, EVERYWHERE}
            rules = [one for one in view.leases.rules() if one.location_id in mine]
            lease = view.leases.get(location_id)
        return {
            "location_id": location_id,
            "policy": asdict(location.escrow),
            "generation": 0 if lease is None else lease.generation,
            "lease_until": None if lease is None else rfc3339_or_none(lease.until_ms or None),
            "may_promise": lease is None or lease.is_alive(now),
            "rules": [
                {**rule_document(one), "state": rule_state(rules, one, location, now)}
                for one in rules
            ],
        }

    def apply(self) -> int:
        """Bring each location to the rule that holds now; return how many changed."""
        now = self._clock.now_ms()
        return self._database.write(lambda unit: self._apply(unit, now))

    def _apply(self, unit: "Unit", now_ms: int) -> int:
        is_begun = any(one.effective_from_ms <= now_ms for one in unit.leases.rules())
        places = unit.locations.all() if is_begun else ()
        due = {place.id for place in _changed(unit, places, now_ms)}
        left = unit.locations.get_many(unit.leases.without_machine()).values()
        due |= {place.id for place in left if not place.escrow.enabled}
        # Looked at again behind their locks, rules too: somebody may have changed either.
        locked = unit.locations.lock(due) if due else {}
        changed = _changed(unit, locked.values(), now_ms)
        unit.locations.upsert(changed)
        _end_leases(unit, locked | {place.id: place for place in changed})
        feed = FeedWriter(unit.feed)
        for place in changed:
            feed.put(store_scope(place.id), Entity.STORE, place.id, store_row(place))
        heads = feed.flush()
        unit.after_commit(lambda: self._pokes.publish(heads))
        return len(changed)


def _end_leases(unit: "Unit", places: Mapping[str, Location]) -> None:
    """Let `places` that share no more be promised by their books where no machine is let in.

    A machine that is let in says itself that it has heard of it, however long it is silent: until
    then it has rights. One that is shut out has none, and would never say so. Nobody enrols
    meanwhile, as the places are locked.
    """
    for location_id in sorted(places.keys() & unit.leases.without_machine()):
        if not places[location_id].escrow.enabled:
            unit.leases.drop(location_id)


def _changed(unit: "Unit", places: Iterable[Location], now_ms: int) -> list[Location]:
    """Return those of `places` for which another policy holds, as they are by it."""
    rules = [one for one in unit.leases.rules() if one.effective_from_ms <= now_ms]
    held = ((place, _policy_of(rules, place)) for place in places)
    return [replace(place, escrow=policy) for place, policy in held if policy != place.escrow]


def _policy_of(rules: Sequence[EscrowRule], place: Location) -> EscrowPolicy:
    if place.kind != "store" and place.escrow.enabled:
        return EscrowPolicy()
    rule = rule_for(rules, place)
    return place.escrow if rule is None else rule.escrow


def rule_for(rules: Sequence[EscrowRule], place: Location) -> EscrowRule | None:
    """Return the rule that holds for a location, of those in force (oldest first)."""
    if place.kind != "store":
        return None
    own = [one for one in rules if one.location_id == place.id]
    holding = own or [one for one in rules if one.location_id == EVERYWHERE]
    return holding[-1] if holding else None


def rule_state(rules: Sequence[EscrowRule], rule: EscrowRule, place: Location, now_ms: int) -> str:
    """Return what a rule is to a location at `now_ms`, by all rules of it (oldest first).

    `in_force`, `to_come`, `past` (a later one has taken its place), or `overruled`:
    it is said of every store, and this one has its own; or the place is no store.
    """
    begun = [one for one in rules if one.effective_from_ms <= now_ms]
    holding = rule_for(begun, place)
    if rule == holding:
        return "in_force"
    known = begun if rule.effective_from_ms <= now_ms else [*begun, rule]
    is_own = rule.location_id == place.id
    has_own = any(one.location_id == place.id for one in known)
    if place.kind != "store" or (has_own and not is_own):
        return "overruled"
    return "past" if rule.effective_from_ms <= now_ms else "to_come"


def rule_document(rule: EscrowRule) -> Document:
    """Return a rule as the API shows it."""
    return {
        "location_id": rule.location_id,
        "effective_from": rfc3339(rule.effective_from_ms),
        "policy": asdict(rule.escrow),
        "service_percent": rule.service_percent,
    }
