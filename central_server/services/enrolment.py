"""Letting devices in: a one-time code of ten minutes, exchanged for a place at a location."""

from random import Random
from typing import TYPE_CHECKING

from central_server.records import EnrolmentCode
from central_server.services.errors import EnrolmentRefused, UnknownLocation
from central_server.services.exceptions import let_clocks_go
from central_server.services.order_views import Document
from central_server.services.rights import renew, shut_out
from central_server.services.scopes import scopes_of
from central_server.services.times import rfc3339
from central_server.services.tokens import (
    enrolment_code_hash,
    is_public_key,
    new_enrolment_code,
)
from sync.clock import Clock
from sync.protocol.session import EnrolAnswer, EnrolRequest

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import Unit

CODE_MS = 10 * 60_000
NAME_LENGTH_MAX = 64


class Enrolment:
    """Makes codes and takes devices in."""

    def __init__(self, database: "Database", clock: Clock, random: Random) -> None:
        self._database = database
        self._clock = clock
        self._random = random

    def create_code(self, location_id: str, *, replace: bool = False) -> Document:
        """Make a code for one device of a location. With `replace`, its present one is retired."""
        now = self._clock.now_ms()
        code = new_enrolment_code(self._random)

        def work(unit: "Unit") -> None:
            if unit.locations.get(location_id) is None:
                raise UnknownLocation(location_id)
            if replace:
                for replica in unit.replicas.at_location(location_id):
                    shut_out(unit, replica, now)
                replaced = unit.replicas.at_location(location_id)
                let_clocks_go(unit, replaced, now, "The device is replaced.")
            unit.replicas.add_code(
                EnrolmentCode(enrolment_code_hash(code), location_id, now + CODE_MS)
            )

        self._database.write(work)
        return {"code": code, "location_id": location_id, "expires_at": rfc3339(now + CODE_MS)}

    def enrol(self, request: EnrolRequest) -> EnrolAnswer:
        """Use up a code and give the device its place.

        Raises `EnrolmentRefused` without saying which codes exist. A location has
        one device: a second one needs a code that retires the first.
        """
        if not is_public_key(request.public_key):
            raise EnrolmentRefused("the public key is not an Ed25519 key in hexadecimal")
        for name in (request.replica_id, request.install_nonce, request.follows or "-"):
            if not 0 < len(name) <= NAME_LENGTH_MAX or not name.isprintable():
                raise EnrolmentRefused(f"a name has 1 to {NAME_LENGTH_MAX} printable characters")
        now = self._clock.now_ms()
        return self._database.write(lambda unit: self._enrol(unit, request, now))

    def _enrol(self, unit: "Unit", request: EnrolRequest, now_ms: int) -> EnrolAnswer:
        location_id = unit.replicas.use_code(enrolment_code_hash(request.code), now_ms)
        if location_id is None:
            raise EnrolmentRefused("this code is not valid: wrong, used, or older than ten minutes")
        # A store may have several codes: whoever else is let in there is seen, or waits.
        unit.locations.lock([location_id])
        if any(one.enabled for one in unit.replicas.at_location(location_id)):
            raise EnrolmentRefused(
                "this location has a device already: make a code that replaces it"
            )
        if unit.replicas.get(request.replica_id) is not None:
            raise EnrolmentRefused("this replica was enrolled before: start with a new one")
        before = unit.replicas.get(request.follows) if request.follows else None
        if before is not None and before.location_id != location_id:
            raise EnrolmentRefused(
                f"the journal on this machine is of {before.location_id}: for another location"
                " begin with an empty data directory"
            )
        unit.replicas.enrol(
            request.replica_id, location_id, request.install_nonce, request.public_key,
            request.app_version[:NAME_LENGTH_MAX], now_ms, request.follows,
        )  # fmt: skip
        location = unit.locations.get(location_id)
        identity = unit.meta.get()
        assert location is not None
        assert identity is not None
        renew(unit, location)
        return EnrolAnswer(
            server_id=identity.server_id,
            location_id=location.id,
            location_name=location.name,
            scopes=scopes_of(location),
        )
