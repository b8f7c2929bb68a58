"""Orders that a store may claim: asked for and answered at once, never journaled.

A claim is no operation: it needs central's answer now, and a store that is cut off has none.
"""

from sync.protocol.session import Message


class OfferedLine(Message):
    """What is wanted, in units."""

    sku: str
    name: str
    quantity: int


class Offer(Message):
    """An order that several stores see; the first that claims it gets it."""

    order_id: str
    number: str
    placed_at: str
    until: str | None
    """RFC 3339; afterwards central routes it itself."""
    lines: tuple[OfferedLine, ...]


class OfferPage(Message):
    """What this store may claim now."""

    offers: tuple[Offer, ...]


class Claimed(Message):
    """The order is this store's; its work comes with the next pull."""

    order_id: str
    number: str
    location_id: str
