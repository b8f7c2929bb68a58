"""Who this central is."""

from collections.abc import Callable

from sqlalchemy import Connection, bindparam, insert, select, update

from central_server.records import ServerIdentity
from central_server.storage.prepared import Prepared
from central_server.storage.raw import Together
from central_server.storage.tables import META

_CLOCK = Prepared(lambda _: select(META.c.clock_ms))
_SET_CLOCK = Prepared(lambda _: update(META).values(clock_ms=bindparam("now_ms")))
_IDENTITY = Prepared(lambda _: select(META.c.server_id, META.c.incarnation, META.c.secret))


class NotInitialized(Exception):
    """The database has no identity yet: `Meta.ensure` was never called."""


class Meta:
    """The one row of `meta`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self) -> ServerIdentity | None:
        """Return the identity, None in a database that has none yet."""
        row = _IDENTITY.row(self._connection)
        return None if row is None else ServerIdentity(*row)

    def ensure(self, server_id: str, secret: str) -> ServerIdentity:
        """Return the identity; a database without one gets this one, in its first life."""
        known = self.get()
        if known is None:
            known = ServerIdentity(server_id, 1, secret)
            self._connection.execute(
                insert(META).values(id=1, server_id=server_id, incarnation=1, secret=secret)
            )
        return known

    def clock_ms(self) -> int:
        """Return the latest time that central has noted; 0 before it has any."""
        return int(_CLOCK.value(self._connection) or 0)

    def ask_clock(self, together: Together, then: Callable[[int], None]) -> None:
        """Ask for `clock_ms` among others."""
        _CLOCK.ask(together, lambda rows: then(int(rows[0][0]) if rows else 0))

    def set_clock(self, now_ms: int) -> None:
        """Note how late it is."""
        _SET_CLOCK.run(self._connection, now_ms=now_ms)

    def begin_new_life(self, at_least: int = 0) -> int:
        """Raise the incarnation (after a restore from a backup) and return it.

        `at_least` keeps it rising where the same backup is restored twice.
        """
        known = self.get()
        assert known is not None, "a database that can be restored has an identity"
        following = max(known.incarnation + 1, at_least)
        changed = update(META).values(incarnation=following)
        return int(self._connection.execute(changed.returning(META.c.incarnation)).scalar_one())
