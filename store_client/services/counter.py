"""What is told at the counter when goods leave: proof, person, quantities, and who approves."""

from dataclasses import dataclass

from store_client.services.sign_in import Attempt

DOCUMENTS = (
    "passport",
    "driving licence",
    "national ID card",
    "residence permit",
    "other photo ID",
)
"""Kinds of documents. A number is never typed, shown or kept."""


@dataclass(frozen=True, slots=True)
class HandOver:
    """A code or a document, who takes the goods, and how many of each line."""

    quantities: tuple[tuple[int, int], ...]
    """(line, units)."""
    recipient: str = ""
    is_proxy: bool = False
    """Whether the recipient is somebody whom the customer sent."""
    code: str = ""
    document: str = ""
    approver: Attempt | None = None
    """A lead or manager who checks the ID in place of the signed-in associate."""
