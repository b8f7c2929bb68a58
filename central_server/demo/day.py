"""The scripted day: orders, an outage, work during it, reconnection, and the reckoning."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TextIO

import httpx

from central_server.demo.shopper import WAYS, Bought, Shopper
from central_server.demo.stores import DemoStore
from sync.clock import Clock
from sync.protocol.digest import StoreDigest, differences

WAIT_SECONDS = 60.0
LOOK_EVERY_S = 0.2
MORNING_ORDERS = 21
OUTAGE_ORDERS = 9
MORNING_STEPS = 12


@dataclass
class Day:
    """Plays the day and tells it line by line."""

    stores: Sequence[DemoStore]
    shopper: Shopper
    client: httpx.Client
    clock: Clock
    out: TextIO
    _started_ms: int = 0
    _orders: list[Bought] = field(default_factory=list)

    def play(self) -> bool:
        """Play everything; return whether every store agrees with central at the end."""
        self._started_ms = self.clock.now_ms()
        first = self.stores[0]
        self._until("every store has reached central", self._all_connected)
        self._say("A shopper begins to buy online.")
        self._buy(MORNING_ORDERS)
        self._until("every order is on its store's terminal", self._all_arrived)
        for number, store in enumerate(self.stores, 1):
            done = store.work(number, MORNING_STEPS)
            self._say(f"{store.location_id} works: {len(done)} steps, last: {done[-1]}")
        self._outage(first)
        self._say(f"The network of {first.location_id} is back.")
        first.restore()
        self._until("every operation is at central", self._all_sent)
        self._finish()
        return self._reconcile()

    def _outage(self, store: DemoStore) -> None:
        store.cut()
        self._say(f"The network of {store.location_id} is CUT. Buying goes on.")
        mine = [order for order in self._orders if order.location_id == store.location_id]
        self._buy(OUTAGE_ORDERS)
        answer = self.shopper.cancel(mine[-1].order_id)
        self._say(f"A customer cancels {mine[-1].number}, which that store has: {answer}.")
        done = store.work(7)
        self._say(f"{store.location_id} works on without a network: {len(done)} steps.")
        for step in done[:3]:
            self._say(f"    {step}")
        state = store.status()
        self._say(f"    {state['backlog']} operations wait there, all of them on disk.")

    def _finish(self) -> None:
        """Work until nobody has anything left to do: a rejected order may wander on."""
        for turn in range(20):
            steps = sum(
                len(store.work(100 * turn + number)) for number, store in enumerate(self.stores)
            )
            self._until("every store is in step", self._all_in_step, tell=False)
            if not steps:
                break
            self._say(f"The stores work off what is left: {steps} steps.")

    def _reconcile(self) -> bool:
        self._say("Closing time: every store is compared with central.")
        agreed = True
        self._line(f"{'store':8} {'operations':>10} {'orders':>7} {'SKUs':>6}  differences")
        for store in self.stores:
            here, there = self._digests(store)
            found = differences(here, there)
            agreed = agreed and not found
            self._line(
                f"{store.location_id:8} {here.last_seq:>10} {len(here.orders):>7}"
                f" {len(here.stock):>6}  {len(found) or 'none'}"
            )
            for difference in found:
                self._line(f"    {difference}")
        self._line("ALL STORES AGREE WITH CENTRAL" if agreed else "STORES AND CENTRAL DIFFER")
        return agreed

    def _digests(self, store: DemoStore) -> tuple[StoreDigest, StoreDigest]:
        answer = self.client.get(f"/v1/stores/{store.location_id}/digest").raise_for_status()
        return (
            StoreDigest.model_validate(store.digest()),
            StoreDigest.model_validate_json(answer.content),
        )

    def _buy(self, count: int) -> None:
        placed: dict[str, int] = {}
        for number in range(count):
            store = self.stores[number % len(self.stores)]
            way = WAYS[number // len(self.stores) % len(WAYS)]
            order = self.shopper.buy(store.location_id, way)
            if order is not None:
                self._orders.append(order)
                placed[order.location_id] = placed.get(order.location_id, 0) + 1
        where = ", ".join(f"{count} at {location}" for location, count in sorted(placed.items()))
        self._say(f"{sum(placed.values())} orders placed: {where}.")

    def _all_connected(self) -> bool:
        return all(self._each(self._has_contact))

    def _has_contact(self, store: DemoStore) -> bool:
        contact = store.status()["last_contact_ms"]
        return isinstance(contact, int) and contact >= self._started_ms

    def _all_arrived(self) -> bool:
        return all(self._each(self._is_in_step))

    def _all_sent(self) -> bool:
        return all(self._each(lambda store: store.status()["backlog"] == 0))

    def _each(self, ask: Callable[[DemoStore], bool]) -> list[bool]:
        with ThreadPoolExecutor(len(self.stores)) as pool:
            return list(pool.map(ask, self.stores))

    def _all_in_step(self) -> bool:
        return self._all_arrived()

    def _is_in_step(self, store: DemoStore) -> bool:
        return not differences(*self._digests(store))

    def _until(self, what: str, holds: Callable[[], bool], *, tell: bool = True) -> None:
        began = self.clock.monotonic_ms()
        while not holds():
            if self.clock.monotonic_ms() - began > WAIT_SECONDS * 1000:
                self._say(f"Waited {WAIT_SECONDS:.0f} s in vain until {what}.")
                return
            self.clock.sleep(LOOK_EVERY_S)
        if tell:
            waited = (self.clock.monotonic_ms() - began) / 1000
            self._say(f"After {waited:.1f} s, {what}.")

    def _say(self, text: str) -> None:
        seconds = (self.clock.now_ms() - self._started_ms) / 1000
        self._line(f"T+{seconds:5.1f} s  {text}")

    def _line(self, text: str) -> None:
        print(text, file=self.out, flush=True)
