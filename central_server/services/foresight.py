"""Deciding about a parcel order before its transaction, for which others would wait meanwhile.

Of a thousand stores the best plan takes a tenth of a second to find. It is found by a
snapshot and only taken in the transaction: stock and capacity are looked at again there, locked, as
of any plan, and where somebody was faster the order is decided anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from central_server.records import Order
from central_server.services.decisions import Decision
from central_server.services.order_views import Document
from central_server.services.parcel_routing import ParcelRouting, kits_by
from central_server.services.promises import Ask
from central_server.services.promising import by_sku
from central_server.services.shipping import barred, why_so
from central_server.services.waiting_room import holds_of
from central_server.sourcing.promise_rules import Method

if TYPE_CHECKING:
    from central_server.storage.unit import View


@dataclass(frozen=True, slots=True)
class Foresight:
    """A decision that was made beforehand, and how it is stored (implements `First`)."""

    decision: Decision
    document: Document

    @classmethod
    def of(cls, decision: Decision) -> "Foresight":
        """Return a decision with its document."""
        return cls(decision, decision.document(why_so(decision.plan)))

    def is_about(
        self, routing: ParcelRouting, order: Order, units: Mapping[int, int],
        excluded: frozenset[str],
    ) -> bool:  # fmt: skip
        """Return whether the same is asked now, by the same rules.

        Who would be too late was left out of what was decided, not of what was asked.
        """
        asked = routing.order(order, units, excluded | self.decision.late)
        asked = kits_by(self.decision.rule, order, units).asked(asked)
        same = replace(asked, order_id=self.decision.order.order_id)
        return same == self.decision.order and routing.rules.version == self.decision.version


def foresee(view: "View", order: Order, now_ms: int, promise_ms: int) -> Foresight | None:
    """Return where a parcel order would go; None where its rule lets it wait or offers it."""
    routing = ParcelRouting(view, now_ms, promise_ms)
    units = {line.line: line.quantity for line in order.lines}
    rule = routing.route_of(order, routing.order(order, units), order.ship_method)
    if rule.offer_stores or holds_of(order.id, rule, now_ms):
        return None
    excluded = barred(view, order.id, by_sku(order, units), now_ms)
    ask = Ask(order.channel, Method.SHIP.value)
    decision = routing.decide(order, units, excluded, ask)
    if decision.plan.unsourced:
        return None
    return Foresight.of(decision)
