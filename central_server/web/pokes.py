"""Who is listening: pokes from any thread to the streams on the event loop, coalesced by scope."""

import asyncio
import contextlib
import threading
from collections import defaultdict
from collections.abc import Iterable

from sync.protocol.session import Poke, ScopeHead


class Subscription:
    """One open stream. Holds at most one pending poke a scope, so a slow reader costs nothing."""

    def __init__(self, scopes: Iterable[str], loop: asyncio.AbstractEventLoop) -> None:
        self.scopes = tuple(scopes)
        self._loop = loop
        self._woken = asyncio.Event()
        self._lock = threading.Lock()
        self._pending: dict[str, int] = {}
        self._closed = False

    def offer(self, head: ScopeHead) -> None:
        """Note that a scope moved and wake the stream. Any thread."""
        with self._lock:
            self._pending[head.scope] = max(head.rev, self._pending.get(head.scope, 0))
        self._wake()

    def close(self) -> None:
        """End the stream. Any thread."""
        self._closed = True
        self._wake()

    async def next(self, timeout_s: float) -> list[Poke] | None:
        """Return the pokes since the last call, empty after `timeout_s`, None when closed."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), timeout_s)
        self._woken.clear()
        if self._closed:
            return None
        with self._lock:
            pending, self._pending = self._pending, {}
        return [Poke(scope=scope, rev=rev) for scope, rev in sorted(pending.items())]

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._woken.set)
        except RuntimeError:
            # The loop is gone, and with it the stream: nobody is left to be woken.
            self._closed = True


class PokeBoard:
    """All open streams of this process (implements `ports.Pokes`)."""

    def __init__(self) -> None:
        # Closing is called from a signal handler, which may interrupt a thread that holds the lock.
        self._lock = threading.RLock()
        self._by_scope: defaultdict[str, set[Subscription]] = defaultdict(set)
        self._closed = False

    def subscribe(self, scopes: Iterable[str]) -> Subscription:
        """Open a stream for `scopes` on the running event loop."""
        subscription = Subscription(scopes, asyncio.get_running_loop())
        with self._lock:
            for scope in subscription.scopes:
                self._by_scope[scope].add(subscription)
        if self._closed:
            subscription.close()
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forget a stream."""
        with self._lock:
            for scope in subscription.scopes:
                self._by_scope[scope].discard(subscription)
                if not self._by_scope[scope]:
                    del self._by_scope[scope]

    def publish(self, heads: Iterable[ScopeHead]) -> None:
        """Wake whoever follows one of these scopes. Any thread."""
        for head in heads:
            with self._lock:
                listeners = tuple(self._by_scope.get(head.scope, ()))
            for listener in listeners:
                listener.offer(head)

    def close(self) -> None:
        """End all streams, those opened later too: central is draining."""
        with self._lock:
            self._closed = True
            listeners = {one for group in self._by_scope.values() for one in group}
        for listener in listeners:
            listener.close()

    def count(self) -> int:
        """Return how many streams are open."""
        with self._lock:
            return len({one for group in self._by_scope.values() for one in group})
