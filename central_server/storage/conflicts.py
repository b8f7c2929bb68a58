"""What ends a transaction so that it is run again."""


class Conflict(Exception):
    """Somebody else was faster: the transaction did nothing and is run again."""
