"""Names of things: identifiers and the codes that people read aloud.

Identifiers are made from a time and a source of randomness that the caller
hands in, so that a simulation with the same seed makes the same ids.
"""

import hashlib
import hmac
import re
from functools import lru_cache
from random import Random
from typing import NamedTuple, NewType

Sku = NewType("Sku", str)
LocationId = NewType("LocationId", str)
OrderId = NewType("OrderId", str)
FulfillmentId = NewType("FulfillmentId", str)
AssociateId = NewType("AssociateId", str)
ReplicaId = NewType("ReplicaId", str)

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Douglas Crockford's base 32: no I, L, O or U, so nothing is misread aloud."""

_PAIRS = tuple(one + two for one in CROCKFORD for two in CROCKFORD)
_READ_ALIKE = str.maketrans({"I": "1", "L": "1", "O": "0", "U": "V"})
_TIME_BITS = 48
_RANDOM_BITS = 80
_TIME_LENGTH = 10
_EIGHT = (1 << 40) - 1
PICKUP_CODE_LENGTH = 8
PICKUP_QR = "HS1"
"""What a customer's QR code begins with; a later form begins with another word."""
PICKUP_QR_PARTS = 3
ORDER_NUMBER = re.compile(f"[{CROCKFORD}]{{4}}-[{CROCKFORD}]{{4}}")
ORDER_NUMBER_LENGTH = 8


class OpId(NamedTuple):
    """Identity of an operation: derived from its place in a replica's journal, never random."""

    replica_id: str
    epoch: int
    seq: int

    def __str__(self) -> str:
        """Return `replica/epoch/seq`, the form used in logs and messages."""
        return f"{self.replica_id}/{self.epoch}/{self.seq}"


def new_id(now_ms: int, random: Random) -> str:
    """Return a 26-character id that sorts by time: 48 bits of time, 80 random bits (as a ULID)."""
    value = random.getrandbits(_RANDOM_BITS)
    return _time_part(now_ms) + _eight(value >> 40) + _eight(value & _EIGHT)


def first_id(from_ms: int) -> str:
    """Return what no id sorts before that is made at a moment or later."""
    return _time_part(from_ms) + CROCKFORD[0] * (_RANDOM_BITS // 5)


def made_at_ms(made_id: str) -> int:
    """Return when an id was made that `new_id` made."""
    value = 0
    for digit in made_id[:_TIME_LENGTH]:
        value = value * len(CROCKFORD) + CROCKFORD.index(digit)
    return value


def new_order_number(random: Random) -> str:
    """Return a number for people, such as `K7Q2-9ZXM` (40 bits: unique by retry, not by luck)."""
    text = _eight(random.getrandbits(5 * ORDER_NUMBER_LENGTH))
    return f"{text[:4]}-{text[4:]}"


def new_pickup_code(random: Random) -> str:
    """Return an 8-character pickup code (40 bits), such as `3FQ7Z0KD`."""
    return _eight(random.getrandbits(5 * PICKUP_CODE_LENGTH))


def pickup_qr(order_number: str, code: str) -> str:
    """Return what a customer's QR code says, such as `HS1/K7Q2-9ZXM/3FQ7Z0KD`.

    Number and code together: the number finds the order, the code proves who asks.
    """
    return f"{PICKUP_QR}/{order_number}/{code}"


def read_pickup_qr(text: str) -> tuple[str, str]:
    """Return (order number, pickup code) in a scanned text; empty where there is none.

    An order's number alone, as on slips and lists, has no pickup code.
    """
    parts = text.strip().upper().split("/")
    if len(parts) == PICKUP_QR_PARTS and parts[0] == PICKUP_QR and is_order_number(parts[1]):
        return parts[1], parts[2]
    return (parts[0], "") if len(parts) == 1 and is_order_number(parts[0]) else ("", "")


def is_order_number(text: str) -> bool:
    """Return whether a text has the form of an order's number, hyphen included."""
    return ORDER_NUMBER.fullmatch(text) is not None


def normalize_code(text: str) -> str:
    """Return `text` as it was printed: upper case, no separators, look-alikes mapped."""
    kept = "".join(character for character in text.upper() if character.isalnum())
    return kept.translate(_READ_ALIKE)


def pickup_code_hash(fulfillment_id: str, code: str) -> str:
    """Return the keyed hash under which a store holds a pickup code (BLAKE2b-128, hexadecimal).

    The fulfillment order's id is the key, so equal codes of two orders do not
    show, and a code is never the key by which an order is looked up.
    """
    key = fulfillment_id.encode()[:64]
    return hashlib.blake2b(normalize_code(code).encode(), key=key, digest_size=16).hexdigest()


def pickup_code_matches(fulfillment_id: str, code: str, expected_hash: str) -> bool:
    """Return whether `code` is the one whose hash is held, in constant time."""
    return hmac.compare_digest(pickup_code_hash(fulfillment_id, code), expected_hash)


@lru_cache(maxsize=64)
def _time_part(now_ms: int) -> str:
    """Return the digits of a time, the same for all that is named in one millisecond."""
    value, digits = now_ms & ((1 << _TIME_BITS) - 1), ""
    for _ in range(_TIME_LENGTH // 2):
        digits = _PAIRS[value & 1023] + digits
        value >>= 10
    return digits


def _eight(value: int) -> str:
    """Return 40 bits as eight digits, two at a time."""
    return (
        _PAIRS[value >> 30] + _PAIRS[value >> 20 & 1023] + _PAIRS[value >> 10 & 1023]
        + _PAIRS[value & 1023]
    )  # fmt: skip
