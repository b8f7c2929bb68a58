"""Carriers that exist in this program alone: for demos, training and tests.

A postal code that begins with 000 is no address, as a real carrier would say of one.
"""

import hashlib
import threading

from central_server.ports import CarrierAway, CarrierRefused, Parcel

NOWHERE = "000"
NUMBER_DIGITS = 12


class SimulatedCarriers:
    """Implements `Carriers` without a network. `is_away` plays one that cannot be reached."""

    def __init__(self) -> None:
        self.is_away = False
        self.announced: dict[str, str] = {}
        """Label numbers given ahead and used, with their carrier."""
        self.void_numbers: set[str] = set()
        self.bought: dict[str, str] = {}
        """Number by key."""
        self._lock = threading.Lock()

    def buy(self, parcel: Parcel) -> str:
        """Return a number that follows from the key, so that asking twice buys one label."""
        self._reach()
        if parcel.postal_code.startswith(NOWHERE):
            raise CarrierRefused(f"there is no place with postal code {parcel.postal_code}")
        digest = hashlib.blake2b(parcel.key.encode(), digest_size=8).digest()
        number = str(int.from_bytes(digest, "big"))[:NUMBER_DIGITS].zfill(NUMBER_DIGITS)
        with self._lock:
            return self.bought.setdefault(parcel.key, f"{parcel.carrier[:2].upper()}{number}")

    def announce(self, parcel: Parcel) -> None:
        """Remember that a number is used."""
        self._reach()
        with self._lock:
            self.announced[parcel.number] = parcel.carrier

    def void(self, parcel: Parcel) -> None:
        """Remember that a label is not used."""
        self._reach()
        with self._lock:
            self.void_numbers.add(parcel.number)

    def _reach(self) -> None:
        if self.is_away:
            raise CarrierAway("the carrier does not answer")
