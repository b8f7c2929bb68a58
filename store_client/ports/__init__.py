"""What the screens need of the store's data. `store_client.replica` implements it; tests fake it.

Rows are described, not defined: any object with these attributes will do, so
the replica and a test's fake never share a class.
"""

from store_client.ports.seen import (
    BoardRow,
    Holder,
    InboxItem,
    Lockout,
    OperationFate,
    ProductHit,
    SyncState,
)
from store_client.ports.store import Store

__all__ = [
    "BoardRow", "Holder", "InboxItem", "Lockout", "OperationFate", "ProductHit", "Store",
    "SyncState",
]  # fmt: skip
