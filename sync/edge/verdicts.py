"""Writes central's verdicts into the journal, in whatever order they come."""

import json
from dataclasses import asdict
from enum import IntEnum

from sync.edge.sqlite import Connection
from sync.protocol.verdicts import Verdict


class Late(IntEnum):
    """Whether a verdict came with the answer to a push, or was settled after it."""

    NO = 0
    YES = 1
    AHEAD = 2
    """Settled later, and the rows that include the operation are not taken in here yet.

    So is each that was held until now, from whomever its verdict was heard.
    """


OUTSIDE_OF_ROWS = f"(status = 'quarantined' OR late = {Late.AHEAD:d})"
"""Of verdicts on operations that no row of central's includes here; so says their index, too."""
_WRITE = (
    "INSERT INTO verdicts (epoch, seq, status, code, text, consequences, late)"
    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (epoch, seq) DO UPDATE SET"
    " status = excluded.status, code = excluded.code, text = excluded.text,"
    " consequences = excluded.consequences, late = CASE"
    f" WHEN {OUTSIDE_OF_ROWS} AND excluded.status <> 'quarantined' THEN {Late.AHEAD:d}"
    " ELSE excluded.late END"
)
_NEVER_BACK = " WHERE verdicts.status = 'quarantined' OR excluded.status <> 'quarantined'"


def write_answered(connection: Connection, epoch: int, verdict: Verdict) -> None:
    """Write a verdict out of an answer to a push.

    One that was long on its way does not put back into quarantine what was
    settled meanwhile.
    """
    connection.execute(_WRITE + _NEVER_BACK, _values(epoch, verdict, Late.NO))


def write_settled(connection: Connection, epoch: int, verdict: Verdict, late: Late) -> None:
    """Write a verdict that central settled later, where the operation is still held here."""
    held = "SELECT 1 FROM operations WHERE epoch = ? AND seq = ?"
    if connection.execute(held, (epoch, verdict.seq)).fetchone() is not None:
        connection.execute(_WRITE, _values(epoch, verdict, late))


def _values(epoch: int, verdict: Verdict, late: Late) -> tuple[object, ...]:
    consequences = json.dumps([asdict(item) for item in verdict.consequences])
    said = (verdict.status.value, verdict.code, verdict.text, consequences)
    return (epoch, verdict.seq, *said, int(late))
