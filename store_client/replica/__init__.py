"""The store's two files: journal.db (what it did) and replica.db (what it was told)."""
