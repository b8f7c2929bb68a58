"""Central's storage: one code for SQLite and PostgreSQL. Only bootstrap names it.

`Database` gives consistent reads and grouped writes; `View` and `Unit` carry the
repositories. Lock order within a write, the same for everybody: idempotency key,
replica, order, fulfillment orders by id, stock by (location, SKU), feed scopes
by name, last.
"""
