r"""Operations as lines of bytes, and the hash chain over exactly these bytes.

One operation is one line of compact JSON without a line break. The line is made
once, when the operation is done; the journal keeps it and the wire carries it
as it is, so both halves hash the same bytes and no canonical form is needed.

    hash_0 = BLAKE2b-256("holdshelf/1\n" + replica_id + "\n" + epoch)
    hash_n = BLAKE2b-256(hash_(n-1) + line_n)

A line that central cannot read is still a line: it has a place in the chain and
goes to quarantine by itself. Reading is strict: a field that this version does
not know would be lost in silence, so it makes the line unreadable.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import Enum
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import ConfigDict, Field

from sync.domain.card_numbers import check_document
from sync.domain.flows import OPERATION_UNION
from sync.protocol.adapters import adapter

HASH_BYTES = 32
LINE_BYTES_MAX = 64 * 1024
"""A longer line is refused at the store before it is ever journaled."""
OPERATION_VERSION = 1
"""Of every kind so far. A line of another one waits in quarantine for a central that knows it."""
INTEGER_MAX = 2**63 - 1
"""What every database of either half can hold."""
_ANY_DIGIT = bytes.maketrans(b"123456789", b"000000000")
_DIGITS_SUSPECT = b"0" * 19
"""As many digits as `INTEGER_MAX` has: cheap to look for in a line, rarely there."""

if TYPE_CHECKING:
    AnyOperation = Any
else:
    AnyOperation = Annotated[OPERATION_UNION, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True)
class OperationRecord:
    """An operation with who did it, where and when."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)
    by: str
    """The associate."""
    dev: str
    """The terminal."""
    boot: str
    """The boot of the machine within which `mono` counts."""
    mono: int
    """Monotonic milliseconds."""
    at: int
    """Wall time in milliseconds UTC: a claim, never a judge."""
    op: AnyOperation
    """One of `sync.domain.flows.ALL_OPERATIONS`."""
    v: int = 1
    """Version of this kind of operation."""
    ok_by: str = ""
    """Who approved it with their PIN, where `by` might not do it alone."""
    ok_why: str = ""
    """For which reason."""


def encode_line(record: OperationRecord) -> bytes:
    """Return the line of `record`. What rarely changes stands first: it compresses better.

    Raises `ValueError` where no database could keep it, or it is too long, and
    `CardNumberRefused` where a text has what looks like a card's number.
    """
    document = {
        "v": record.v,
        "by": record.by,
        "dev": record.dev,
        "boot": record.boot,
        "op": _plain(record.op),
        "mono": record.mono,
        "at": record.at,
    }
    if record.ok_by:
        document |= {"ok_by": record.ok_by, "ok_why": record.ok_why}
    line = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    _check(line, document)
    check_document(document["op"])
    check_document(record.ok_why)
    return line


def decode_line(line: bytes, *, is_storable: bool = False) -> OperationRecord:
    """Return the record in `line`, or raise `ValueError` saying what is wrong.

    `is_storable` says that `all_storable` has looked at it already.
    """
    record = adapter(OperationRecord).validate_json(line)
    if record.v != OPERATION_VERSION:
        raise ValueError(f"version {record.v} of this operation is not known here")
    if not is_storable:
        _check(line)
    return record


def all_storable(lines: Sequence[bytes]) -> bool:
    """Return whether every line can be kept by both halves; a quick look, which may say no.

    One look at many lines costs a tenth of a look at each.
    """
    whole = b"\n".join(lines)
    is_suspect = b"\\u0000" in whole or _DIGITS_SUSPECT in whole.translate(_ANY_DIGIT)
    return not is_suspect and all(len(line) <= LINE_BYTES_MAX for line in lines)


def _check(line: bytes, document: object = None) -> None:
    """Raise `ValueError` for a line that one half could keep and the other could not.

    Such a value would fail at central only when everything is written, and so
    stop the whole queue instead of being quarantined.
    """
    if len(line) > LINE_BYTES_MAX:
        raise ValueError(f"an operation of {len(line)} bytes is longer than {LINE_BYTES_MAX}")
    if b"\\u0000" in line or _DIGITS_SUSPECT in line.translate(_ANY_DIGIT):
        _check_storable(json.loads(line) if document is None else document)


def _check_storable(value: object) -> None:
    if isinstance(value, str) and "\0" in value:
        raise ValueError("a text has the character NUL in it")
    if isinstance(value, int) and abs(value) > INTEGER_MAX:
        raise ValueError(f"{value} does not fit 64 bits")
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            _check_storable(item)


def genesis(replica_id: str, epoch: int) -> bytes:
    """Return hash_0 of a replica's journal in `epoch`."""
    return blake2b(f"holdshelf/1\n{replica_id}\n{epoch}".encode(), digest_size=HASH_BYTES).digest()


def chain(previous: bytes, line: bytes) -> bytes:
    """Return the hash after `line`."""
    return blake2b(previous + line, digest_size=HASH_BYTES).digest()


@lru_cache(maxsize=256)
def _defaults(kind: type) -> tuple[tuple[str, object], ...]:
    return tuple((field.name, field.default) for field in fields(kind))


def _plain(value: object) -> object:
    """Return `value` as JSON values; fields at their default are left out, `kind` stays."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if not is_dataclass(value) or isinstance(value, type):
        return value
    document: dict[str, object] = {}
    for name, default in _defaults(type(value)):
        current = getattr(value, name)
        if name == "kind":
            document = {"kind": current, **document}
        elif default is MISSING or current != default:
            document[name] = _plain(current)
    return document
