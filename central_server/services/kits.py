"""Promises of everything that is sold: SKUs, and kits by their components."""

from collections.abc import Collection, Mapping, Sequence

from central_server.services.promise_memory import PromiseMemory
from central_server.services.promises import Ask, Promised, Promises
from central_server.sourcing.bundles import Bundle, assembled, of_network
from central_server.sourcing.promise_terms import Promise, unreleased


class KitPromises:
    """`Promises`, with kits."""

    def __init__(
        self, promises: Promises, skus: Collection[str], memory: PromiseMemory | None = None
    ) -> None:
        """`memory` is asked for what may be promised of the whole network."""
        self._memory = memory
        self.bundles: Mapping[str, Bundle] = promises.view.supply.bundles(skus)
        self._promises = promises
        self._skus = skus
        parts = {part for one in self.bundles.values() for part in one.components}
        self.plain = sorted({*skus, *parts} - self.bundles.keys())
        """What is kept of what was asked for: SKUs and the kits' components."""

    def at(self, ask: Ask, location_ids: Sequence[str] | None = None) -> Promised:
        """Return promises by place, of components too."""
        found = self._promises.at(self.plain, ask, location_ids, network=self._network)
        for promises in found.values():
            kits = {sku: assembled(one, promises) for sku, one in self.bundles.items()}
            promises.update({sku: self._dated(sku, one, ask) for sku, one in kits.items()})
        return found

    def release_ms(self, sku: str) -> int | None:
        """Return from when on a SKU or a kit may be sold, if that is still to come."""
        bundle = self.bundles.get(sku)
        parts = () if bundle is None else tuple(bundle.components)
        found = [self._promises.release_ms(one) for one in (sku, *parts)]
        return max((one for one in found if one is not None), default=None)

    def _dated(self, sku: str, kit: Promise, ask: Ask) -> Promise:
        """Return the promise of a kit that may have a release date of its own."""
        is_late = not ask.for_later and self._promises.release_ms(sku) is not None
        return unreleased(kit) if is_late else kit

    def _network(self, skus: Collection[str], ask: Ask) -> dict[str, Promise]:
        if self._memory is None:
            return self._promises.network(skus, ask)
        return self._memory.network(self._promises, skus, ask)

    def places(self, ask: Ask) -> dict[str, dict[str, int]]:
        """Return the units that places add to what the network may promise, kits included."""
        memory = self._memory or PromiseMemory()
        found = memory.places(self._promises, self.plain, ask)
        for sku, one in self.bundles.items():
            parts = [found[part] for part in one.components]
            both = set(parts[0]).intersection(*parts[1:])
            counts = {place: one.count({part: found[part][place] for part in one.components})
                      for place in both}  # fmt: skip
            is_late = self._promises.release_ms(sku) is not None
            found[sku] = {} if is_late else {place: n for place, n in counts.items() if n}
        return found

    def network(self, ask: Ask, *, is_explained: bool = False) -> dict[str, Promise]:
        """Return promises over all places, of components too; with every term, by the books."""
        sums = self._promises.network if is_explained else self._network
        whole = sums(self.plain, ask)
        if self.bundles:
            places = self._promises.at(self.plain, ask)
            for sku, one in self.bundles.items():
                kits = (assembled(one, found) for found in places.values())
                counts = [kit.quantity for kit in kits if not kit.is_protected]
                whole[sku] = self._dated(sku, of_network(one, counts, whole), ask)
        return whole
