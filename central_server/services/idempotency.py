"""Names one attempt of one client, so that a repetition is known as such."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from central_server.services.errors import IdempotencyKeyReused

if TYPE_CHECKING:
    from central_server.storage.unit import Unit

OK = 200
IMPORTED = "import-"
"""How the keys of imported orders begin. They name the order and no attempt: kept for ever."""


@dataclass(frozen=True, slots=True)
class RequestIdentity:
    """Equal for a repetition, different for anything else."""

    principal: str
    """Whose key it is: clients cannot disturb each other."""
    key: str
    body_hash: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What a request got, as JSON: the same for every repetition."""

    body: str
    is_replayed: bool


def answer_once(
    unit: "Unit", identity: RequestIdentity, now_ms: int, work: Callable[[], str]
) -> Answered:
    """Do `work`, which returns its answer as JSON, once for an attempt; repeated, its answer again.

    Raises `IdempotencyKeyReused` where the key named something else.
    """
    who, key = identity.principal, identity.key
    kept = unit.idempotency.claim(who, key, identity.body_hash, now_ms)
    if kept is not None:
        if kept.body_hash != identity.body_hash:
            raise IdempotencyKeyReused
        return Answered(kept.response, is_replayed=True)
    body = work()
    unit.idempotency.keep(who, key, OK, body)
    return Answered(body, is_replayed=False)
