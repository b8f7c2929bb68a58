"""Everything that crosses the wire, and hypothesis strategies for operations and rows."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import MISSING, fields
from enum import Enum
from typing import Any, Literal, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from pydantic import TypeAdapter

from sync.domain.flows import ALL_OPERATIONS
from sync.domain.transitions import Consequence
from sync.protocol import lines, rows, snapshot
from sync.protocol.adapters import adapter
from sync.protocol.errors import REFUSALS
from sync.protocol.lines import OperationRecord
from sync.protocol.session import Message
from sync.protocol.verdicts import Verdict, VerdictStatus

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
numbers = st.integers(-lines.INTEGER_MAX, lines.INTEGER_MAX)
_NOTES = {"title", "description", "default"}


def messages() -> list[type[Message]]:
    """Return every message, by name."""
    kinds = (kind for kind in Message.__subclasses__() if kind.__module__ == Message.__module__)
    return sorted(kinds, key=lambda kind: kind.__name__)


def wire_documents() -> Iterator[tuple[str, object]]:
    """Yield the name and the shape of everything that crosses."""
    for kind in messages():
        yield kind.__name__, kind.model_json_schema()
    yield "Verdict", Verdict.model_json_schema()
    yield "operation", adapter(lines.OperationRecord).json_schema()
    for entity, body in rows.ROWS.items():
        yield entity.value, adapter(body).json_schema()
    yield "refusals", sorted(REFUSALS)
    yield "snapshot", (snapshot.CATALOGUE_TABLES, snapshot.PRICE_TABLES)


def schema_hash() -> str:
    """Return a hash that moves when a shape on the wire does, and not with its prose."""
    shapes = {name: _bare(document) for name, document in wire_documents()}
    text = json.dumps(shapes, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _bare(value: object) -> object:
    if isinstance(value, dict):
        # A field may itself be called `description`: what is a schema is a dictionary.
        return {
            key: _bare(item)
            for key, item in value.items()
            if key not in _NOTES or (isinstance(item, dict) and "type" in item)
        }
    if isinstance(value, (list, tuple)):
        return [_bare(item) for item in value]
    return value


def _of(hint: Any) -> st.SearchStrategy[Any]:
    if get_origin(hint) is Literal:
        return st.just(get_args(hint)[0])
    if get_origin(hint) is tuple:
        inner = get_args(hint)
        if inner[-1] is Ellipsis:
            return st.lists(_of(inner[0]), max_size=3).map(tuple)
        return st.tuples(*(_of(item) for item in inner))
    if get_args(hint):  # a union with None
        return st.one_of(*(_of(item) for item in get_args(hint)))
    if hint is type(None):
        return st.none()
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    if hint is Verdict:
        return verdicts()
    plain = {int: numbers, str: texts, bool: st.booleans()}
    return plain[hint] if hint in plain else built(hint)


def verdicts() -> st.SearchStrategy[Verdict]:
    """Return a strategy for verdicts."""
    consequences = st.lists(built(Consequence), max_size=2).map(tuple)
    status = st.sampled_from(VerdictStatus)
    return st.builds(
        Verdict, seq=numbers, status=status, code=texts, text=texts, consequences=consequences
    )


def built(kind: type) -> st.SearchStrategy[Any]:
    """Return a strategy for a dataclass, by its fields; those with a default may be left out."""
    hints = get_type_hints(kind)
    values = {field.name: _of(hints[field.name]) for field in fields(kind)}
    needed = {field.name for field in fields(kind) if field.default is MISSING}
    return st.fixed_dictionaries(
        {name: values[name] for name in needed},
        optional={name: value for name, value in values.items() if name not in needed},
    ).map(lambda given: kind(**given))


operations = st.one_of(*(built(kind) for kind in ALL_OPERATIONS))
records = st.builds(
    OperationRecord,
    texts,
    texts,
    texts,
    numbers,
    numbers,
    operations,
    st.just(lines.OPERATION_VERSION),
)
verdict_adapter = TypeAdapter(Verdict)
