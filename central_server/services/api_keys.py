"""API keys of programs: made once, shown once, kept as a hash, held to their scopes."""

import threading
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from central_server.records import ApiKey
from central_server.services.errors import NotFound
from central_server.services.tokens import key_prefix, new_api_key, same, secret_hash
from sync.clock import Clock
from sync.domain.ids import new_id

if TYPE_CHECKING:
    from central_server.storage.database import Database

SCOPES = ("orders:write", "orders:read", "availability:read", "stores:read", "admin")
ADMIN = "admin"
VENDOR = "vendor:"
"""Begins the scope of whoever sends for one location, as its id follows: `vendor:S009`."""
REMEMBERED_MS = 10_000
"""How long a key that was looked up is believed; a revocation takes this long at most."""
REMEMBERED_MAX = 1000


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Who calls, and what for."""

    id: str
    name: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Return whether the key allows `scope`; an administrator's allows everything."""
        return scope in self.scopes or ADMIN in self.scopes


class ApiKeys:
    """Makes keys and recognizes them."""

    def __init__(self, database: "Database", clock: Clock, random: Random) -> None:
        self._database = database
        self._clock = clock
        self._random = random
        self._lock = threading.Lock()
        self._remembered: dict[str, tuple[int, ApiKey | None]] = {}

    def create(self, name: str, scopes: tuple[str, ...]) -> str:
        """Make a key and return it in clear, for this one time.

        Raises `ValueError` for a scope, or a vendor's location, that there is not.
        """
        vendors = {one.removeprefix(VENDOR) for one in scopes if one.startswith(VENDOR)}
        with self._database.read() as view:
            places = view.locations.get_many(vendors)
        known = {*SCOPES, *(f"{VENDOR}{place}" for place in places)}
        unknown = sorted(set(scopes) - known)
        if unknown or not scopes:
            words = f"{', '.join(SCOPES)} and {VENDOR}LOCATION"
            raise ValueError(f"scopes are {words}; not {', '.join(unknown) or 'none'}")
        now = self._clock.now_ms()
        made = new_api_key(self._random)
        key = ApiKey(new_id(now, self._random), made.prefix, made.hash, scopes, name, now)
        self._database.write(lambda unit: unit.keys.add(key))
        return made.clear

    def all(self) -> tuple[ApiKey, ...]:
        """Return every key that was ever made, the oldest first."""
        with self._database.read() as view:
            return view.keys.all()

    def revoke(self, named: str) -> ApiKey:
        """End a key, named by its id or by its prefix (its second part); repeating changes nothing.

        Each process refuses it within `REMEMBERED_MS`, this one at once. Raises `NotFound`.
        """
        found = next((one for one in self.all() if named in {one.id, one.prefix}), None)
        if found is None:
            raise NotFound("API key", named)
        self._database.write(lambda unit: unit.keys.revoke(found.id, self._clock.now_ms()))
        with self._lock:
            self._remembered.pop(found.prefix, None)
        return found

    def holder(self, clear: str) -> KeyHolder | None:
        """Return whose key this is; None where it is no living key."""
        prefix = key_prefix(clear)
        return _holder(clear, None if prefix is None else self._lookup(prefix))

    def remembered(self, clear: str) -> KeyHolder | None:
        """Return whose key this is, if it was looked up lately; asks no database."""
        prefix = key_prefix(clear)
        found = None if prefix is None else self._recall(prefix)
        return None if found is None else _holder(clear, found)

    def _recall(self, prefix: str) -> ApiKey | None:
        now = self._clock.monotonic_ms()
        with self._lock:
            looked_up, key = self._remembered.get(prefix, (-REMEMBERED_MS, None))
        return key if now - looked_up < REMEMBERED_MS else None

    def _lookup(self, prefix: str) -> ApiKey | None:
        key = self._recall(prefix)
        if key is not None:
            return key
        with self._database.read() as view:
            key = view.keys.by_prefix(prefix)
        with self._lock:
            if len(self._remembered) >= REMEMBERED_MAX:
                self._remembered.clear()
            self._remembered[prefix] = (self._clock.monotonic_ms(), key)
        return key


def _holder(clear: str, found: ApiKey | None) -> KeyHolder | None:
    # Compare even where nothing was found, so that time does not tell which prefixes exist.
    matches = same(secret_hash(clear), found.hash if found else secret_hash(""))
    if found is None or not matches or found.revoked_ms is not None:
        return None
    return KeyHolder(found.id, found.name, frozenset(found.scopes))
