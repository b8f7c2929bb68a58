"""Card numbers enter nowhere: what finds them in a text, refuses them, and takes them out.

A payment card's number (PAN, ISO/IEC 7812) has 13 to 19 digits of which the
last one is a check digit by Luhn's formula (ISO/IEC 7812-1, annex B). People
type it in groups, scanners and card readers type it with other data around it.
So every run of digit groups is looked at that no letter and no long gap breaks,
in every way in which neighboring groups add up to such a length.

One in ten numbers of that length passes the check by chance: fields of
structured data (`EXEMPT_FIELDS`), whose forms are checked elsewhere, are left out.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping

from sync.domain.errors import OperationRefused

DIGITS_MIN, DIGITS_MAX = 13, 19
PHONE_DIGITS_MAX = 15
"""Of a telephone number with its country (ITU-T E.164), which a plus sign begins."""
MASK = "[number removed]"
EXEMPT_FIELDS = frozenset(
    {
        "kind", "sku", "gtin", "transaction", "fulfillment_id", "exception_id", "account", "boot",
        "breaks", "order_number",
    }
)  # fmt: skip
"""Fields that no person types freely and no card reader can reach."""
_GROUPS = re.compile(r"\d+")
_GAP_MAX = 3
_MAY_HOLD_ONE = re.compile(r"(?:\d[^\d]{0,3}){12}\d")
"""A quick look: most texts have not that many digits."""


class CardNumberRefused(OperationRefused):
    """A text that has what looks like a card's number in it. The text itself is told nowhere."""

    code = "card_number"
    why = "That looks like a card number: it was not taken."
    todo = "Card numbers belong on the payment terminal only."

    def __init__(self) -> None:
        super().__init__(f"{self.why} {self.todo}")


def passes_luhn(digits: str) -> bool:
    """Return whether the last of `digits` is their check digit by Luhn's formula."""
    total = 0
    for place, character in enumerate(reversed(digits)):
        digit = ord(character) - 48
        if place % 2:
            digit = digit * 2 - 9 if digit > 4 else digit * 2  # noqa: PLR2004 - two digits summed
        total += digit
    return total % 10 == 0


def has_card_number(text: str) -> bool:
    """Return whether anything in `text` looks like a card's number."""
    return next(_spans(text), None) is not None


def without_card_numbers(text: str) -> str:
    """Return `text` with `MASK` in place of whatever looks like a card's number."""
    parts, end = [], 0
    for start, stop in _spans(text):
        parts += [text[end:start], MASK]
        end = stop
    return "".join(parts) + text[end:] if parts else text


def refuse_card_numbers(*texts: str) -> None:
    """Raise `CardNumberRefused` where one of `texts` has what looks like a card's number."""
    if any(map(has_card_number, texts)):
        raise CardNumberRefused


def check_document(value: object, name: str = "") -> None:
    """Do the same for every text of a JSON document but those of `EXEMPT_FIELDS`."""
    if isinstance(value, str):
        if name not in EXEMPT_FIELDS:
            refuse_card_numbers(value)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            check_document(item, str(key))
    elif isinstance(value, list | tuple):
        for item in value:
            check_document(item, name)


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of what looks like a card's number, without overlaps."""
    plain = text if text.isascii() else _with_plain_digits(text)
    if _MAY_HOLD_ONE.search(plain) is None:
        return
    groups = [(found.start(), found.end()) for found in _GROUPS.finditer(plain)]
    first = 0
    while first < len(groups):
        last = _last_group(plain, groups, first)
        if last is None:
            first += 1
            continue
        yield groups[first][0], groups[last][1]
        first = last + 1


def _last_group(text: str, groups: list[tuple[int, int]], first: int) -> int | None:
    """Return the group with which a number that begins with `first` ends; None for none."""
    digits = ""
    before = groups[first][0]
    is_phone = before > 0 and text[before - 1] == "+"
    for place in range(first, len(groups)):
        start, stop = groups[place]
        if place > first and not _may_belong(text[groups[place - 1][1] : start]):
            return None
        digits += text[start:stop]
        if len(digits) > DIGITS_MAX:
            return None
        if is_phone and len(digits) <= PHONE_DIGITS_MAX:
            continue
        if len(digits) >= DIGITS_MIN and digits.strip("0") and passes_luhn(digits):
            return place
    return None


def _may_belong(gap: str) -> bool:
    return len(gap) <= _GAP_MAX and not any(map(str.isalpha, gap))


def _with_plain_digits(text: str) -> str:
    """Return `text` with the digits of every script as ASCII ones, character by character."""
    return "".join(
        character if (digit := unicodedata.decimal(character, None)) is None else str(digit)
        for character in text
    )
