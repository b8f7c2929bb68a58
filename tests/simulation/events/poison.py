"""Operations that central cannot take: nothing behind them may stop."""

import json
from collections.abc import Callable
from random import Random

from sync.domain import operations as op
from sync.domain.stock_operations import RIGHTS
from sync.edge.journal_reading import RIGHTS_KINDS
from sync.protocol.lines import LINE_BYTES_MAX, OperationRecord, encode_line
from tests.simulation.registry import EventKind
from tests.simulation.store import StoreMachine
from tests.simulation.world import World


def _line(store: StoreMachine, operation: object) -> bytes:
    return encode_line(
        OperationRecord("A1", "till-1", store.boot_id, 0, store.clock.now_ms(), operation)
    )


def _document(store: StoreMachine, **operation: object) -> bytes:
    document = {"v": 1, "by": "A1", "dev": "till-1", "boot": store.boot_id, "op": operation,
                "mono": 0, "at": store.clock.now_ms()}  # fmt: skip
    return json.dumps(document, separators=(",", ":")).encode()


def _garbage(store: StoreMachine, key: str, dice: Random) -> bytes:
    return dice.choice((b"\xff\xfe not text", b"{", b"[]", b'{"op":{"kind":7}}'))


def _unknown_kind(store: StoreMachine, key: str, dice: Random) -> bytes:
    return _document(store, kind="weather_reported", fulfillment_id=key)


def _unknown_version(store: StoreMachine, key: str, dice: Random) -> bytes:
    return _document(store, kind="staged", fulfillment_id=key, spot="A1").replace(
        b'"v":1', b'"v":99', 1
    )


def _unknown_order(store: StoreMachine, key: str, dice: Random) -> bytes:
    return _line(store, op.Staged("F-NOBODYS", "A1"))


def _unknown_line(store: StoreMachine, key: str, dice: Random) -> bytes:
    return _line(store, op.LinePicked(key, 99, 1))


def _impossible(store: StoreMachine, key: str, dice: Random) -> bytes:
    return _line(store, op.PutBack(key, 1, 500))


def _huge(store: StoreMachine, key: str, dice: Random) -> bytes:
    return _document(store, kind="staged", fulfillment_id=key, spot="A" * LINE_BYTES_MAX)


def _deep(store: StoreMachine, key: str, dice: Random) -> bytes:
    return b'{"op":' + b"[" * 5000 + b"]" * 5000 + b"}"


def _too_large_number(store: StoreMachine, key: str, dice: Random) -> bytes:
    return _document(store, kind="line_picked", fulfillment_id=key, line=1, quantity=2**70)


def _rights_of_tomorrow(store: StoreMachine, key: str, dice: Random) -> bytes:
    return _document(
        store,
        kind=dice.choice(RIGHTS_KINDS),
        generation=dice.randint(1, 3),
        shared_with="everybody",
    )


LINES: tuple[Callable[[StoreMachine, str, Random], bytes], ...] = (
    _garbage, _unknown_kind, _unknown_version, _unknown_order, _unknown_line, _impossible, _huge,
    _deep, _too_large_number, _rights_of_tomorrow,
)  # fmt: skip


def poison(world: World, index: int, dice: Random) -> str:
    """A line gets into a journal that central cannot take, perhaps about a real order."""
    store = world.stores[index]
    orders = store.orders()
    key = dice.choice(orders).id if orders else "F-NOBODYS"
    make = dice.choice(LINES)
    line = make(store, key, dice)
    kind = next((one for one in RIGHTS_KINDS if one.encode() in line), "raw")
    aggregate = RIGHTS if kind != "raw" else key if key.encode() in line else ""
    _, problem = store.guarded(lambda: store.journal_raw(line, aggregate, kind))
    world.remember(store)
    return f"{make.__name__.strip('_')} on {key[-4:]}{f', {problem}' if problem else ''}"


KINDS = (EventKind("poison", poison, 0.8, is_fault=True),)
