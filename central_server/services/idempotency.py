"""Names one attempt of one client, so that a repetition is known as such."""

from collections.abc import Callable
from dataclasses import dataclass, field
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
    former_hash: Callable[[], str] | None = field(default=None, compare=False)
    """Reckons the hash that versions of before kept: keys of imported orders are kept for ever."""

    def is_of(self, kept_hash: str) -> bool:
        """Return whether what was kept under this key was asked for by this body."""
        if kept_hash == self.body_hash:
            return True
        return self.former_hash is not None and kept_hash == self.former_hash()


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
        if not identity.is_of(kept.body_hash):
            raise IdempotencyKeyReused
        return Answered(kept.response, is_replayed=True)
    body = work()
    unit.idempotency.keep(who, key, OK, body)
    return Answered(body, is_replayed=False)
