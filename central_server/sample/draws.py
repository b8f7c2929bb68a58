"""Draws for the sample data: the same seed and key give the same value on every platform.

A draw is a hash of the seed and a key, not the next value of a stream, so that
adding a product or an associate leaves every other row as it was.
"""

import hashlib

SEED = "holdshelf-sample-1"
"""Changing this changes every drawn value in the sample network."""


def draw(below: int, *key: object) -> int:
    """Return the whole number from 0 to `below` - 1 that belongs to `key`.

    Args:
        below: The first number too large to be returned; at least 1.
        *key: What the draw is for, for example `"on_hand", "S001", "HS-10432"`.

    Returns:
        A number spread evenly over the range.
    """
    text = "|".join((SEED, *map(str, key)))
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:8], "big") % below


def between(lowest: int, highest: int, *key: object) -> int:
    """Return the whole number from `lowest` to `highest`, both included, that belongs to `key`."""
    return lowest + draw(highest - lowest + 1, *key)


def ranked(names: list[str], *key: object) -> list[str]:
    """Return `names` in the shuffled order that belongs to `key`."""
    return sorted(names, key=lambda name: (draw(1 << 62, *key, name), name))
