"""Operations in quarantine as documents. Pure."""

import json
from typing import get_args

from central_server.records import StoredOperation
from central_server.services.times import rfc3339
from sync.domain.flows import ALL_OPERATIONS
from sync.domain.ids import OpId
from sync.domain.operations import aggregate_of, kind_of
from sync.domain.stock_operations import RIGHTS, FloorSold, StockOperation
from sync.protocol.lines import OperationRecord, decode_line
from sync.protocol.verdicts import Verdict, VerdictStatus

Document = dict[str, object]
_OF_RIGHTS = frozenset(get_args(StockOperation)) - {FloorSold}
_ELSE = frozenset(kind_of(one) for one in ALL_OPERATIONS if one not in _OF_RIGHTS)
"""Kinds of operations of which it is known that they are not about rights."""


def op_id_of(stored: StoredOperation) -> OpId:
    """Return an operation's identity."""
    return OpId(stored.replica_id, stored.epoch, stored.seq)


def aggregate_in(stored: StoredOperation) -> str:
    """Return what an operation is about, be it that only this version can read that."""
    if stored.aggregate:
        return stored.aggregate
    try:
        return aggregate_of(decode_line(stored.line).op)
    except ValueError:
        return ""


def may_be_of_rights(stored: StoredOperation, record: OperationRecord | None) -> bool:
    """Return whether an operation gives or ends rights, for all that can be read of it."""
    if record is not None:
        return aggregate_of(record.op) == RIGHTS
    if stored.aggregate:
        return False
    try:
        return json.loads(stored.line)["op"]["kind"] not in _ELSE
    except (ValueError, LookupError, TypeError, RecursionError):
        return True


def verdict_of(stored: StoredOperation) -> Verdict:
    """Return the verdict on an operation, be it as plain as can be."""
    if stored.verdict is None:
        return Verdict(seq=stored.seq, status=VerdictStatus.ACCEPTED)
    return Verdict.model_validate_json(stored.verdict)


def held_document(
    stored: StoredOperation,
    *,
    location_id: str,
    order_number: str,
    waits_behind: int | None,
    exception_id: str,
) -> Document:
    """Return an operation with what a person needs to decide on it."""
    verdict = verdict_of(stored)
    return {
        "replica_id": stored.replica_id,
        "epoch": stored.epoch,
        "seq": stored.seq,
        "location_id": location_id,
        "kind": stored.kind,
        "aggregate": stored.aggregate,
        "order_number": order_number,
        "by": stored.by_associate,
        "at": rfc3339(stored.at_ms),
        "received_at": rfc3339(stored.received_ms),
        "status": stored.status,
        "code": verdict.code,
        "text": verdict_words(verdict),
        "waits_behind": waits_behind,
        "exception_id": exception_id,
        "line": stored.line.decode("utf-8", "replace"),
    }


def settled_document(epoch: int, verdict: Verdict) -> Document:
    """Return what became of one operation."""
    return {
        "epoch": epoch,
        "seq": verdict.seq,
        "status": verdict.status.value,
        "code": verdict.code,
        "text": verdict_words(verdict),
    }


def verdict_words(verdict: Verdict) -> str:
    """Return a verdict in words: its consequences, or else its text."""
    return " ".join(one.text for one in verdict.consequences) or verdict.text
