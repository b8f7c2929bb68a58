"""What a point of sale writes down: one sale as JSON, or the lines of a CSV file.

JSON, an object per sale:

    {"transaction": "till-2/000471",                 its own number, never used twice
     "lines": [{"sku": "HS-10001", "quantity": 1},   or "gtin"; negative: came back to the shelf
               {"gtin": "4006381333931", "quantity": 2}],
     "sold_at": "2026-11-25T14:02:11Z"}              optional, RFC 3339

CSV, a row per item, with a title line that names the columns in any order:

    transaction,sku,gtin,quantity,sold_at            `sku` or `gtin`; `sold_at` is optional

Everything is read defensively: whole units only, bounded texts and numbers, and
an error that says in words what is wrong.
"""

import csv
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from store_client.replica.models import Sale
from store_client.services.sales import CODE_CHARACTERS_MAX, UNITS_MAX
from sync.domain.stock_operations import SkuUnits

LINES_MAX = 5_000
"""Items of one sale, before those of the same SKU are put together."""
DIGITS_MAX = 12
DELIMITERS = ",;\t|"


class Unreadable(ValueError):
    """What is wrong with a record, in words."""


class Misplaced(Unreadable):
    """A row that has other columns than its file: what stands where is not sure."""


@dataclass(frozen=True, slots=True)
class PosLine:
    """An item as the point of sale names it."""

    code: str
    units: int


@dataclass(frozen=True, slots=True)
class PosSale:
    """A sale as the point of sale tells it."""

    transaction: str
    lines: tuple[PosLine, ...]
    sold_at_ms: int = 0

    def coded(self) -> list[tuple[str, int]]:
        """Return the items as codes with their units."""
        return [(line.code, line.units) for line in self.lines]

    def as_sale(self, lines: Sequence[SkuUnits]) -> Sale:
        """Return the sale with its SKUs found."""
        return Sale(self.transaction, tuple(lines), self.sold_at_ms)


# --- JSON -----------------------------------------------------------------------------------


def load_json(text: str | bytes) -> Any:
    """Return a JSON value, or raise `Unreadable`."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as problem:
        what = "nested too deeply" if isinstance(problem, RecursionError) else str(problem)
        raise Unreadable(f"not JSON: {what[:120]}") from problem


def read_sale(document: object, zone: dt.tzinfo = dt.UTC) -> PosSale:
    """Return the sale in a JSON document; a time without a zone is one of `zone`."""
    if not isinstance(document, dict):
        raise Unreadable("a sale is an object with transaction and lines")
    transaction, lines = text_in(document, "transaction"), read_lines(document)
    return PosSale(transaction, lines, _time(document.get("sold_at"), zone))


def read_lines(document: Mapping[str, object]) -> tuple[PosLine, ...]:
    """Return the items of a basket or sale."""
    lines = document.get("lines")
    if not isinstance(lines, list) or not lines:
        raise Unreadable("lines: a list with at least one item is missing")
    if len(lines) > LINES_MAX:
        raise Unreadable(f"lines: more than {LINES_MAX} items")
    return tuple(_json_line(line, number) for number, line in enumerate(lines, start=1))


def _json_line(line: object, number: int) -> PosLine:
    if not isinstance(line, dict):
        raise Unreadable(f"line {number}: an object with sku or gtin and quantity is missing")
    try:
        return _pos_line(line)
    except Unreadable as problem:
        raise Unreadable(f"line {number}: {problem}") from None


def _pos_line(values: Mapping[str, object]) -> PosLine:
    name = next((name for name in ("sku", "gtin") if _is_given(values.get(name))), None)
    if name is None:
        raise Unreadable("sku or gtin is missing")
    return PosLine(text_in(values, name), _units(values.get("quantity")))


# --- CSV ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Titles:
    """The title line of a CSV file."""

    names: tuple[str, ...]
    delimiter: str


def read_titles(line: str) -> Titles:
    """Return the columns that a title line names."""
    delimiter = max(DELIMITERS, key=line.count)
    names = tuple(name.strip().casefold() for name in _cells(line, delimiter))
    missing = [name for name in ("transaction", "quantity") if name not in names]
    if missing or not {"sku", "gtin"} & set(names):
        raise Unreadable(
            "the first line must name the columns: transaction, sku or gtin, quantity[, sold_at]"
        )
    return Titles(names, delimiter)


def read_row(
    line: str, titles: Titles, zone: dt.tzinfo = dt.UTC
) -> tuple[str, PosLine | Unreadable, int]:
    """Return (transaction, item or what is wrong with it, time) of a CSV line.

    Raises `Unreadable` only where not even the transaction can be told: else the
    whole sale has to wait for the item that cannot be read.
    """
    cells = _cells(line, titles.delimiter)
    values: dict[str, object] = dict(
        zip(titles.names, (cell.strip() for cell in cells), strict=False)
    )
    transaction = text_in(values, "transaction")
    if len(cells) != len(titles.names):
        return transaction, Misplaced(f"{len(cells)} columns, not {len(titles.names)}"), 0
    try:
        return transaction, _pos_line(values), _time(values.get("sold_at"), zone)
    except Unreadable as problem:
        return transaction, problem, 0


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error as problem:
        raise Unreadable(f"not CSV: {problem}") from problem


# --- values ---------------------------------------------------------------------------------


def text_in(values: Mapping[str, object], name: str) -> str:
    """Return a short printable text; a number is taken as its digits."""
    value = values.get(name)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**14:
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        raise Unreadable(f"{name} is missing")
    value = value.strip()
    if len(value) > CODE_CHARACTERS_MAX:
        raise Unreadable(f"{name} is longer than {CODE_CHARACTERS_MAX} characters")
    if not value.isprintable():
        raise Unreadable(f"{name} has characters that cannot be printed")
    return value


def _is_given(value: object) -> bool:
    return value is not None and value != ""


def _units(value: object) -> int:
    if not _is_given(value):
        raise Unreadable("quantity is missing")
    units = _whole(value)
    if units is None:
        raise Unreadable(f"quantity {str(value)[:20]!r} is not a whole number of units")
    if not 0 < abs(units) <= UNITS_MAX:
        raise Unreadable(f"quantity {str(value)[:20]} is not between 1 and {UNITS_MAX}")
    return units


def _whole(value: object) -> int | None:
    """Return a whole number, also from "3.000"; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    whole, _, rest = str(value).strip().partition(".")
    digits = whole.lstrip("+-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= DIGITS_MAX):
        return None
    return int(whole) if not rest.strip("0") and whole.count("-") + whole.count("+") < 2 else None  # noqa: PLR2004


def _time(value: object, zone: dt.tzinfo) -> int:
    """Return milliseconds of an RFC 3339 time; 0 for none."""
    if not _is_given(value):
        return 0
    text = str(value)[:40]
    try:
        moment = dt.datetime.fromisoformat(text)
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
        return max(0, int(moment.timestamp() * 1000))
    except (ValueError, OverflowError) as problem:
        raise Unreadable(f"sold_at {text!r} is not a time") from problem
