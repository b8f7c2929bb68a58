"""Places orders through the capture service of the central in this process."""

import hashlib
import json

from central_server.importing.order_history import PastOrder
from central_server.services.idempotency import RequestIdentity
from central_server.services.order_capture import Customer, NewLine, NewOrder, OrderCapture
from sync.domain.errors import DomainError
from sync.domain.orders import Channel

PRINCIPAL = "import"
"""Whose idempotency keys these are: no API key has this name."""


class LocalPlacer:
    """An `OrderPlacer` without HTTP: the same use case, the same refusals."""

    def __init__(self, capture: OrderCapture) -> None:
        self._capture = capture

    def place(self, order: PastOrder) -> str:
        """Place `order`, or find it placed; return why not, in words."""
        new = NewOrder(
            location_id=order.location_id,
            channel=Channel.WEB,
            currency=order.currency,
            customer=Customer(order.customer_name, order.customer_email, order.customer_phone),
            lines=tuple(NewLine(sku, quantity) for sku, quantity in order.lines),
            external_id=order.number,
        )
        text = json.dumps(order.body(), sort_keys=True)
        body_hash = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
        try:
            self._capture.place(new, RequestIdentity(PRINCIPAL, order.idempotency_key, body_hash))
        except DomainError as refused:
            return str(refused)
        return ""
