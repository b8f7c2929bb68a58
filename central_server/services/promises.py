"""What may be promised, by the rules in force: the one answer for showing and for taking.

`Promises` reads what the rules ask for and no more: where nothing is said of the
network, one place's promise needs only that place's rows.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from central_server.records import StockSums
from central_server.services.held_units import held_at
from central_server.services.pauses import Pauses
from central_server.services.plenty import network_for
from central_server.sourcing.promise_rules import (
    Asked,
    Method,
    Place,
    RuleSet,
    Selection,
)
from central_server.sourcing.promise_terms import (
    Node,
    Promise,
    Whole,
    less_held,
    less_waiting,
    limited,
    network_promise,
    node_promise,
)
from central_server.sourcing.receipts import Kept
from sync.domain.inventory import StockPosition, available_to_promise
from sync.domain.orders import Channel

if TYPE_CHECKING:
    from central_server.storage.unit import Unit, View


@dataclass(frozen=True, slots=True)
class Ask:
    """For whom something is asked."""

    channel: str = Channel.WEB.value
    method: str = Method.PICKUP.value
    chosen: str = ""
    """The place that the order chose itself: it may have protected stock."""
    is_own: bool = False
    """Each place is asked as if the order had chosen it."""
    is_moved: bool = False
    """A promise that moves to another place is none anew: the network keeps nothing of it."""
    for_later: bool = False
    """It waits until what it asks for may be sold (a pre-order): no release date is in its way."""


def as_chosen(ask: Ask) -> Ask:
    """Return `ask` as an order asks that chose each place itself: who fetches goods does."""
    return replace(ask, is_own=ask.method == Method.PICKUP.value)


ANYBODY = Ask()
ByPlace = Mapping[str, Mapping[str, int]]
"""Units by SKU and place."""
Promised = dict[str, dict[str, Promise]]
"""Promises by location and SKU."""
Network = Callable[[Collection[str], Ask], Mapping[str, Promise]]
"""Returns what may be promised of SKUs over all places together."""


class Promises:
    """Promises by one snapshot, at one moment."""

    def __init__(
        self,
        view: "View",
        now_ms: int,
        rules: RuleSet | None = None,
        *,
        rules_ms: int | None = None,
        pauses: Pauses | None = None,
    ) -> None:
        """`rules` are those in force, at `rules_ms` by time boxes and release dates: both now."""
        self.view = view
        self.pauses = pauses or Pauses(view, now_ms)
        self.now_ms = now_ms
        self.rules = view.promise_rules.in_force(now_ms) if rules is None else rules
        self._rules_ms = now_ms if rules_ms is None else rules_ms
        self._asked: dict[tuple[str, str, str, bool], tuple[Asked, Selection]] = {}
        self._categories: dict[str, str] = {}
        self._releases: dict[str, int] = {}
        self._wanted: dict[str, int] = {}
        """What orders want that nobody carries, with what is kept for parcels that are held."""
        self._unsourced: dict[str, int] = {}
        self._held: dict[str, Mapping[str, int]] = {}
        self._kept_at: dict[str, dict[str, Kept]] = {}
        self._named: dict[tuple[str, str], Node] = {}
        self._nodes: dict[str, dict[str, Node]] = {}
        self._judged: dict[tuple[str, str], tuple[StockPosition, Ask, Promise]] = {}
        """What `at` said of named places, by place and SKU."""
        self._places: dict[str, Place] = {}

    def at(
        self,
        skus: Collection[str],
        ask: Ask,
        location_ids: Sequence[str] | None = None,
        *,
        network: Network | None = None,
    ) -> Promised:
        """Return the promises of `skus` at the places that have them, or at the named ones.

        `network` says what the network may promise where something is kept of it; by itself,
        the books.
        """
        self.pauses.of(skus, ask.method)  # in one query, before each is asked for
        judged = [(node, self._promise(node, ask)) for node in self.nodes(skus, location_ids)]
        whole = self._limits(judged, skus, ask, network, are_few=location_ids is not None)
        kept, held = self.kept(skus, ask), self.held(skus)
        found: defaultdict[str, dict[str, Promise]] = defaultdict(dict)
        for node, promise in judged:
            limit = whole.get(node.position.sku)
            if location_ids is not None:
                self._judged[node.place.id, node.position.sku] = (node.position, ask, promise)
            left = less_waiting(promise, kept.get(node.position.sku, {}).get(node.place.id, 0))
            left = less_held(left, held[node.position.sku].get(node.place.id, 0))
            found[node.place.id][node.position.sku] = (
                left if limit is None else limited(left, limit)
            )
        return dict(found)

    def _limits(
        self,
        judged: Sequence[tuple[Node, Promise]],
        skus: Collection[str],
        ask: Ask,
        network: Network | None,
        *,
        are_few: bool,
    ) -> Mapping[str, Promise]:
        """Return what the network may promise of the SKUs of which it keeps something."""
        wide = [] if ask.is_moved else self.wide(skus, ask)
        if not wide:
            return {}
        if network is not None:
            return network(wide, ask)
        if not are_few:
            return self.network(wide, ask)
        needed = dict.fromkeys(wide, 0)
        for node, promise in judged:
            sku = node.position.sku
            if sku in needed:
                needed[sku] = max(needed[sku], promise.quantity)
        return network_for(self, needed, ask)

    def free(self, skus: Collection[str], ask: Ask) -> dict[str, dict[str, int]]:
        """Return the units that may be promised, by place that offers any of it, paused or not.

        What `at` promises, without its terms: of a thousand places that is a tenth of the work.
        """
        self.learn(skus)
        paused = self.pauses.of(skus, ask.method)
        asked = [self._select(sku, ask) for sku in skus]
        is_ruled = any(chosen.node or not one.is_released for one, chosen in asked)
        found: dict[str, dict[str, int]] = {}
        is_kept = self.kept(skus, ask) or any(self.held(skus)[sku] for sku in skus)
        if is_ruled or is_kept or (not ask.is_moved and self.wide(skus, ask)):
            for place, promised in self.at(skus, ask).items():
                is_paused = any(place in paused[sku] for sku in promised)
                is_known = is_paused and ask.method in self._places[place].offers
                if is_known or any(one.is_offered for one in promised.values()):
                    found[place] = {sku: q for sku, one in promised.items() if (q := one.quantity)}
            return found
        for node in self._everywhere(skus):
            if ask.method in node.place.offers:
                units = available_to_promise(node.position).quantity
                here = found.setdefault(node.place.id, {})
                if units and node.place.id not in paused[node.position.sku]:
                    here[node.position.sku] = units
        return found

    def network(self, skus: Collection[str], ask: Ask) -> dict[str, Promise]:
        """Return what may be promised of each SKU over all places together."""
        general = replace(ask, chosen="", is_own=False)
        places: defaultdict[str, list[tuple[Node, Promise]]] = defaultdict(list)
        held = self.held(skus)
        self.pauses.of(skus, ask.method)
        for node in self._everywhere(skus):
            kept = held[node.position.sku].get(node.place.id, 0)
            left = less_held(self._promise(node, general), kept)
            places[node.position.sku].append((node, left))
        waiting = self._unsourced_of(skus)
        return {
            sku: network_promise(Whole.of(places[sku]), waiting[sku], self._select(sku, ask)[1])
            for sku in skus
        }

    def fullest(self, sku: str, most: int) -> tuple[list[Node], StockSums]:
        """Return what is known of a SKU at the places that have most of it, so many of them.

        And the sums over all places, of the same moment.
        """
        positions, sums = self.view.stock.fullest(sku, most, self.now_ms)
        places = sorted({one.location_id for one in positions})
        self._learn_places(places)
        return self._enriched(positions, [sku], places), sums

    def wide(self, skus: Collection[str], ask: Ask) -> list[str]:
        """Return those of `skus` of which something is kept for the whole network."""
        waiting = self._unsourced_of(skus)
        self.learn(skus)
        return sorted(sku for sku in skus if waiting[sku] or self._select(sku, ask)[1].network)

    def nodes(self, skus: Collection[str], location_ids: Sequence[str] | None = None) -> list[Node]:
        """Return what is known of `skus` at places; at named ones also of what they lack."""
        if location_ids is None:
            return self._everywhere(skus)
        read = self.view.stock.positions(tuple(skus), self.now_ms, location_ids)
        return self._keep([(place, sku) for place in location_ids for sku in skus], read)

    def named(self, keys: Collection[tuple[str, str]]) -> list[Node]:
        """Return what is known of (place, SKU), also of what a place lacks.

        Read in one query; what was asked for before in this snapshot is not read again.
        """
        missing = [key for key in keys if key not in self._named]
        if missing:
            self._keep(missing, self.view.stock.positions_at(missing, self.now_ms))
        return [self._named[key] for key in keys if key in self._named]

    def _keep(self, keys: Sequence[tuple[str, str]], read: Iterable[StockPosition]) -> list[Node]:
        """Remember what was read of (place, SKU), and that the other keys have nothing there."""
        positions = {(one.location_id, one.sku): one for one in read}
        self._learn_places(sorted({place for place, _ in keys}))
        there = [key for key in keys if key[0] in self._places]
        wanted = [positions.get(key, StockPosition(*key)) for key in there]
        skus, places = {sku for _, sku in there}, {place for place, _ in there}
        found = self._enriched(wanted, sorted(skus), sorted(places))
        self._named.update({(one.place.id, one.position.sku): one for one in found})
        return found

    def known(self, skus: Collection[str], location_id: str) -> dict[str, Node]:
        """Return what is known of `skus` at a place, by SKU; read only where it was not yet."""
        if any((location_id, sku) not in self._named for sku in skus):
            self.nodes(skus, [location_id])
        return {sku: self._named[location_id, sku] for sku in skus}

    def promise(self, position: StockPosition, ask: Ask, known: Node) -> Promise:
        """Return the promise of a position that was read anew; `known` is what it was."""
        before = self._judged.get((known.place.id, position.sku))
        if before is not None and before[:2] == (position, ask):
            return before[2]  # nothing has changed since it was looked at
        return self._promise(replace(known, position=position), ask)

    def kept(self, skus: Collection[str], ask: Ask) -> dict[str, dict[str, int]]:
        """Return what stores keep for orders that wait there, by SKU and store.

        Of a promise that moves for those that wait for goods on their way: they were promised
        these very units. Those whose goods came are released themselves, one after the other.
        """
        missing = [sku for sku in skus if sku not in self._kept_at]
        if missing:
            self._unsourced_of(missing)
            waited = [sku for sku in missing if self._wanted[sku]]
            read = self.view.supply.kept(waited, self.now_ms) if waited else {}
            self._kept_at.update({sku: read.get(sku, {}) for sku in missing})
        found: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for sku in skus:
            for place, one in self._kept_at[sku].items():
                if units := one.awaiting if ask.is_moved else one.units:
                    found[sku][place] = units
        return dict(found)

    def held(self, skus: Collection[str]) -> Mapping[str, Mapping[str, int]]:
        """Return what places keep for parcels that are held, by SKU and place (`held_units`)."""
        self._unsourced_of(skus)
        return self._held

    def selection(self, sku: str, ask: Ask) -> Selection:
        """Return the rules that hold for a SKU."""
        self.learn([sku])
        return self._select(sku, ask)[1]

    def release_ms(self, sku: str) -> int | None:
        """Return from when on a SKU may be sold, if that is still to come."""
        self.learn([sku])
        at_ms = self._releases[sku]
        return at_ms if at_ms > self._rules_ms else None

    def unsourced(self, skus: Collection[str]) -> Mapping[str, int]:
        """Return the units by SKU that orders want, of no place: nobody carries or keeps them."""
        return self._unsourced_of(skus)

    def part(self, node: Node, ask: Ask) -> tuple[int, int, int]:
        """Return what a place adds to the network: promised, on hand, weekly demand (`Whole`).

        What is kept there for parcels that are held (`held`) is in it.
        """
        asked, chosen = self._select(node.position.sku, ask)
        if self.pauses.has(node.position.sku, node.place.id, ask.method):
            return (0, 0, 0)
        if not chosen.node and asked.is_released:
            if ask.method not in node.place.offers:
                return (0, 0, 0)
            units = available_to_promise(node.position).quantity
            return (units, max(0, node.position.on_hand), node.weekly_milli)
        promise = node_promise(node, chosen, asked)
        if not promise.is_offered or promise.is_protected:
            return (0, 0, 0)
        return (promise.quantity, max(0, node.position.on_hand), node.weekly_milli)

    def _promise(self, node: Node, ask: Ask) -> Promise:
        asked, chosen = self._select(node.position.sku, ask)
        is_own = ask.is_own or node.place.id == ask.chosen
        is_paused = self.pauses.has(node.position.sku, node.place.id, ask.method)
        return node_promise(node, chosen, asked, is_own=is_own, is_paused=is_paused)

    def _everywhere(self, skus: Collection[str]) -> list[Node]:
        missing = [sku for sku in skus if sku not in self._nodes]
        if missing:
            positions = self.view.stock.positions(missing, self.now_ms)
            places = sorted({one.location_id for one in positions})
            self._learn_places(places)
            self._nodes.update({sku: {} for sku in missing})
            for node in self._enriched(positions, missing, places):
                self._nodes[node.position.sku][node.place.id] = node
        return [node for sku in skus for node in self._nodes[sku].values()]

    def _enriched(
        self,
        positions: Sequence[StockPosition],
        skus: Collection[str],
        places: Sequence[str],
    ) -> list[Node]:
        self.learn(skus)
        weekly: Mapping[tuple[str, str], int] = {}
        heard: Mapping[str, int] = {}
        if self.rules.asks_demand:
            weekly = self.view.demand.weekly(tuple(skus))
        if self.rules.silences:
            heard = self.view.replicas.silent_since(places)
        return [
            Node(
                one, self._places[one.location_id], weekly.get((one.location_id, one.sku), 0),
                heard.get(one.location_id),
            )
            for one in positions
        ]  # fmt: skip

    def _select(self, sku: str, ask: Ask) -> tuple[Asked, Selection]:
        key = (sku, ask.channel, ask.method, ask.for_later)
        known = self._asked.get(key)
        if known is None:
            category = self._categories.get(sku, "")
            moment = self._rules_ms
            release_ms = 0 if ask.for_later else self._releases.get(sku, 0)
            release_ms = release_ms if release_ms > moment else 0
            asked = Asked(sku, category, ask.channel, ask.method, self.now_ms, release_ms)
            chosen = self.rules.select(
                asked if moment == self.now_ms else replace(asked, now_ms=moment)
            )
            known = self._asked[key] = (asked, chosen)
        return known

    def learn(self, skus: Collection[str]) -> None:
        """Read from when on SKUs may be sold, and their categories where a rule may ask."""
        unknown = [sku for sku in skus if sku not in self._releases]
        if unknown:
            found_ms = self.view.catalogue.releases(unknown)
            self._releases.update({sku: found_ms.get(sku, 0) for sku in unknown})
        missing = [sku for sku in skus if sku not in self._categories]
        if missing and any(rule.categories for rule in self.rules.rules):
            found = self.view.catalogue.categories(missing)
            self._categories.update({sku: found.get(sku, "") for sku in missing})

    def _learn_places(self, location_ids: Sequence[str]) -> None:
        missing = [one for one in location_ids if one not in self._places]
        if missing:
            self._places.update({one.id: one for one in self.view.locations.places(missing)})

    def _unsourced_of(self, skus: Collection[str]) -> Mapping[str, int]:
        missing = [sku for sku in skus if sku not in self._unsourced]
        if missing:
            wanted = _unsourced(self.view, missing)
            self._wanted.update(wanted)
            some = [sku for sku in missing if wanted[sku]]
            held = held_at(self, some, ANYBODY) if some else {}
            self._held.update({sku: held.get(sku, {}) for sku in missing})
            self._unsourced.update(
                {sku: max(0, wanted[sku] - sum(self._held[sku].values())) for sku in missing}
            )
        return self._unsourced


def _unsourced(view: "View", skus: Collection[str]) -> dict[str, int]:
    found = view.orders.unsourced(skus)
    if not found:
        return dict.fromkeys(skus, 0)
    # What waits for a receipt was promised of that, and takes nothing that is there.
    later = view.supply.waiting(found)
    return {sku: max(0, found.get(sku, 0) - later.get(sku, 0)) for sku in skus}


def reserve(
    unit: "Unit",
    location_id: str,
    wanted: Mapping[str, int],
    source: str,
    now_ms: int,
    ask: Ask,
    promises: Promises | None = None,
) -> bool:
    """Allocate `wanted` (units by SKU) at one place, all or nothing, if the rules allow it.

    False too where what was known is not so any more: the caller looks again, if it can.
    Positions are read again, locked, and only then what of them is kept: who gave up units
    here may have left them to wait, at once. Where that is so of SKUs that nobody waited for
    a moment ago, the transaction starts over: it would need them for itself, before any row.
    What is kept of the whole network is looked at again while nobody else promises these SKUs.
    `promises` are what this transaction knows already.
    """
    promises = promises or Promises(unit, now_ms)
    promises.pauses.of(wanted, ask.method)  # at once, and before rows are locked
    wide = [] if ask.is_moved else promises.wide(wanted, ask)
    unit.stock.lock_network(wide)
    others = set(wanted).difference(wide)
    unit.stock.share_network(others)
    fresh = Promises(unit, now_ms, promises.rules)
    if not ask.is_moved and any(fresh.unsourced(others)[sku] for sku in others):
        return False  # an order came meanwhile that waits for them: look again
    network = network_for(fresh, {sku: wanted[sku] for sku in wide}, ask) if wide else {}
    known = promises.known(wanted, location_id)

    @cache
    def behind() -> tuple[ByPlace, ByPlace]:
        locked = Promises(unit, now_ms, promises.rules)
        if not ask.is_moved and any(locked.unsourced(others)[sku] for sku in others):
            unit.start_over("an order began to wait for what it gave up")
        return locked.kept(wanted, ask), locked.held(wanted)

    def limit(position: StockPosition) -> int:
        kept, held = behind()
        promise = promises.promise(position, ask, known[position.sku])
        promise = less_waiting(promise, kept.get(position.sku, {}).get(location_id, 0))
        promise = less_held(promise, held[position.sku].get(location_id, 0))
        whole = network.get(position.sku)
        return (promise if whole is None else limited(promise, whole)).quantity

    return unit.stock.reserve(location_id, tuple(wanted.items()), source, now_ms, limit)
