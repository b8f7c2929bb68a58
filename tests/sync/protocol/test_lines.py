"""Operations as bytes: what goes out comes back, and nothing else gets in."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.domain.flows import ALL_OPERATIONS
from sync.domain.operations import FulfillmentAccepted, LinePicked, Staged
from sync.protocol.lines import (
    HASH_BYTES,
    INTEGER_MAX,
    LINE_BYTES_MAX,
    OperationRecord,
    chain,
    decode_line,
    encode_line,
    genesis,
)
from tests.sync.protocol import wire


def record(operation: object, **fields: object) -> OperationRecord:
    values = {"by": "A1", "dev": "T1", "boot": "B1", "mono": 5, "at": 7, "op": operation}
    return OperationRecord(**{**values, **fields})  # type: ignore[arg-type]


def document(**changes: object) -> dict[str, object]:
    picked = {"kind": "line_picked", "fulfillment_id": "F1", "line": 1, "quantity": 2}
    values = {"v": 1, "by": "A1", "dev": "T1", "boot": "B1", "mono": 5, "at": 7, "op": picked}
    return {**values, **changes}


@given(wire.records)
def test_every_operation_comes_back_as_it_was(made: OperationRecord):
    """Any operation with any values survives the wire, on one line."""
    line = encode_line(made)
    assert b"\n" not in line
    assert decode_line(line) == made
    assert encode_line(decode_line(line)) == line


@pytest.mark.parametrize("kind", ALL_OPERATIONS, ids=lambda kind: kind.__name__)
def test_the_kind_is_always_written(kind: type):
    """Defaults are left out of a line, the kind never is."""

    @given(wire.built(kind))
    def check(operation):
        assert json.loads(encode_line(record(operation)))["op"]["kind"] == operation.kind

    check()


def test_a_line_is_compact():
    """Defaults do not travel, and what rarely changes stands first."""
    line = encode_line(record(LinePicked("F1", 1, 2)))
    assert line == (
        b'{"v":1,"by":"A1","dev":"T1","boot":"B1","op":{"kind":"line_picked",'
        b'"fulfillment_id":"F1","line":1,"quantity":2},"mono":5,"at":7}'
    )


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"garbage",
        b"null",
        b"[]",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        json.dumps(document(op={"kind": "teleported", "fulfillment_id": "F1"})).encode(),
        json.dumps(document(op={"fulfillment_id": "F1"})).encode(),
        json.dumps(document(op=None)).encode(),
        json.dumps(document(mood="fine")).encode(),
        json.dumps(document(op={**document()["op"], "mood": "fine"})).encode(),  # type: ignore[dict-item]
        json.dumps(document(op={**document()["op"], "quantity": "2"})).encode(),  # type: ignore[dict-item]
        json.dumps(document(at=2.5)).encode(),
        json.dumps(document(at=True)).encode(),
        json.dumps(document(at=INTEGER_MAX + 1)).encode(),
        json.dumps(document(by="A\0")).encode(),
        json.dumps({"v": 1}).encode(),
        json.dumps(document()).encode() + b" x",
        json.dumps(document(by="x" * LINE_BYTES_MAX)).encode(),
    ],
    ids=lambda line: line[:40].decode(errors="replace").replace("\0", "0"),
)
def test_what_is_not_an_operation_is_a_value_error(line: bytes):
    """Garbage, an unknown kind, an unknown field or a wrong type never becomes an operation."""
    with pytest.raises(ValueError):
        decode_line(line)


def test_an_unknown_field_deep_inside_is_a_value_error():
    """A field that would be lost in silence makes the line unreadable, at any depth."""
    lines = [{"line": 1, "quantity": 1, "mood": "fine"}]
    proof = {"kind": "pickup_code", "recipient": "Kim"}
    operation = {"kind": "handed_over", "fulfillment_id": "F1", "lines": lines, "proof": proof}
    with pytest.raises(ValueError, match="mood"):
        decode_line(json.dumps(document(op=operation)).encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_a_record_or_a_value_error(line: bytes):
    """Nothing that arrives raises anything else."""
    with pytest.raises(ValueError):
        decode_line(line)


@pytest.mark.parametrize(
    "made",
    [
        record(Staged("F1", "x" * LINE_BYTES_MAX)),
        record(Staged("F1", "A\0")),
        record(Staged("F1", "\ud800")),
        record(FulfillmentAccepted("F1"), at=INTEGER_MAX + 1),
    ],
    ids=["too long", "NUL", "half a character", "too large"],
)
def test_what_central_could_not_keep_is_not_journaled(made: OperationRecord):
    """It is refused where it is made, instead of stopping the queue later."""
    with pytest.raises(ValueError):
        encode_line(made)


def test_digits_and_backslashes_in_a_text_are_only_a_text():
    """A long number in words, and the letters of an escape, are ordinary text."""
    made = record(Staged("F1", r"spot \u0000 " + "9" * 30))
    assert decode_line(encode_line(made)) == made


def test_the_chain_is_over_exactly_these_bytes():
    """One byte, one place or one replica less, and every later hash is another."""
    start = genesis("R1", 1)
    assert len(start) == len(chain(start, b"x")) == HASH_BYTES
    assert len({start, genesis("R2", 1), genesis("R1", 2), genesis("R", 11)}) == 4
    assert chain(chain(start, b"a"), b"b") != chain(chain(start, b"b"), b"a")
    assert chain(start, b"a") != chain(start, b"a ")
    assert chain(start, b"a").hex() == (
        "4a50a28ec037a22036cf21c7e95a76a16ab9bddb97fcbee063d3aeba1367cbd0"
    )


@pytest.mark.parametrize("version", [0, 2, 99])
def test_a_version_that_is_not_known_is_not_guessed_at(version: int):
    """A newer store's operation waits for a central that knows it, instead of being misread."""
    line = encode_line(record(LinePicked("F1", 1, 1), v=version))
    with pytest.raises(ValueError, match="version"):
        decode_line(line)
