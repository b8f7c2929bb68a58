"""What central needs from the world, in its own words. Adapters implement it; bootstrap chooses."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from sync.protocol.session import ScopeHead, SnapshotManifest


@dataclass(frozen=True, slots=True)
class Message:
    """One message to a customer. `key` makes sending it twice the same as once."""

    key: str
    to: str
    subject: str
    text: str
    qr: str = ""
    """What a picture beside the words says, for scanners; empty: no picture."""


class DeliveryFailed(Exception):
    """The message could not be handed on; try again later."""


class Notifier(Protocol):
    """Tells customers. May raise `DeliveryFailed`; the caller tries again with the same key."""

    def send(self, message: Message) -> None:
        """Hand `message` on. A key that was handed on before may be dropped silently."""
        ...


@dataclass(frozen=True, slots=True)
class Parcel:
    """What a carrier must know of a box. `key` makes asking twice the same as once."""

    key: str
    carrier: str
    service: str
    weight_grams: int
    to: tuple[str, ...]
    """The address as the lines of a label."""
    country: str
    postal_code: str
    number: str = ""
    """The number of its label, where it has one."""


class CarrierAway(Exception):
    """The carrier could not be asked; try again later."""


class CarrierRefused(Exception):
    """The carrier takes no such parcel, and says why; asking again changes nothing."""


class Carriers(Protocol):
    """Buys labels. Every call may raise `CarrierAway`."""

    def buy(self, parcel: Parcel) -> str:
        """Return the number of a label for `parcel`; the same key gives the same number.

        May raise `CarrierRefused`.
        """
        ...

    def announce(self, parcel: Parcel) -> None:
        """Say that a number given ahead is used now. May raise `CarrierRefused`."""
        ...

    def void(self, parcel: Parcel) -> None:
        """Say that a label is not used."""
        ...


class Pokes(Protocol):
    """Wakes the stores that are listening. Losing a poke loses nothing."""

    def publish(self, heads: Iterable[ScopeHead]) -> None:
        """Say that these scopes have moved. Called after the commit, from any thread."""
        ...


class Snapshots(Protocol):
    """Files from which stores bootstrap the catalogue and their prices."""

    def manifest(self, scope: str) -> SnapshotManifest:
        """Return what the newest snapshot of `scope` consists of; build it where there is none."""
        ...

    def kept(self, scope: str, sha256: str) -> SnapshotManifest | None:
        """Return the manifest of the snapshot with this hash, which may not be the newest."""
        ...

    def part(self, manifest: SnapshotManifest, part: int) -> bytes:
        """Return one part of the file that `manifest` describes."""
        ...
