"""Names one attempt of one client, so that a repetition is known as such."""

from dataclasses import dataclass

IMPORTED = "import-"
"""How the keys of imported orders begin. They name the order and no attempt: kept for ever."""


@dataclass(frozen=True, slots=True)
class RequestIdentity:
    """Equal for a repetition, different for anything else."""

    principal: str
    """Whose key it is: clients cannot disturb each other."""
    key: str
    body_hash: str
