"""A sales file, read: the sales in it, and the lines that cannot be read with the reason why.

A sale is kept whole or not at all: where one item of it cannot be read, all its
lines are given back, so that the corrected file can simply be dropped again.
"""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePath

from store_client.pos.records import (
    LINES_MAX,
    Misplaced,
    PosLine,
    PosSale,
    Titles,
    Unreadable,
    load_json,
    read_row,
    read_sale,
    read_titles,
)

JSON_NAMES = (".json", ".jsonl", ".ndjson")
CSV_NAMES = (".csv",)
WHOLE = 0
"""In place of a line's number: the file as a whole."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A sale with the lines that it was read from."""

    number: int
    raw: bytes
    sale: PosSale


@dataclass(frozen=True, slots=True)
class Failed:
    """Lines that are not taken, and why."""

    number: int
    raw: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What a file says."""

    entries: tuple[Entry, ...] = ()
    failed: tuple[Failed, ...] = ()
    title: bytes = b""
    """The title line of a CSV file: lines that are given back need it."""

    @property
    def is_doubtful(self) -> bool:
        """Whether the file looks as if its end were still to come."""
        return bool(self.failed) or not self.entries


def is_sales_file(name: str) -> bool:
    """Return whether a name is that of a sales file; temporary and hidden ones are not."""
    return not name.startswith((".", "~")) and PurePath(name).suffix.lower() in {
        *JSON_NAMES,
        *CSV_NAMES,
    }


def read_batch(name: str, content: bytes, zone: dt.tzinfo) -> Batch:
    """Return what a file of that name says. Never raises for what is in it."""
    content = content.removeprefix(b"\xef\xbb\xbf")
    if not content.strip():
        return Batch()
    if PurePath(name).suffix.lower() in CSV_NAMES:
        return _read_csv(content, zone)
    return _read_json(content, zone)


# --- JSON -----------------------------------------------------------------------------------


def _read_json(content: bytes, zone: dt.tzinfo) -> Batch:
    """Read one sale, a list of sales, or a sale a line."""
    try:
        document = load_json(content)
    except Unreadable as problem:
        return _read_json_lines(content, zone, problem)
    sales = document if isinstance(document, list) else [document]
    raws = [json.dumps(one, ensure_ascii=False).encode(errors="replace") + b"\n" for one in sales]
    return _collected(zip(raws, sales, strict=True), zone)


def _read_json_lines(content: bytes, zone: dt.tzinfo, problem: Unreadable) -> Batch:
    documents: list[tuple[bytes, object]] = []
    for raw in content.splitlines(keepends=True):
        try:
            documents.append((raw, load_json(raw) if raw.strip() else None))
        except Unreadable as bad:
            if not any(document is not None for _, document in documents):
                return Batch(failed=(Failed(WHOLE, b"", str(problem)),))
            documents.append((raw, bad))
    return _collected(iter(documents), zone)


def _collected(documents: Iterator[tuple[bytes, object]], zone: dt.tzinfo) -> Batch:
    entries, failed = [], []
    for number, (raw, document) in enumerate(documents, start=1):
        if not raw.strip():
            continue
        try:
            if isinstance(document, Unreadable):
                raise document
            entries.append(Entry(number, raw, read_sale(document, zone)))
        except Unreadable as problem:
            failed.append(Failed(number, raw, str(problem)))
    return Batch(tuple(entries), tuple(failed))


# --- CSV ------------------------------------------------------------------------------------


@dataclass
class _Group:
    """The rows of one transaction."""

    number: int
    raw: list[bytes] = field(default_factory=list)
    lines: list[PosLine] = field(default_factory=list)
    sold_at_ms: int = 0
    wrong: str = ""


def _read_csv(content: bytes, zone: dt.tzinfo) -> Batch:
    rows = content.split(b"\n")
    title = rows[0] + b"\n"
    try:
        titles = read_titles(_text(rows[0]))
    except Unreadable as problem:
        return Batch(failed=(Failed(WHOLE, b"", str(problem)),))
    groups: dict[str, _Group] = {}
    failed = []
    names: dict[int, str] = {}
    doubtful: list[int] = []
    for number, row in enumerate(rows[1:], start=2):
        if not row.strip():
            continue
        ends = number < len(rows)
        try:
            names[number], is_sure = _add_row(groups, titles, row, number, zone, ends=ends)
        except Unreadable as problem:
            failed.append(Failed(number, row + b"\n", str(problem)))
            is_sure = False
        if not is_sure:
            doubtful.append(number)
    for number in doubtful:
        _doubt_beside(groups, names, number, rows[number - 1])
    failed += [
        Failed(one.number, b"".join(one.raw), one.wrong) for one in groups.values() if one.wrong
    ]
    entries = [
        Entry(one.number, b"".join(one.raw), PosSale(name, tuple(one.lines), one.sold_at_ms))
        for name, one in groups.items()
        if not one.wrong
    ]
    return Batch(tuple(entries), tuple(sorted(failed, key=lambda one: one.number)), title)


def _doubt_beside(
    groups: dict[str, _Group], names: dict[int, str], number: int, row: bytes
) -> None:
    """Hold back the sales beside a line whose own number cannot be trusted, if it may be theirs.

    It names them somewhere, or its end is cut off within their number.
    """
    text = _text(row)
    for beside in (number - 1, number + 1):
        name = names.get(beside)
        if name is None or name == names.get(number):
            continue
        if name in text or name.startswith(names.get(number) or text.strip() or "\n"):
            why = f"line {number} beside it may be of this sale, and cannot be read"
            groups[name].wrong = groups[name].wrong or why


def _add_row(
    groups: dict[str, _Group], titles: Titles, row: bytes, number: int, zone: dt.tzinfo,
    *, ends: bool,
) -> tuple[str, bool]:  # fmt: skip
    """Add a row to its sale; return whose it is, and whether that is sure."""
    transaction, line, sold_at_ms = read_row(_text(row), titles, zone)
    is_sure = ends and not isinstance(line, Misplaced)
    if not ends:
        line = Unreadable("the file ends within this line: it may be cut off")
    group = groups.setdefault(transaction, _Group(number))
    group.raw.append(row + b"\n")
    group.sold_at_ms = group.sold_at_ms or sold_at_ms
    if isinstance(line, Unreadable):
        group.wrong = group.wrong or f"line {number}: {line}"
    elif len(group.lines) < LINES_MAX:
        group.lines.append(line)
    else:
        group.wrong = f"more than {LINES_MAX} items in one sale"
    return transaction, is_sure


def _text(row: bytes) -> str:
    """Return a line as text; what is not UTF-8 matters only in columns that are used."""
    return row.rstrip(b"\r").decode("utf-8", errors="surrogateescape")
