"""Where parcels that are held would leave: their units are kept there, and nowhere else.

    placed     the decision by which it could leave at once says where (`keep_planned`)
    meanwhile  a place keeps what it could still send of that, by stock and the rules in force;
               what it could not, the network keeps without a place, as of orders that nobody
               planned: units that were sold or counted off, that rules of promising keep, of
               a place that is not asked now, and all by rules of routing that have changed
    changed    planned anew; where a part is cancelled, the network keeps the rest
    released   decided anew, and nothing is kept for it any more (`Holds.close`)

So each unit that is wanted is asked of one place or of the network, never of both.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from central_server.services.decisions import Decision
from central_server.sourcing.promise_rules import Method
from central_server.sourcing.routing_rules import RoutingRuleSet

if TYPE_CHECKING:
    from central_server.records import Order
    from central_server.services.promises import Ask, Promises
    from central_server.storage.unit import Unit

Kept = Mapping[str, Mapping[str, int]]
"""Units by SKU and place."""


def keep_planned(
    unit: "Unit", order: "Order", decision: Decision, rules: RoutingRuleSet, now_ms: int
) -> None:
    """Keep what an order that is held wants where it would leave; nothing of it elsewhere.

    The caller has its SKUs for itself.
    """
    skus = {line.line: line.sku for line in order.lines}
    units: Counter[tuple[str, str]] = Counter()
    for shipment in decision.plan.shipments:
        for line in shipment.lines:
            units[skus[line.line], shipment.location_id] += line.quantity
    unit.holds.keep(order.id, order.channel, units, rules.version, rules.until_ms(now_ms))


def held_at(promises: "Promises", skus: Collection[str], parcels: "Ask") -> Kept:
    """Return what places keep for parcels that are held, as far as they can send it now."""
    view, now_ms = promises.view, promises.now_ms
    kept = view.holds.kept(skus, view.routing_rules.in_force(now_ms).version, now_ms)
    if not kept:
        return {}
    promises.pauses.of(skus, Method.SHIP.value)
    keys = sorted({(one.location_id, one.sku) for one in kept})
    nodes = {(one.position.sku, one.place.id): one for one in promises.named(keys)}
    wanted: Counter[tuple[str, str]] = Counter()
    most: dict[tuple[str, str], int] = {}
    for one in kept:
        key = one.sku, one.location_id
        if key in nodes:
            asked = replace(parcels, channel=one.channel, method=Method.SHIP.value)
            can = promises.part(nodes[key], asked)[0]
            wanted[key] += one.units
            most[key] = min(can, most.get(key, can))
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for (sku, place), units in wanted.items():
        if sent := min(units, most[sku, place]):
            found[sku][place] = sent
    return dict(found)
