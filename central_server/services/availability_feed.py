"""The published feed of availability: what crosses a threshold, for shops that poll.

    touched   SKUs whose stock moved since the last look, known by the stores' feeds; those of
              which orders that wait want, or keep, other units than then, or a pause is over
    places    the feeds of single places, of those that settings name, in the same way
    all       when rules (of promising, or of routing), kits or a location change, a time box opens
              or closes, and every `SWEEP_MS`, as silence and leases leave no row anywhere

Compacted: one row a SKU, so a full feed and a delta are the same query. Whoever misses
something for a while catches up from where they were.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from central_server.services.errors import FeedCursorOver, NotFound
from central_server.services.kits import KitPromises
from central_server.services.order_views import Document
from central_server.services.promise_memory import PromiseMemory, next_edge_ms
from central_server.services.promises import Ask, Promises, as_chosen
from central_server.services.times import rfc3339
from central_server.sourcing.levels import level_of
from central_server.sourcing.promise_rules import Method
from central_server.sourcing.promise_terms import Promise
from sync.clock import Clock
from sync.domain.orders import Channel
from sync.protocol.rows import Entity

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import Unit, View

CHANNELS = (Channel.WEB.value, Channel.MARKETPLACE.value)
Feed = tuple[str, ...]
"""Channel and method; of a place's own feed, its location before them."""
Units = dict[str, int]
"""What may be promised, by SKU."""
FEEDS: tuple[tuple[str, str], ...] = tuple(
    (channel, method.value) for channel in CHANNELS for method in Method
)
BATCH = 100
SWEEP_MS = 10 * 60_000
LOOK_MS = 5_000


class AvailabilityPublisher:
    """Publishes what crossed a threshold. One thread calls `run`."""

    def __init__(
        self,
        database: "Database",
        clock: Clock,
        thresholds: Sequence[int],
        places: Sequence[str] = (),
    ) -> None:
        """`thresholds` are units, ascending; the first run publishes anew what others change.

        `places` have feeds of their own.
        """
        self._database = database
        self._clock = clock
        self._thresholds = thresholds
        self._places = places
        self._memory = PromiseMemory()
        """Of its own: shops that ask for a page do not wait while it looks at everything."""
        self._todo: dict[str, None] = {}
        self._revs: dict[str, int] = {}
        self._waiting: dict[tuple[str, str], int] = {}
        self._revision = (-1, -1, -1)
        self._all_due_ms = 0
        self._looked_ms = 0
        self._followed_ms = 0

    def run(self) -> bool:
        """Look at what may have changed; return whether there is more to do at once.

        What moves while a round is worked off waits for the next one, `LOOK_MS` at most: at a
        busy hour every SKU moves all the time, and who polls needs one number, not each.
        """
        now = self._clock.now_ms()
        with self._database.read() as view:
            if not self._todo or not 0 <= now - self._looked_ms < LOOK_MS:
                self._follow(view, now)
                self._looked_ms = now
            batch = list(self._todo)[:BATCH]
            if not batch:
                return False
            promises = Promises(view, now)
            kits = KitPromises(promises, batch, self._memory)
            found: dict[Feed, Mapping[str, Promise]] = {
                feed: kits.network(Ask(*feed)) for feed in FEEDS
            }
            found |= self._of_places(view, kits)
            changed = self._changed(view, found, batch)
        if changed:
            self._database.write(lambda unit: self._publish(unit, changed, now))
        for sku in batch:
            del self._todo[sku]
        return bool(self._todo)

    def _of_places(self, view: "View", kits: KitPromises) -> dict[Feed, Mapping[str, Promise]]:
        """Return what places promise that have feeds of their own; unknown ones have none."""
        places = sorted(view.locations.get_many(self._places)) if self._places else []
        found: dict[Feed, Mapping[str, Promise]] = {}
        for feed in FEEDS if places else ():
            at = kits.at(as_chosen(Ask(*feed)), places)
            found |= {(place, *feed): at[place] for place in places}
        return found

    def _changed(
        self, view: "View", found: Mapping[Feed, Mapping[str, Promise]], skus: Collection[str]
    ) -> dict[Feed, Units]:
        """Return what shops were told otherwise; most of what moves crosses no threshold."""
        units = {feed: {sku: whole[sku].quantity for sku in skus} for feed, whole in found.items()}
        return view.availability_feed.changed(units, self._level)

    def _level(self, units: int) -> int:
        return level_of(units, self._thresholds)

    def _publish(self, unit: "Unit", changed: Mapping[Feed, Units], now_ms: int) -> None:
        for feed, units in changed.items():
            unit.availability_feed.publish(feed, units, now_ms, self._level)

    def _follow(self, view: "View", now_ms: int) -> None:
        """Add what may have changed since the last look.

        Nothing is noted as seen before everything was read: what fails is looked at again.
        """
        head = view.promise_signs.head()
        revs, moved = view.promise_signs.moved(self._revs)
        # A pause that begins moves stock; no row says that one is over.
        waiting = _waiting(view)
        waits = {sku for (sku, _), _ in waiting.items() ^ self._waiting.items()}
        waits |= view.shipping.over(self._followed_ms, now_ms)
        routing = view.routing_rules.in_force(now_ms)  # by others nothing is kept at places
        revision = (head.revision, head.catalogue, routing.version)
        is_set_back = self._all_due_ms - now_ms > SWEEP_MS
        is_due = revision != self._revision or now_ms >= self._all_due_ms or is_set_back
        changed = () if is_due else view.promise_signs.changed(moved)
        is_due = is_due or any(entity == Entity.STORE.value for _, entity, _ in changed)
        due_ms = self._all_due_ms
        if is_due:
            edge_ms = next_edge_ms(view, view.promise_rules.in_force(now_ms), now_ms)
            routed_until_ms = routing.until_ms(now_ms) or edge_ms
            due_ms = min(now_ms + SWEEP_MS, edge_ms, routed_until_ms)
            # With what was told before: a kit that is none any more has no stock of its own.
            touched: Collection[str] = {*view.demand.skus(), *view.availability_feed.told()}
        else:
            touched = {key for _, entity, key in changed if entity == Entity.STOCK.value} | waits
        kits = view.supply.bundles_with(touched)
        if is_due:
            self._memory = PromiseMemory()  # a sweep looks for what no feed told of, too
        self._revision, self._all_due_ms = revision, due_ms
        self._revs, self._followed_ms, self._waiting = revs, now_ms, waiting
        self._todo.update(dict.fromkeys(sorted({*touched, *kits})))


