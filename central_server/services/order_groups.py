"""Orders that come at once share one transaction: one set of reads, of locks, of writes, a commit.

Each has its own outcome. What an order needs beyond its group (goods that others hold, room
at another store, a place on a waiting list, parcels) it gets in a transaction of its own,
after the group's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, Union

from central_server.ports import Pokes
from central_server.services.capacity import Days
from central_server.services.idempotency import RequestIdentity
from central_server.services.promises import Ask, Promises
from central_server.services.rights import keep_time
from sync.clock import Clock
from sync.domain.errors import DomainError, InsufficientStock

if TYPE_CHECKING:
    from central_server.services.foresight import Foresight
    from central_server.services.order_capture import NewOrder, Placed
    from central_server.storage.database import Database
    from central_server.storage.group import GroupUnit
    from central_server.storage.unit import Unit, View


class Place(Protocol):
    """The use case that places one order."""

    def __call__(
        self, unit: "Unit", new: "NewOrder", identity: RequestIdentity, now_ms: int,
        foresight: "Foresight | None" = None,
    ) -> "Placed":  # fmt: skip
        """Place it in a transaction."""
        ...


Foresee = Callable[["View", "NewOrder", RequestIdentity, int], "Foresight | None"]
"""What can be found out about an order before its transaction."""
Outcome = Union["Placed", Exception]
OUT_OF_SERVICE_MAX = 2
"""After so many answers that nobody gets anything now, the database is not asked again.

After one it is: it may have been about a single session, that an administrator ended.
"""


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """One order, and whose request it is."""

    new: "NewOrder"
    identity: RequestIdentity

    @property
    def key(self) -> tuple[str, str]:
        """What names it."""
        return (self.identity.principal, self.identity.key)

    def without_transfer(self) -> "OrderRequest":
        """Return the same request for what does not come from other locations."""
        return replace(self, new=replace(self.new, transfer=False))


class OrderGroups:
    """Places many orders at once, with a use case that places one (`place`)."""

    def __init__(
        self, database: "Database", place: Place, foresee: Foresee, *, clock: Clock, pokes: Pokes,
        out_of_service: tuple[type[Exception], ...],
    ) -> None:  # fmt: skip
        self._database = database
        self._foresee = foresee
        self._place = place
        self._clock = clock
        self._pokes = pokes
        self._out_of_service = out_of_service

    def place(self, requests: Sequence[OrderRequest]) -> list[Outcome]:
        """Return for each what it got, or why it was refused, once that is durable."""
        now = self._clock.now_ms()
        together = [one for one in requests if one.new.ship_to is None and not one.new.transfer]
        refusals: list[Exception] = []
        found = self._together(together, now, refusals) if together else {}
        outcomes: list[Outcome] = []
        for one in requests:
            outcome = found.get(id(one))
            if outcome is None and len(refusals) >= OUT_OF_SERVICE_MAX:
                outcome = refusals[-1]  # each would wait for the same, one after the other
            elif outcome is None:
                outcome = self._alone(one, self._clock.now_ms())
                if isinstance(outcome, self._out_of_service):
                    refusals.append(outcome)
            outcomes.append(outcome)
        return outcomes

    def _together(
        self, requests: Sequence[OrderRequest], now_ms: int, refusals: list[Exception]
    ) -> dict[int, Outcome]:
        """Return what each got that got something; that the database is out of service is kept."""
        try:
            outcomes = self._database.write_group(
                lambda group: self._placed(group, requests, now_ms)
            )
        except self._out_of_service as problem:
            refusals.append(problem)
            return {}
        except Exception:  # noqa: BLE001 - one of them is poison; each by itself shows which
            return {}
        return {
            id(one): out for one, out in zip(requests, outcomes, strict=True) if out is not None
        }

    def _alone(self, request: OrderRequest, now_ms: int) -> Outcome:
        try:
            first = self._foreseen(request, now_ms) if request.new.ship_to is not None else None
            try:
                return self._written(request, now_ms, first)
            except InsufficientStock:
                is_new_try = first is not None or request.new.transfer
                if not (request.new.accept_later and is_new_try):
                    raise
            # Somebody took what was foreseen, or nobody sends what the store lacks: it may wait
            # for the rest, and says so. What the first try reserved went with its transaction.
            return self._written(request.without_transfer(), now_ms, None)
        except Exception as problem:  # noqa: BLE001 - its caller gets it
            return problem

    def _written(self, request: OrderRequest, now_ms: int, first: "Foresight | None") -> "Placed":
        return self._database.write(lambda unit: self._place_alone(unit, request, now_ms, first))

    def _foreseen(self, request: OrderRequest, now_ms: int) -> "Foresight | None":
        try:
            with self._database.read() as view:
                return self._foresee(view, request.new, request.identity, now_ms)
        except DomainError:
            return None  # its transaction finds the same, or what is so by then

    def _place_alone(
        self, unit: "Unit", request: OrderRequest, now_ms: int, foresight: "Foresight | None"
    ) -> "Placed":
        keep_time(unit, self._clock)
        return self._place(unit, request.new, request.identity, now_ms, foresight)

    def _placed(
        self, group: "GroupUnit", requests: Sequence[OrderRequest], now_ms: int
    ) -> "list[Outcome | None]":
        self._prepare(group, requests, now_ms)

        def command(one: OrderRequest) -> "Callable[[GroupUnit], Placed]":
            return lambda unit: self._place(unit, one.new, one.identity, now_ms)

        outcomes = [group.attempt(command(one)) for one in requests]
        heads = group.flush()
        group.after_commit(lambda: self._pokes.publish(heads))
        return outcomes

    def _prepare(self, group: "GroupUnit", requests: Sequence[OrderRequest], now_ms: int) -> None:
        """Read and lock what the orders ask for; an answer that is there already needs nothing."""
        skus = {line.sku for one in requests for line in one.new.lines}
        places = {one.new.location_id for one in requests}
        group.load(places, skus, [one.key for one in requests], now_ms)
        keep_time(group, self._clock)
        bundles = group.supply.bundles(skus)
        parts = {sku: {sku, *(bundles[sku].components if sku in bundles else ())} for sku in skus}
        promises = Promises(group, now_ms)
        plain = sorted({part for some in parts.values() for part in some})
        network = {
            sku
            for channel in {one.new.channel.value for one in requests}
            for sku in promises.wide(plain, Ask(channel))
        }
        keys = {
            (one.new.location_id, part)
            for one in requests
            for line in one.new.lines
            for part in parts[line.sku]
        }
        group.hold(keys, network, Days(group, now_ms).starts(places))
