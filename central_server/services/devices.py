"""The devices that stores work with: who is enrolled, and shutting one out."""

from typing import TYPE_CHECKING

from central_server.records import Replica
from central_server.services.errors import NotFound
from central_server.services.exceptions import let_clocks_go
from central_server.services.order_views import Document
from central_server.services.rights import shut_out
from central_server.services.times import rfc3339_or_none
from sync.clock import Clock

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import Unit


class Devices:
    """Lists and revokes devices."""

    def __init__(self, database: "Database", clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def all(self, location_id: str | None = None) -> list[Document]:
        """Return the devices, the newest first."""
        with self._database.read() as view:
            found = view.replicas.all()
        wanted = (one for one in found if location_id in {None, one.location_id})
        return [_document(one) for one in wanted]

    def revoke(self, replica_id: str) -> Document:
        """Shut a device out, stolen or given up: it hears nothing more from central.

        What it still hands in of its work is kept in quarantine, without effect. From
        its store's online rights nothing is promised any more.
        """
        now = self._clock.now_ms()

        def work(unit: "Unit") -> Replica:
            known = unit.replicas.get(replica_id)
            if known is None:
                raise NotFound("device", replica_id)
            shut_out(unit, known, now)
            let_clocks_go(unit, [known], now, "The device is shut out.")
            found = unit.replicas.get(replica_id)
            assert found is not None
            return found

        return _document(self._database.write(work))


def _document(replica: Replica) -> Document:
    return {
        "id": replica.id,
        "location_id": replica.location_id,
        "enabled": replica.enabled,
        "epoch": replica.epoch,
        "last_seq": replica.last_seq,
        "backlog": replica.backlog,
        "last_contact_at": rfc3339_or_none(replica.last_contact_ms),
    }