def _waiting(view: "View") -> dict[tuple[str, str], int]:
    """Return the units that orders that wait want, and keep at places, by SKU and place."""
    wanted = view.orders.all_unsourced()
    # As they count where a promise is made: what waits for a receipt takes nothing.
    later = view.supply.waiting(wanted) if wanted else {}
    now = {(sku, ""): units - later.get(sku, 0) for sku, units in wanted.items()}
    return now | view.holds.all_kept()


class AvailabilityFeedReader:
    """Reads what was published."""

    def __init__(
        self, database: "Database", thresholds: Sequence[int], places: Sequence[str] = ()
    ) -> None:
        self._database = database
        self._thresholds = thresholds
        self._places = places

    def page(
        self,
        channel: str,
        method: str,
        after: tuple[int, int] | None,
        limit: int,
        *,
        location_id: str = "",
    ) -> tuple[Document, tuple[int, int]]:
        """Return a page after a cursor (life of central, rev), and the cursor after it.

        Of one place where a `location_id` is given. Without a cursor the whole feed begins.
        Raises `FeedCursorOver` for one of another life of central: take everything again; and
        `NotFound` for a place that has no feed of its own.
        """
        if location_id and location_id not in self._places:
            raise NotFound("availability feed of location", location_id)
        key = (location_id, channel, method) if location_id else (channel, method)
        with self._database.read() as view:
            life = view.feed.incarnation()
            rev = 0
            if after is not None:
                rev = after[1]
                if after[0] != life or rev > view.availability_feed.last_rev(key):
                    raise FeedCursorOver
            rows = view.availability_feed.after(key, rev, limit + 1)
        shown = rows[:limit]
        document: Document = {
            "location_id": location_id or None,
            "channel": channel,
            "method": method,
            "thresholds": list(self._thresholds),
            "items": [
                {
                    "sku": sku, "level": level, "available_to_promise": units,
                    "at": rfc3339(at_ms),
                }
                for sku, level, units, _, at_ms in shown
            ],
            "more": len(rows) > limit,
        }  # fmt: skip
        return document, (life, shown[-1][3] if shown else rev)
