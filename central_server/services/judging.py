"""What judging operations needs, whoever asks for it: a push, a person, or a deadline."""

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from central_server.ports import Pokes
from central_server.services.flow_handler import FlowHandler
from sync.clock import Clock
from sync.domain.errors import DomainError
from sync.domain.ids import OpId

if TYPE_CHECKING:
    from central_server.storage.database import Database


@dataclass(frozen=True, slots=True)
class Judging:
    """Made once, when central is put together, and handed to all that judge."""

    database: "Database"
    handlers: tuple[FlowHandler, ...]
    clock: Clock
    random: Random
    pokes: Pokes
    promise_ms: int
    """How long a store has for an order, in ms."""
    poison: tuple[type[Exception], ...] = ()
    """What storage raises where a row cannot be written at all: that operation's own fault."""
    trouble: tuple[type[Exception], ...] = ()
    """What it raises that ends the transaction: never to be taken for the fault of a rule."""


class NotThisStores(DomainError):
    """The operation names a fulfillment order that this store does not have."""

    code = "not_this_stores"

    def __init__(self, fulfillment_id: str) -> None:
        self.fulfillment_id = fulfillment_id
        super().__init__(f"central knows no fulfillment order {fulfillment_id!r} at this store")


class NotTheStoresToSay(DomainError):
    """The operation is a decision of central's own."""

    code = "not_the_stores_to_say"

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__(f"{kind!r} is decided at central")


class HalfDone(Exception):
    """Judging an operation failed after something had changed, or nobody knows where.

    The transaction is over with all that others did in it; the operation is then held
    back by itself, as one that cannot be written.
    """

    def __init__(self, fault: Exception, op_id: OpId) -> None:
        self.fault, self.op_id = fault, op_id
        super().__init__(f"{type(fault).__name__}: {fault}")


def fault_of(problem: Exception) -> Exception:
    """Return what is wrong with an operation that ended its transaction."""
    return problem.fault if isinstance(problem, HalfDone) else problem


class LateStuck(Exception):
    """A promise that its store was too late to confirm cannot be moved: no operation's fault."""
