"""What the network may promise, where that takes no look at every place.

A rule that keeps something of the whole network asks what all places together may
promise. Mostly there is plenty: the places with most have more than is kept. What is
kept never shrinks with what is on hand and sold everywhere, so with the sums of that and
what a part of the places may promise, the network promises this much at least.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from central_server.records import StockSums
from central_server.sourcing.promise_terms import Promise, Whole, network_promise

if TYPE_CHECKING:
    from central_server.services.promises import Ask, Promises

PLACES_MIN = 20
MARGIN = 2
"""So many times the places are looked at that would do if all of them had the same to promise."""


def network_for(promises: "Promises", needed: Mapping[str, int], ask: "Ask") -> dict[str, Promise]:
    """Return promises of the whole network by SKU: exact, or so low that they are true.

    One that is too low is so only above the units of `needed`: what is compared with up to
    that many comes out as it would by the exact one.
    """
    promises.pauses.of(needed, ask.method)
    sums = promises.view.stock.sums(needed)
    found = {}
    for sku, units in needed.items():
        least = _at_least(promises, sku, units, ask, sums.get(sku, StockSums()))
        if least is not None and least.quantity >= units:
            found[sku] = least
    rest = [sku for sku in needed if sku not in found]
    return found | (promises.network(rest, ask) if rest else {})


def _at_least(
    promises: "Promises", sku: str, needed: int, ask: "Ask", sums: StockSums
) -> Promise | None:
    """Return what some places allow the network; None where that would be most of them.

    `sums` say how many to look at. What is kept goes by the sums that are read with these.
    """
    waiting, rules = promises.unsourced([sku])[sku], promises.selection(sku, ask)
    none = network_promise(Whole(0, sums.on_hand, sums.weekly_milli), waiting, rules)
    wanted = needed - none.raw
    places = PLACES_MIN + MARGIN * wanted * sums.places // max(1, sums.on_hand)
    if MARGIN * places > sums.places:
        return None
    nodes, now = promises.fullest(sku, places)
    held = promises.held([sku])[sku]
    units = sum(max(0, promises.part(node, ask)[0] - held.get(node.place.id, 0)) for node in nodes)
    return network_promise(Whole(units, now.on_hand, now.weekly_milli), waiting, rules)
