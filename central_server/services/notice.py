"""What use cases may tell customers, in the words of the flows."""

from typing import Protocol

from central_server.records import Location
from sync.domain.fulfillment import FulfillmentOrder


class Notice(Protocol):
    """A message before it has an address."""

    @property
    def kind(self) -> str:
        """What it is about, for keys and figures."""
        ...

    @property
    def subject(self) -> str:
        """Its subject line."""
        ...

    @property
    def text(self) -> str:
        """Its plain text."""
        ...


class Notices(Protocol):
    """Messages that follow from central's own use cases."""

    def received(self, order: FulfillmentOrder, location: Location, code: str) -> Notice:
        """The order was taken; `code` picks it up."""
        ...

    def cancelled(self, number: str, name: str) -> Notice:
        """The order was cancelled."""
        ...
