"""The errors of the domain. Each carries its data and a stable code; none knows HTTP.

DomainError
+-- OperationRefused         what an associate asked for is not allowed now
|   +-- IllegalTransition    not in this status
|   +-- QuantityRefused      more than there is, or nothing
|   +-- WrongProof           pickup code or ID check failed
+-- InvariantViolated        a rule produced something impossible: a bug, never a refusal
+-- CurrencyMismatch         two currencies in one sum
+-- InsufficientStock        a promise that no stock stands behind
+-- UnknownFlow              an operation or order of a flow that is not listed
"""


class DomainError(Exception):
    """Root of the tree."""

    code = "domain_error"

    def data(self) -> dict[str, object]:
        """Return what a program may want to know, as plain JSON values."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}


class OperationRefused(DomainError):
    """The operation is not allowed now; the message can be shown to an associate."""

    code = "operation_refused"


class IllegalTransition(OperationRefused):
    """This operation does not exist for a fulfillment order in this status."""

    code = "illegal_transition"

    def __init__(self, kind: str, status: str) -> None:
        self.kind = kind
        self.status = status
        super().__init__(f"{_words(kind)} is not possible: the order is {_words(status)}")


class QuantityRefused(OperationRefused):
    """The quantity is more than the line still allows, or not positive."""

    code = "quantity_refused"

    def __init__(self, what: str, asked: int, allowed: int) -> None:
        self.what = what
        self.asked = asked
        self.allowed = allowed
        super().__init__(f"cannot {what} {asked}: {allowed} left")


class UnknownLine(OperationRefused):
    """The fulfillment order has no such line."""

    code = "unknown_line"

    def __init__(self, line: int) -> None:
        self.line = line
        super().__init__(f"the order has no line {line}")


class WrongProof(OperationRefused):
    """The pickup code does not match, or the ID check names nobody."""

    code = "wrong_proof"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class InvariantViolated(DomainError):
    """A rule led to an impossible state. Quarantined at central, never shown as a refusal."""

    code = "invariant_violated"


class CurrencyMismatch(DomainError):
    """Two amounts of different currencies met in one sum."""

    code = "currency_mismatch"

    def __init__(self, left: str, right: str) -> None:
        self.left = left
        self.right = right
        super().__init__(f"cannot combine {left} with {right}")


class InsufficientStock(DomainError):
    """Nothing can promise these quantities. `shortfall` is by SKU, in units."""

    code = "insufficient_stock"

    def __init__(self, shortfall: dict[str, int]) -> None:
        self.shortfall = shortfall
        wanted = ", ".join(f"{quantity} x {sku}" for sku, quantity in sorted(shortfall.items()))
        super().__init__(f"no location can promise {wanted}")


class UnknownFlow(DomainError):
    """The flow is not in this version's list."""

    code = "unknown_flow"

    def __init__(self, flow: str) -> None:
        self.flow = flow
        super().__init__(f"this version knows no flow {flow!r}")


def _words(name: str) -> str:
    return name.replace("_", " ")
