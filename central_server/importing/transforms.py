"""Simple changes of a value, by name: `strip`, `zero_pad:14`, `cents_from_decimal`, `gtin`.

A transform takes what the one before it gave. It raises `ValueRefused` in words
for the report where a value cannot be what it says.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from biip.checksums import gs1_standard_check_digit

from central_server.importing.problems import EXIT_USAGE, ImportFailed, ValueRefused

Transform = Callable[[object], object]
Factory = Callable[[str], Transform]

GTIN_LENGTH = 14
GTIN_DIGITS_MIN = 6
MINUTES_PER_DAY = 24 * 60
NOON_HOURS = 12
_MINOR_DIGITS_MAX = 3
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TRUE = frozenset({"1", "true", "t", "yes", "y", "active", "a"})
_FALSE = frozenset({"0", "false", "f", "no", "n", "inactive", "i", ""})
_GROUPED = re.compile(r"^[+-]?[1-9]\d{0,2}(?:,\d{2,3})*,\d{3}(?:\.\d*)?$")
"""Commas that group thousands, or lakhs; any other may stand where others write a point."""
_CLOCK = re.compile(r"^\s*(\d{1,2})(?::(\d{2}))?\s*([ap]m)?\s*$", re.IGNORECASE)


class LeftOut(ValueRefused):
    """The value is wrong and was left out; the row is taken without it."""


def text_of(value: object) -> str:
    """Return a value as text; None is empty, a whole float loses its `.0`."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def gtin14(value: object) -> str:
    """Return a GTIN padded to 14 digits; leading zeros that a spreadsheet lost are restored."""
    text = re.sub(r"[\s-]", "", text_of(value))
    if not text:
        return ""
    if not text.isascii() or not text.isdigit():
        raise ValueRefused("not a GTIN: digits only")
    if not GTIN_DIGITS_MIN <= len(text) <= GTIN_LENGTH:
        raise ValueRefused(f"not a GTIN: {len(text)} digits")
    padded = text.zfill(GTIN_LENGTH)
    if gs1_standard_check_digit(padded[:-1]) != int(padded[-1]):
        raise ValueRefused("wrong check digit")
    return padded


def _gtin(argument: str) -> Transform:
    if argument not in {"", "drop"}:
        raise ImportFailed(f"gtin takes nothing or `drop`, not {argument!r}", EXIT_USAGE)

    def strict(value: object) -> object:
        return gtin14(value)

    def lenient(value: object) -> object:
        try:
            return gtin14(value)
        except ValueRefused as refused:
            raise LeftOut(refused.problem) from refused

    return lenient if argument == "drop" else strict


def _zero_pad(argument: str) -> Transform:
    width = _whole("zero_pad", argument)
    return lambda value: text_of(value).strip().zfill(width) if text_of(value).strip() else ""


def _cents(argument: str) -> Transform:
    digits = _whole("cents_from_decimal", argument) if argument else 2
    if not 0 <= digits <= _MINOR_DIGITS_MAX:
        raise ImportFailed("cents_from_decimal takes 0 to 3 decimal places", EXIT_USAGE)

    def convert(value: object) -> object:
        text = text_of(value).strip().lstrip("$£€").strip()
        if not text:
            return ""
        # One comma before three digits is read as thousands, but not where those may be the cents.
        is_doubtful = digits == _MINOR_DIGITS_MAX and text.count(",") == 1 and "." not in text
        if "," in text and (is_doubtful or not _GROUPED.match(text)):
            raise ValueRefused("perhaps a decimal comma: cents are told behind a point, 1234.50")
        try:
            minor = Decimal(text.replace(",", "")).scaleb(digits).quantize(Decimal(1))
            return int(minor)
        except (ArithmeticError, ValueError) as problem:  # NaN, as databases export it; 1e999999
            raise ValueRefused("not an amount") from problem

    return convert


def _split(argument: str) -> Transform:
    mark = argument or "|"
    return lambda value: tuple(part.strip() for part in text_of(value).split(mark) if part.strip())


def _hours(argument: str) -> Transform:
    if argument not in {"", "12"}:
        raise ImportFailed(f"hours takes nothing or 12, not {argument!r}", EXIT_USAGE)
    return lambda value: opening_hours(text_of(value), half_day=argument == "12")


