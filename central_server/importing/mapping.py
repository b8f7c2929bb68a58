"""Which column of a file becomes which field of ours, and how. TOML, or `--column` options.

    kind = "products"                                    # optional, checked
    [columns]
    sku   = "item_number"                                # one column
    gtins = "upc | gtin:drop"                            # column | transform | transform
    name  = { columns = ["brand", "title"], join = " " } # several, joined
    [constants]
    category = "Groceries"
    [defaults]                                           # where the file's value is empty
    brand = "No name"
    [only]                                               # other rows are skipped, no errors
    status = ["A"]

A field that nothing else names is taken from the column of the same name.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from central_server.importing.problems import (
    EXIT_NOT_FOUND,
    EXIT_USAGE,
    ImportFailed,
    RowProblem,
    Severity,
    ValueRefused,
)
from central_server.importing.sources import Row
from central_server.importing.transforms import LeftOut, Transform, text_of, transform_named

_PIPE = re.compile(r"\s+\|\s+")
_TABLES = frozenset({"kind", "columns", "constants", "defaults", "only"})
VALUE_SHOWN = 120
"""Characters of a wrong value that a report shows."""


@dataclass(frozen=True, slots=True)
class FieldRule:
    """Where one field comes from."""

    field: str
    columns: tuple[str, ...]
    transforms: tuple[Transform, ...] = ()
    join: str = " "

    def value(self, row: Row) -> object:
        """Return the field's value in `row`; raises `ValueRefused`."""
        if len(self.columns) == 1:
            value = row.get(self.columns[0])
        else:
            parts = (text_of(row.get(column)).strip() for column in self.columns)
            value = self.join.join(part for part in parts if part)
        for transform in self.transforms:
            value = transform(value)
        return value


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Everything that a mapping file and the `--column` options say."""

    rules: tuple[FieldRule, ...] = ()
    constants: Mapping[str, object] = field(default_factory=dict)
    defaults: Mapping[str, object] = field(default_factory=dict)
    only: Mapping[str, frozenset[str]] = field(default_factory=dict)
    fingerprint: str = ""
    """Tells one mapping from another: a changed mapping is another import."""

    def bound(
        self, fields: Iterable[str], columns: tuple[str, ...], implied: Mapping[str, str]
    ) -> "ColumnMapping":
        """Return the mapping completed for a file: fields by their own name, usual transforms.

        `implied` are the transforms of fields that are taken by name alone.
        Raises `ImportFailed` where it names fields or columns that do not exist.
        """
        known = tuple(fields)
        named = {rule.field for rule in self.rules} | set(self.constants)
        self._check(known, columns, named)
        by_name = tuple(
            rule_of(name, f"{name} | {implied.get(name, 'strip')}")
            for name in known
            if name in columns and name not in named
        )
        rules = self.rules + by_name
        return ColumnMapping(rules, self.constants, self.defaults, self.only, self.fingerprint)

    def _check(self, known: tuple[str, ...], columns: tuple[str, ...], named: set[str]) -> None:
        unknown = sorted((named | set(self.defaults)) - set(known))
        if unknown:
            raise ImportFailed(
                f"there is no field {', '.join(unknown)}; there are {', '.join(known)}", EXIT_USAGE
            )
        wanted = {column for rule in self.rules for column in rule.columns} | set(self.only)
        missing = sorted(wanted - set(columns))
        if missing:
            raise ImportFailed(
                f"the file has no column {', '.join(missing)}; it has {', '.join(columns)}",
                EXIT_USAGE,
            )

    def wants(self, row: Row) -> bool:
        """Return whether `row` is meant at all."""
        return all(
            text_of(row.get(column)).strip() in allowed for column, allowed in self.only.items()
        )

    def fields_of(self, number: int, row: Row) -> tuple[dict[str, object], list[RowProblem]]:
        """Return the fields of one row, and what is wrong with single values."""
        values: dict[str, object] = dict(self.constants)
        problems: list[RowProblem] = []
        for rule in self.rules:
            value: object = ""
            try:
                value = rule.value(row)
            except LeftOut as problem:
                problems.append(_problem(number, rule, row, problem, Severity.WARNING))
            except ValueRefused as problem:
                problems.append(_problem(number, rule, row, problem, Severity.ERROR))
            if value is None or value in ("", ()):
                value = self.defaults.get(rule.field)
            if value is not None:
                values[rule.field] = value
        return values, problems


def _problem(
    number: int, rule: FieldRule, row: Row, refused: ValueRefused, severity: Severity
) -> RowProblem:
    shown = " ".join(text_of(row.get(column)) for column in rule.columns)[:VALUE_SHOWN]
    return RowProblem(number, ", ".join(rule.columns), shown, refused.problem, severity)


def rule_of(name: str, entry: object) -> FieldRule:
    """Return the rule in one entry of `[columns]`: a text, or a table."""
    if isinstance(entry, str):
        column, *transforms = _PIPE.split(entry.strip())
        return FieldRule(name, (column,), tuple(transform_named(text) for text in transforms))
    if isinstance(entry, Mapping) and entry.keys() <= {"column", "columns", "join", "do"}:
        columns = tuple(entry.get("columns") or (entry.get("column"),))
        transforms = entry.get("do", [])
        if all(isinstance(column, str) for column in columns) and isinstance(transforms, list):
            return FieldRule(
                name,
                columns,
                tuple(transform_named(str(text)) for text in transforms),
                str(entry.get("join", " ")),
            )
    raise ImportFailed(f"columns.{name} is neither a text nor a table: {entry!r}", EXIT_USAGE)


def load_mapping(kind: str, file: Path | None, columns: Iterable[str] = ()) -> ColumnMapping:
    """Return the mapping in `file`, with `field=column` options on top."""
    document: dict[str, object] = {} if file is None else _read(file)
    meant = document.get("kind", kind)
    if meant != kind:
        raise ImportFailed(f"{file} maps {meant}, not {kind}", EXIT_USAGE)
    unknown = sorted(document.keys() - _TABLES)
    if unknown:
        raise ImportFailed(f"{file} has unknown tables: {', '.join(unknown)}", EXIT_USAGE)
    entries = dict(_table(document, "columns"))
    for option in columns:
        name, mark, column = option.partition("=")
        if not mark or not name.strip() or not column.strip():
            raise ImportFailed(f"--column is FIELD=COLUMN, not {option!r}", EXIT_USAGE)
        entries[name.strip()] = column.strip()
    document["columns"] = entries
    text = json.dumps(document, sort_keys=True, default=str)
    only = {
        column: frozenset(
            str(value) for value in (allowed if isinstance(allowed, list) else [allowed])
        )
        for column, allowed in _table(document, "only").items()
    }
    return ColumnMapping(
        tuple(rule_of(name, entry) for name, entry in entries.items()),
        _table(document, "constants"),
        _table(document, "defaults"),
        only,
        hashlib.blake2b(text.encode(), digest_size=8).hexdigest(),
    )


def _read(file: Path) -> dict[str, object]:
    try:
        with file.open("rb") as stream:
            return tomllib.load(stream)
    except FileNotFoundError as problem:
        raise ImportFailed(f"there is no mapping {file}", EXIT_NOT_FOUND) from problem
    except OSError as problem:
        raise ImportFailed(f"{file} cannot be read: {problem.strerror}") from problem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ImportFailed(f"{file} is not TOML: {problem}", EXIT_USAGE) from problem


def _table(document: Mapping[str, object], name: str) -> dict[str, object]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise ImportFailed(f"[{name}] of the mapping is not a table", EXIT_USAGE)
    return table
