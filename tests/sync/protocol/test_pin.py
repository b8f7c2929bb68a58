"""The wire does not change by accident: schemas are hashed, old messages stay readable."""

import json
from pathlib import Path

import pytest

from sync.domain.flows import ALL_OPERATIONS, flow_named
from sync.protocol import version
from sync.protocol.adapters import adapter
from sync.protocol.lines import chain, decode_line, encode_line, genesis
from sync.protocol.rows import ROWS, Entity, FulfillmentRow
from sync.protocol.session import Message
from tests.sync.protocol import wire

GOLDEN = Path(__file__).parent / "golden"
VERSIONS = range(version.LOWEST_SERVED, version.PROTOCOL_VERSION + 1)
LAST_HASHES = {
    1: "e02f87112c00d29ee995e60f61833df8899af7ee0f27ece54c99fc3d9519356f",
    2: "917bf55ae37c3b91f93e79ebfe9eecd9840d90f335277fec158bcc5ce8bd61dd",
}
"""Version -> hash after its golden operations, of replica R1 in epoch 1."""

HOW_TO_MOVE = """
What crosses the wire is not what protocol version {version} says.
If nobody speaks this version yet, set in sync/protocol/version.py
    SCHEMA_HASHES[{version}] = "{actual}"
Otherwise: raise PROTOCOL_VERSION, add a line to HISTORY that says what changed and
this hash under the new number, keep LOWEST_SERVED unless stores of that version are
gone, add golden/v<new>_*.jsonl beside the old ones, and leave those as they are.
"""


def _lines(name: str) -> list[bytes]:
    return (GOLDEN / name).read_bytes().splitlines()


def test_the_schemas_are_those_of_this_version():
    """A changed message, operation, row or snapshot table needs a new protocol version."""
    actual = wire.schema_hash()
    said = version.SCHEMA_HASHES.get(version.PROTOCOL_VERSION)
    assert said == actual, HOW_TO_MOVE.format(version=version.PROTOCOL_VERSION, actual=actual)


def test_every_version_has_its_line_of_history_and_its_hash():
    """What each version changed is written down, without gaps."""
    numbers = list(range(1, version.PROTOCOL_VERSION + 1))
    assert sorted(version.HISTORY) == sorted(version.SCHEMA_HASHES) == numbers
    assert all(version.HISTORY.values())
    assert version.LOWEST_SERVED <= version.PROTOCOL_VERSION


def test_the_hash_is_of_shapes_not_of_prose():
    """A docstring may be mended without a new version; a field may not be added without one."""

    class Reworded(Message):
        """One prose."""

        seq: int

    class Other(Message):
        """Another prose."""

        seq: int
        added: int

    one, other = (wire._bare(kind.model_json_schema()) for kind in (Reworded, Other))
    assert one == {
        "properties": {"seq": {"type": "integer"}},
        "required": ["seq"],
        "type": "object",
    }
    assert one != other


@pytest.mark.parametrize("number", VERSIONS)
def test_golden_operations_stay_readable_and_hash_the_same(number: int):
    """Journals that stores keep for weeks are read by this version, byte for byte."""
    current = genesis("R1", 1)
    for line in _lines(f"v{number}_operations.jsonl"):
        assert encode_line(decode_line(line)) == line
        current = chain(current, line)
    assert current.hex() == LAST_HASHES[number]


@pytest.mark.parametrize("number", VERSIONS)
def test_golden_messages_stay_readable(number: int):
    """Each message of a served version says the same today."""
    kinds = {kind.__name__: kind for kind in wire.messages()}
    for line in _lines(f"v{number}_messages.jsonl"):
        golden = json.loads(line)
        read = kinds[golden["name"]].model_validate(golden["message"])
        written = json.loads(read.model_dump_json())
        assert written | golden["message"] == written


@pytest.mark.parametrize("number", VERSIONS)
def test_golden_rows_stay_readable(number: int):
    """Rows that a replica holds since an older version are read by this one."""
    for line in _lines(f"v{number}_rows.jsonl"):
        golden = json.loads(line)
        row = adapter(ROWS[Entity(golden["e"])]).validate_python(golden["b"])
        if isinstance(row, FulfillmentRow):
            assert flow_named(row.order.flow).status_of(row.order).value == golden["status"]


def test_there_is_a_golden_message_of_everything():
    """What is spoken in this version is also kept as an example."""
    number = version.PROTOCOL_VERSION
    operations = {type(decode_line(line).op) for line in _lines(f"v{number}_operations.jsonl")}
    named = {json.loads(line)["name"] for line in _lines(f"v{number}_messages.jsonl")}
    entities = {json.loads(line)["e"] for line in _lines(f"v{number}_rows.jsonl")}
    assert operations == set(ALL_OPERATIONS)
    assert named == {kind.__name__ for kind in wire.messages()}
    assert entities == {entity.value for entity in Entity}