def opening_hours(text: str, *, half_day: bool) -> tuple[tuple[int, int], ...]:
    """Return opening and closing in minutes after midnight, Monday first; (0, 0) is closed.

    Reads `mon=09:00-21:00;tue=…` as well as `Mon: 10-9; Tues: 10-9:30`. With
    `half_day`, times without am or pm open in the morning and close after noon.
    """
    if not text.strip():
        return ()
    week = [(0, 0)] * len(_DAYS)
    for part in text.split(";"):
        if not part.strip():
            continue
        day, mark, times = part.strip().partition("=")
        if not mark:
            day, mark, times = part.strip().partition(":")
        name = day.strip().lower()[:3]
        if name not in _DAYS or not mark:
            raise ValueRefused(f"no weekday in {part.strip()!r}")
        week[_DAYS.index(name)] = _span(times.strip(), half_day=half_day)
    return tuple(week)


def _span(times: str, *, half_day: bool) -> tuple[int, int]:
    if times.lower() in {"closed", "-", ""}:
        return (0, 0)
    opening, mark, closing = times.partition("-")
    if not mark:
        raise ValueRefused(f"no opening and closing in {times!r}")
    opens = _minutes(opening, afternoon=False)
    closes = _minutes(closing, afternoon=half_day)
    if closes == 0:
        closes = MINUTES_PER_DAY
    if not opens < closes <= MINUTES_PER_DAY:
        raise ValueRefused(f"closes before it opens: {times!r}")
    return (opens, closes)


def _minutes(clock: str, *, afternoon: bool) -> int:
    match = _CLOCK.match(clock)
    if match is None:
        raise ValueRefused(f"not a time of day: {clock!r}")
    hour, minute, half = int(match[1]), int(match[2] or 0), (match[3] or "").lower()
    if half:
        hour = hour % NOON_HOURS + (NOON_HOURS if half == "pm" else 0)
    elif afternoon and hour <= NOON_HOURS:
        hour += NOON_HOURS
    return hour * 60 + minute


def _datetime(argument: str) -> Transform:
    zone = _zone(argument or "UTC")

    def convert(value: object) -> object:
        if isinstance(value, dt.datetime):
            moment = value
        else:
            text = text_of(value).strip()
            if not text:
                return ""
            try:
                moment = dt.datetime.fromisoformat(text)
            except ValueError as problem:
                raise ValueRefused("not a date and time (ISO 8601)") from problem
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        return int(moment.timestamp() * 1000)

    return convert


def _date(argument: str) -> Transform:
    layout = argument or "%Y-%m-%d"

    def convert(value: object) -> object:
        text = text_of(value).strip()
        if not text:
            return ""
        try:
            parsed = dt.datetime.strptime(text, layout).replace(tzinfo=dt.UTC)
        except ValueError as problem:
            raise ValueRefused(f"not a date like {layout}") from problem
        return parsed.date().isoformat()

    return convert


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as problem:
        raise ImportFailed(f"there is no time zone {name!r}", EXIT_USAGE) from problem


def _flag(_: str) -> Transform:
    def convert(value: object) -> object:
        text = text_of(value).strip().lower()
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        raise ValueRefused("neither yes nor no")

    return convert


def _prefix(argument: str) -> Transform:
    return lambda value: argument + text_of(value).strip() if text_of(value).strip() else ""


def _whole(name: str, argument: str) -> int:
    if not argument.isdigit():
        raise ImportFailed(f"{name} takes a number, not {argument!r}", EXIT_USAGE)
    return int(argument)


def _plain(change: Callable[[str], str]) -> Factory:
    return lambda _: lambda value: change(text_of(value))


FACTORIES: Mapping[str, Factory] = {
    "text": _plain(str),
    "strip": _plain(str.strip),
    "upper": _plain(str.upper),
    "lower": _plain(str.lower),
    "title": _plain(str.title),
    "prefix": _prefix,
    "zero_pad": _zero_pad,
    "cents_from_decimal": _cents,
    "gtin": _gtin,
    "split": _split,
    "hours": _hours,
    "date": _date,
    "datetime": _datetime,
    "flag": _flag,
}
"""All transforms. `name:argument` in a mapping calls the factory with the argument."""


def transform_named(text: str) -> Transform:
    """Return the transform that `text` names, such as `zero_pad:14`."""
    name, _, argument = text.partition(":")
    factory = FACTORIES.get(name.strip())
    if factory is None:
        known = ", ".join(sorted(FACTORIES))
        raise ImportFailed(f"there is no transform {name!r}; there are {known}", EXIT_USAGE)
    return factory(argument)
