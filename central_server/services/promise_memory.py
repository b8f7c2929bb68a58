"""What the network may be promised, kept in memory by SKU and checked at every question.

    question   one small query says how far the snapshot is (`storage.promise_signs`); what
               changed since the last question is read anew, nothing else
    clock      leases, silences, pauses and time boxes end when they do; of a store that is silent,
               what is held back is looked at every `SILENT_MS`
    workers    each has a memory of its own and asks the same database: they agree exactly,
               but for `SILENT_MS`

A question whose snapshot or moment is older than the memory is answered from the books. Who
takes units asks the books anyway (`services.promises.reserve`).
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from central_server.services.pauses import NOWHERE
from central_server.services.promises import Ask, Promises
from central_server.sourcing.contact import NEVER_MS, Contact, heard, leased
from central_server.sourcing.promise_rules import NO_RULES, RuleSet
from central_server.sourcing.promise_terms import Node, Promise, Whole, network_promise
from sync.protocol.rows import Entity

if TYPE_CHECKING:
    from central_server.storage.promise_signs import Head
    from central_server.storage.unit import View

SILENT_MS = 1000
ENTRIES_MAX = 500_000
"""How many (SKU, place, channel, method) are remembered: about 100 MB."""
BACK_MS = 10_000
"""A clock that was set back further than that makes everything be read anew."""
LOG_MAX = 100_000
MOVED_MAX = 200
"""Where more stores' feeds than this moved at once, everything is read anew."""

Part = tuple[int, int, int]
"""What one place adds: units that may be promised, units on hand, weekly demand in milli."""


@dataclass(slots=True)
class _Sums:
    """One SKU for one channel and method: what each place adds, and the sums."""

    parts: dict[str, Part]
    seen: int
    """How much of the log of places it has taken in."""
    silent_ms: int
    """When silent places were last looked at."""
    quantity: int = 0
    on_hand: int = 0
    weekly_milli: int = 0
    stale: set[str] = field(default_factory=set)
    paused: frozenset[str] = NOWHERE
    """The places that were not asked for parcels of it."""

    def units_at(self, place: str) -> int:
        """Return what may be promised at a place."""
        return self.parts.get(place, (0, 0, 0))[0]

    def put(self, place: str, part: Part) -> None:
        """Set what a place adds."""
        old = self.parts.get(place, (0, 0, 0))
        self.quantity += part[0] - old[0]
        self.on_hand += part[1] - old[1]
        self.weekly_milli += part[2] - old[2]
        self.parts[place] = part


_Key = tuple[str, str]
"""Channel and method."""


def next_edge_ms(view: "View", rules: RuleSet, now_ms: int) -> int:
    """Return when promises change by the clock alone: time boxes, versions, release dates."""
    later = [edge for edge in rules.edges if edge > now_ms]
    taken_over = view.promise_rules.next_change_ms(now_ms) or NEVER_MS
    released = view.catalogue.next_release_ms(now_ms) or NEVER_MS
    return min([*later, taken_over, released])


