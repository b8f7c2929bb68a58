"""The scanner gate: tells a keyboard-wedge scanner from a person typing, and what was scanned.

A wedge is a keyboard that types very fast and ends with Enter or Tab. The gate
is pure: it is told each character and when it came, and says at the end
whether that was a scan. What a person typed is never taken away from them.
"""

import re
from dataclasses import dataclass
from typing import Any

from sync.domain.ids import read_pickup_qr

CODE_CHARACTERS_MAX = 128
_AIM = re.compile(r"^\][A-Za-z][0-9A-Za-z](?=.)")
"""Symbology identifier (ISO/IEC 15424) that some scanners send before a code, such as `]C1`."""
GTIN_DIGITS = 14
_GTIN_LENGTHS = frozenset({8, 12, 13, 14})


@dataclass(frozen=True, slots=True)
class ScannerSettings:
    """How this store's scanners are programmed."""

    gap_ms: int = 35
    """Longest mean time between two characters of a scan."""
    length_min: int = 3
    prefix: str = ""
    """Characters that the scanner sends before a code."""
    suffix: str = ""
    """Characters that it sends after a code, before Enter or Tab."""


class ScanGate:
    """Collects characters that come fast enough to be a scan."""

    def __init__(self, settings: ScannerSettings) -> None:
        self._settings = settings
        self._characters: list[str] = []
        self._first_ms = 0
        self._last_ms = 0

    @property
    def pending(self) -> str:
        """What has come so far and may still become a scan."""
        return "".join(self._characters)

    def feed(self, character: str, at_ms: int) -> bool:
        """Take one character; True where it starts a new burst."""
        pause = at_ms - self._last_ms
        starts = not self._characters or pause > self._settings.gap_ms * 3
        if starts:
            self._characters.clear()
            self._first_ms = at_ms
        if len(self._characters) < CODE_CHARACTERS_MAX:
            self._characters.append(character)
        self._last_ms = at_ms
        return starts

    def end(self, at_ms: int) -> str | None:
        """Take Enter or Tab: return the scanned code, or None where a person was typing."""
        text, length = self.pending, len(self._characters)
        self._characters.clear()
        if length < self._settings.length_min:
            return None
        mean_ms = (max(at_ms, self._last_ms) - self._first_ms) / length
        if mean_ms > self._settings.gap_ms:
            return None
        return _stripped(text, self._settings) or None

    def clear(self) -> None:
        """Forget what came: another key was pressed."""
        self._characters.clear()


def _stripped(text: str, settings: ScannerSettings) -> str:
    return text.removeprefix(settings.prefix).removesuffix(settings.suffix).strip()


@dataclass(frozen=True, slots=True)
class Code:
    """A code from a scanner or typed by hand."""

    text: str
    """As it came, without control characters."""
    gtin: str = ""
    """Padded to 14 digits; empty where the code is not a trade item's."""
    order_number: str = ""
    """Of an order's slip or a customer's QR code; empty where the code is none of these."""
    pickup_code: str = ""
    """The other half of a customer's QR code."""

    @property
    def lookup(self) -> str:
        """What to look a product up by."""
        return self.gtin or self.text


def clean(text: str) -> str:
    """Return `text` without control characters and not longer than any real code."""
    kept = "".join(character for character in text if character.isprintable())
    return kept.strip()[:CODE_CHARACTERS_MAX]


def read_code(raw: str) -> Code:
    """Return what a raw code means: the one parser of scans and of codes typed by hand.

    An order's number or a customer's QR code; a GTIN, alone, in a GS1 element string
    or a digital link, with or without the symbology identifier of the scanner; or
    plain text, such as a SKU, a spot, a badge.
    """
    text = clean(raw)
    number, pickup_code = read_pickup_qr(_AIM.sub("", text))
    if number:
        return Code(_AIM.sub("", text), "", number, pickup_code)
    gtin = (_gtin_in(raw.strip()[:CODE_CHARACTERS_MAX]) or _gtin_in(text)) if text else ""
    return Code(_AIM.sub("", text), gtin)


def _gtin_in(text: str) -> str:
    digits = text.isascii() and text.isdigit()
    if digits and len(text) not in _GTIN_LENGTHS and not text.startswith("01"):
        return ""
    import biip  # 0.1 s, and not needed before the first code

    try:
        result: Any = biip.parse(text)
    except (biip.ParseError, ValueError, LookupError):  # LookupError: a lone ]
        return ""
    if result.gtin is None:
        return ""
    return str(result.gtin.value).rjust(GTIN_DIGITS, "0")
