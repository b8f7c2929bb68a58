"""Whose work a device's machine took along: which watermarks of a row its own may replace."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sync.protocol.rows import Watermark

if TYPE_CHECKING:
    from central_server.records import Replica
    from central_server.storage.unit import Unit


@dataclass(frozen=True, slots=True)
class Standing:
    """What a device's operations that are settled late say of rows that others have worked on."""

    is_current: bool
    """Whether it still speaks for its store."""
    before: frozenset[str] = frozenset()
    """Names of its machine before it, whose work it took along."""

    def later(self, kept: Watermark, new: Watermark) -> Watermark:
        """Return the watermark of a row that had `kept` and took in an operation at `new`."""
        if kept.replica_id == new.replica_id:
            return max(kept, new, key=lambda mark: (mark.epoch, mark.seq))
        if self.is_current or not kept.replica_id or kept.replica_id in self.before:
            return new
        return kept


def standing_of(unit: "Unit", replica_id: str, location_id: str) -> Standing:
    """Return where a device stands among those of its location.

    One that was shut out replaces marks of names before it also where the device that
    is there now is a copy of its disk: that knows of the later name only that it is
    another's, and takes a row of such for one with all that it did before its own name.
    """
    devices = {one.id: one for one in unit.replicas.at_location(location_id)}
    asked = devices.get(replica_id)
    if asked is not None and asked.enabled:
        return Standing(is_current=True)
    return Standing(is_current=False, before=frozenset(_before(replica_id, devices)))


def _before(replica_id: str, devices: "dict[str, Replica]") -> Iterator[str]:
    seen = {replica_id}
    device = devices.get(replica_id)
    while device is not None and device.follows and device.follows not in seen:
        seen.add(device.follows)
        yield device.follows
        device = devices.get(device.follows)