class PromiseMemory:
    """Answers for the network. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._head: Head | None = None
        self._forget()

    def _forget(self) -> None:
        self._sums: OrderedDict[tuple[_Key, str], _Sums] = OrderedDict()
        self._entries = 0
        self._keys: set[_Key] = set()
        self._revs: dict[str, int] | None = None
        self._rules: RuleSet = NO_RULES
        self._rules_until_ms = 0
        self._now_ms = 0
        self._begun_ms = 0
        """Since when nothing has changed by the clock alone, as far as that was looked at."""
        self._contacts: dict[str, Contact] = {}
        self._silent: set[str] = set()
        self._due_ms = 0
        self._log: list[str] = []

    def network(self, promises: Promises, skus: Collection[str], ask: Ask) -> dict[str, Promise]:
        """Return what may be promised of each SKU over all places together.

        `promises` are those of the snapshot, by the rules in force: who asks for several
        channels and methods with the same ones reads positions once. Who waits for a release
        date is answered from the books.
        """
        if ask.for_later:
            return promises.network(skus, ask)
        with self._lock:
            found = self._kept_for(promises, skus, ask)
        return promises.network(skus, ask) if found is None else found

    def places(
        self, promises: Promises, skus: Collection[str], ask: Ask
    ) -> dict[str, dict[str, int]]:
        """Return the units that each place adds to what the network may promise, by SKU.

        Without what it keeps for parcels that are held, and for orders that wait there.
        """
        general, held = Ask(ask.channel, ask.method), promises.held(skus)
        waited = promises.kept(skus, ask)

        def left(sku: str, units: Mapping[str, int]) -> dict[str, int]:
            return _less(_less(units, held[sku]), waited.get(sku, {}))

        with self._lock:
            if self._kept_for(promises, skus, general) is not None:
                return {sku: left(sku, self._units(sku, general)) for sku in skus}
        found: dict[str, dict[str, int]] = {sku: {} for sku in skus}
        promises.pauses.of(skus, ask.method)
        for node in promises.nodes(skus):
            found[node.position.sku][node.place.id] = promises.part(node, general)[0]
        return {sku: left(sku, units) for sku, units in found.items()}

    def _units(self, sku: str, ask: Ask) -> dict[str, int]:
        sums = self._sums.get(((ask.channel, ask.method), sku))
        parts = {} if sums is None else sums.parts
        return {place: part[0] for place, part in parts.items() if part[0]}

    def _kept_for(
        self, promises: Promises, skus: Collection[str], ask: Ask
    ) -> dict[str, Promise] | None:
        """Return what is remembered, up to date; None where the question is older than that."""
        try:
            if not self._follow(promises.view, promises.rules, promises.now_ms):
                return None
            return self._answer(promises, skus, ask)
        except BaseException:
            self._head = None  # half of what was read is worse than nothing
            raise

    def _answer(self, promises: Promises, skus: Collection[str], ask: Ask) -> dict[str, Promise]:
        key = (ask.channel, ask.method)
        self._keys.add(key)
        promises.learn(skus)
        self._refresh(promises, skus, Ask(*key))
        waiting, held = promises.unsourced(skus), promises.held(skus)
        found = {}
        for sku in skus:
            sums = self._sums[key, sku]
            kept = sum(min(units, sums.units_at(place)) for place, units in held[sku].items())
            whole = Whole(sums.quantity - kept, sums.on_hand, sums.weekly_milli)
            found[sku] = network_promise(whole, waiting[sku], promises.selection(sku, ask))
        self._shrink(skus)
        return found

    def _follow(self, view: "View", rules: RuleSet, now_ms: int) -> bool:
        """Take in what changed; return False where the question is older than the memory.

        By its snapshot, or by its moment: who waited for a connection or for the lock, while the
        clock passed a release date or a lease ended, would leave behind what held before that.
        """
        head = view.promise_signs.head()
        before, asked_ms = self._head, now_ms
        if before is not None and head.is_before(before):
            return False
        if before is not None and self._now_ms - BACK_MS <= now_ms < self._begun_ms:
            return False
        if (
            before is None
            or (head.revision, head.catalogue) != (before.revision, before.catalogue)
            or rules.version != self._rules.version
            or not self._now_ms - BACK_MS <= now_ms < self._rules_until_ms
            or len(self._log) > LOG_MAX
        ):
            self._begin(view, rules, now_ms)
        elif head.feeds != before.feeds:
            self._follow_feeds(view)
        changed = before is None or head.leases != before.leases or bool(rules.silences)
        now_ms = max(now_ms, self._now_ms)
        self._head, self._now_ms = head, now_ms
        if changed or now_ms >= self._due_ms:
            self._follow_contacts(view, rules, now_ms)
        return asked_ms >= self._begun_ms

    def _begin(self, view: "View", rules: RuleSet, now_ms: int) -> None:
        self._forget()
        self._rules, self._begun_ms = rules, now_ms
        self._rules_until_ms = next_edge_ms(view, rules, now_ms)
        self._revs = view.promise_signs.revs()

    def _follow_feeds(self, view: "View") -> None:
        assert self._revs is not None
        revs, moved = view.promise_signs.moved(self._revs)
        if len(moved) > MOVED_MAX:
            self._sums.clear()
            self._entries = 0
        elif moved:
            self._follow_rows(view.promise_signs.changed(moved))
        self._revs = revs

    def _follow_rows(self, changed: Iterable[tuple[str, str, str]]) -> None:
        for place, entity, sku in changed:
            if entity == Entity.STORE.value:
                self._log.append(place)
            elif entity == Entity.STOCK.value:
                for key in self._keys:
                    if (sums := self._sums.get((key, sku))) is not None:
                        sums.stale.add(place)

    def _follow_contacts(self, view: "View", rules: RuleSet, now_ms: int) -> None:
        found: dict[str, Contact] = {}
        dues = [NEVER_MS]
        for lease in view.promise_signs.leases():
            contact, due = leased(lease.generation, lease.token_ms, lease.until_ms, now_ms)
            found[lease.location_id] = contact
            dues.append(due)
        if rules.silences:
            for place, at_ms in view.replicas.silent_since(list(self._revs or ())).items():
                if place not in found:
                    found[place], due = heard(at_ms, rules.silences, now_ms)
                    dues.append(due)
        before = self._contacts
        changed = [one for one in found.keys() | before.keys() if found.get(one) != before.get(one)]
        if changed:
            self._log += changed
            self._begun_ms = now_ms
        self._contacts, self._due_ms = found, min(dues)
        self._silent = {one for one, contact in found.items() if contact.is_silent}

    def _refresh(self, promises: Promises, skus: Collection[str], ask: Ask) -> None:
        key = (ask.channel, ask.method)
        missing = [sku for sku in skus if (key, sku) not in self._sums]
        # Asked each time, as unsourced demand is: where a pause is over, no row says so.
        paused = promises.pauses.of(skus, ask.method)
        for sku in set(skus).difference(missing):
            sums = self._sums[key, sku]
            sums.stale |= sums.paused ^ paused[sku]
            sums.paused = paused[sku]
        stale = [
            (place, sku)
            for sku in skus
            if (key, sku) in self._sums
            for place in self._stale(self._sums[key, sku])
        ]
        for sku in missing:
            self._sums[key, sku] = _Sums({}, len(self._log), promises.now_ms, paused=paused[sku])
        self._take(promises.nodes(missing) if missing else (), promises, ask)
        self._take(promises.named(stale), promises, ask)

    def _stale(self, sums: _Sums) -> set[str]:
        """Return the places whose part must be looked at again, and count them as seen."""
        found, sums.stale = sums.stale, set()
        if sums.seen < len(self._log):
            found |= sums.parts.keys() & set(self._log[sums.seen :])
            sums.seen = len(self._log)
        if self._silent and self._now_ms >= sums.silent_ms + SILENT_MS:
            found |= sums.parts.keys() & self._silent
            sums.silent_ms = self._now_ms
        return found

    def _take(self, nodes: Iterable[Node], promises: Promises, ask: Ask) -> None:
        key = (ask.channel, ask.method)
        for node in nodes:
            sums = self._sums[key, node.position.sku]
            self._entries += node.place.id not in sums.parts
            sums.put(node.place.id, promises.part(node, ask))

    def _shrink(self, used: Collection[str]) -> None:
        """Forget what was asked for longest ago, where it is too much."""
        for key in self._keys:
            for sku in used:
                if (key, sku) in self._sums:
                    self._sums.move_to_end((key, sku))
        while self._entries > ENTRIES_MAX and self._sums:
            _, sums = self._sums.popitem(last=False)
            self._entries -= len(sums.parts)


def _less(units: Mapping[str, int], held: Mapping[str, int]) -> dict[str, int]:
    """Return the units of places without what they keep; of places that have some left."""
    left = {place: count - held.get(place, 0) for place, count in units.items()}
    return {place: count for place, count in left.items() if count > 0}
