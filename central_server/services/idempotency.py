"""Names one attempt of one client, so that a repetition is known as such."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestIdentity:
    """Equal for a repetition, different for anything else."""

    principal: str
    """Whose key it is: clients cannot disturb each other."""
    key: str
    body_hash: str
