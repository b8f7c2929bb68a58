"""Where orders of many callers meet: who comes while others are placed goes with the next group.

An order that comes alone is placed at once. After a group, whoever comes first waits a
moment for the others: callers that got their answers together ask again together, and
two orders in one transaction cost little more than one.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from central_server.services.order_capture import Placed
    from central_server.services.order_groups import OrderRequest, Outcome

SIZE_MAX = 64
"""Orders in one transaction: more save little, and each waits for all."""
SEATS = 1
"""Groups that are placed at once. A second one waits for the same processor."""
COMPANY_S = 0.003
"""How long an order waits at most for the callers of the last group to be back."""


class OrderQueue:
    """Thread-safe."""

    def __init__(
        self, place_many: Callable[[Sequence["OrderRequest"]], Sequence["Outcome"]]
    ) -> None:
        self._place_many = place_many
        self._changed = threading.Condition()
        self._expected = 1
        """How many callers there are: those of the last group, and who waited behind it."""
        self._waiting: deque[tuple[OrderRequest, Future[Placed]]] = deque()
        self._at_work = 0
        self._workers = ThreadPoolExecutor(SEATS, "orders")

    def put(self, request: "OrderRequest") -> "Future[Placed]":
        """Return the order's outcome to come; it is set once that is durable."""
        future: Future[Placed] = Future()
        with self._changed:
            self._waiting.append((request, future))
            starts = self._at_work < SEATS
            self._at_work += starts
            self._changed.notify()
        if starts:
            self._workers.submit(self._work)
        return future

    def _work(self) -> None:
        while group := self._next_group():
            try:
                outcomes = self._place_many([request for request, _ in group])
            except BaseException as problem:  # noqa: BLE001 - every caller of the group gets it
                for _, future in group:
                    future.set_exception(problem)
                continue
            with self._changed:
                self._expected = len(group) + len(self._waiting)
            for (_, future), outcome in zip(group, outcomes, strict=True):
                if isinstance(outcome, Exception):
                    future.set_exception(outcome)
                else:
                    future.set_result(outcome)

    def _next_group(self) -> "list[tuple[OrderRequest, Future[Placed]]]":
        """Take what waits and is still wanted; give the seat back where nothing does."""
        with self._changed:
            if self._waiting:
                wanted = min(self._expected, SIZE_MAX)
                self._changed.wait_for(lambda: len(self._waiting) >= wanted, COMPANY_S)
            group: list[tuple[OrderRequest, Future[Placed]]] = []
            while self._waiting and len(group) < SIZE_MAX:
                request, future = self._waiting.popleft()
                if future.set_running_or_notify_cancel():
                    group.append((request, future))
            if not group:
                self._at_work -= 1
            return group
