"""Which rule set an order is routed by: the first whose condition fits."""

from central_server.sourcing.engine.model import Condition, RoutingOrder, RuleBook, Rules
from central_server.sourcing.geo import haversine_km


def rules_for(order: RoutingOrder, book: RuleBook) -> Rules:
    """Return the rule set of the first entry that fits `order`, else the default."""
    return next((rules for when, rules in book.entries if fits(when, order)), book.default)


def fits(when: Condition, order: RoutingOrder) -> bool:
    """Return whether everything that `when` asks for holds for `order`."""
    value = order.value_minor
    return (
        (when.channels is None or order.channel in when.channels)
        and (when.tiers is None or order.customer_tier in when.tiers)
        and (when.categories is None or bool(when.categories & order.categories()))
        and (when.value_from_minor is None or value >= when.value_from_minor)
        and (when.value_below_minor is None or value < when.value_below_minor)
        and (when.within_km_of is None or _is_within(when.within_km_of, order))
    )


def _is_within(circle: tuple[float, float, float], order: RoutingOrder) -> bool:
    latitude, longitude, km = circle
    return haversine_km(latitude, longitude, order.latitude, order.longitude) <= km
