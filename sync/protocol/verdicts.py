"""Central's answer to one operation. Exactly one each, and none blocks the queue."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from sync.domain.transitions import Consequence


class VerdictStatus(StrEnum):
    """How central took an operation."""

    ACCEPTED = "accepted"
    AMENDED = "amended"
    """Accepted, with consequences: reality won over what central had decided."""
    REFUSED = "refused"
    """A request that was not granted, or what a person set aside out of quarantine."""
    QUARANTINED = "quarantined"
    """Central could not process it: kept whole, owned, retried."""


class Verdict(BaseModel):
    """The verdict on the operation at `seq`, in a code for programs and words for people."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    seq: int
    status: VerdictStatus
    code: str = ""
    text: str = ""
    consequences: tuple[Consequence, ...] = ()


_BY_A_FAULT = {
    "unreadable": "Central cannot read this: it is kept whole there, and somebody looks into it.",
    "fault": "Central failed on this: it is kept whole there, and somebody looks into it.",
}
"""Instead of what only a programmer can read; that is in central's list of quarantined work."""


def in_words(verdict: Verdict) -> str:
    """Return what people read of a verdict; nothing where all went as it should."""
    told = " ".join(one.text for one in verdict.consequences)
    if verdict.status is VerdictStatus.QUARANTINED:
        told = told or _BY_A_FAULT.get(verdict.code, "")
    return told or verdict.text
