"""Locks on what is kept of a SKU in all places together. SQLite has one writer: it needs none.

alone    who promises of what is kept, and orders that are to wait for their release
shared   who promises at one place, of SKUs of which nothing is kept; who moves a promise

All that a transaction will ask for is locked at once, and before any row of stock, where that
can be foreseen.
"""

from collections.abc import Collection

from sqlalchemy import Connection, text

from central_server.storage.bulk import as_list, is_postgresql
from central_server.storage.raw import Together, send

_SPACE = 514_017
"""Any number: the space of these locks."""
_LOCK = text("SELECT pg_advisory_xact_lock(:space, hashtext(:sku))")
_TRY = text("SELECT pg_try_advisory_xact_lock(:space, hashtext(:sku))")
_SHARE = (
    f"SELECT pg_advisory_xact_lock_shared({_SPACE}, hashtext(sku))"
    " FROM (SELECT sku FROM unnest(CAST(%s AS text[])) AS wanted (sku) ORDER BY sku) AS wanted"
)


def lock(connection: Connection, skus: Collection[str]) -> None:
    """Have SKUs alone until the commit; wait for whoever has or shares them."""
    if is_postgresql(connection):
        for sku in sorted(skus):
            connection.execute(_LOCK, {"sku": sku, "space": _SPACE})


def try_lock(connection: Connection, sku: str) -> bool:
    """Have a SKU alone until the commit, if nobody else has or shares it; return whether."""
    if not is_postgresql(connection):
        return True
    return bool(connection.execute(_TRY, {"sku": sku, "space": _SPACE}).scalar())


def share(connection: Connection, skus: Collection[str]) -> None:
    """Share SKUs until the commit; wait for whoever has one alone."""
    if skus and is_postgresql(connection):
        send(connection, _SHARE, _wanted(skus))


def share_among(together: Together, skus: Collection[str]) -> None:
    """Share SKUs as `share`, among other statements: those after it see what came meanwhile."""
    if skus and is_postgresql(together.connection):
        together.ask(_SHARE, _wanted(skus))


def _wanted(skus: Collection[str]) -> tuple[str]:
    return (as_list(sorted(skus), postgresql=True),)
