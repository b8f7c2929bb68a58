"""What the databases can hold: checked at the door, because a commit is too late to find out."""

from collections.abc import Mapping
from typing import Any

INTEGER_MAX = 2**62
"""Of either sign. Central keeps 64 bits, and differences of what it is sent."""


def unstorable(value: object) -> str:
    """Return what in `value`, a document of JSON values, no database could keep; or nothing."""
    if isinstance(value, str):
        return unstorable_text(value)
    if isinstance(value, int):
        return "" if abs(value) <= INTEGER_MAX else "a number does not fit 62 bits"
    parts: Any = value.values() if isinstance(value, Mapping) else value
    if not isinstance(parts, list | tuple) and parts is value:
        return ""
    return next((found for part in parts if (found := unstorable(part))), "")


def unstorable_text(text: str) -> str:
    """Return why a text cannot be kept: NUL, or half a character (a lone surrogate)."""
    if "\0" in text:
        return "a text has the character NUL in it"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "a text has half a character in it"
    return ""
