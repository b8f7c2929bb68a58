"""Is central well? Versions, files, schema, stores that are silent, mail that does not leave."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from central_server.config import CentralSettings
from central_server.records import Location, ShippingRate
from central_server.services.carrier_file import sends
from central_server.sourcing.engine.highs import OptimizerMissing
from sync.protocol.version import LOWEST_SERVED, PROTOCOL_VERSION

if TYPE_CHECKING:
    from central_server.storage.database import Database

NAMED_MAX = 5
FREE_BYTES_MIN = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    is_well: bool
    detail: str


def examine(
    settings: CentralSettings,
    database: "Database",
    schema: tuple[str | None, str],
    version: str,
) -> tuple[Finding, ...]:
    """Return what was found, the same things in the same order every time."""
    found, expected = schema
    findings = [
        Finding("version", is_well=True, detail=version),
        Finding("protocol", is_well=True, detail=f"{LOWEST_SERVED} to {PROTOCOL_VERSION}"),
        Finding("data_dir", *_folder(settings)),
        Finding("database", is_well=True, detail=database.dialect),
        Finding("mail_relay", is_well=True, detail=_relay(settings)),
        Finding("optimizer", is_well=True, detail=_optimizer()),
        Finding("schema", is_well=found == expected, detail=f"at {found}, {expected} is expected"),
    ]
    if found == expected:
        findings += _contents(database)
    return tuple(findings)


def _relay(settings: CentralSettings) -> str:
    """Return where mail goes: without a relay no customer hears anything."""
    if settings.mail_relay:
        return f"sent through {settings.mail_relay} from {settings.mail_from}"
    return "NOT sent, only written down: HOLDSHELF_CENTRAL_MAIL_RELAY sends it"


def _optimizer() -> str:
    """Return whether prices and batches by linear programs are there; nothing else needs them."""
    if find_spec("highspy") is not None:
        return "highspy is installed"
    return str(OptimizerMissing())


def _folder(settings: CentralSettings) -> tuple[bool, str]:
    free = shutil.disk_usage(settings.data_dir).free
    return free >= FREE_BYTES_MIN, f"{settings.data_dir}, {free // 1024**2} MiB free"


def _contents(database: "Database") -> list[Finding]:
    with database.read() as view:
        identity = view.meta.get()
        replicas = [one for one in view.replicas.all() if one.enabled]
        waiting = view.outbox.waiting()
        exceptions = view.exceptions.count_open()
        products = view.catalogue.count()
        stores = [one for one in view.locations.all() if one.kind == "store"]
        rates = view.shipping.rates()
    server = "none: run migrate" if identity is None else f"{identity.server_id}"
    return [
        Finding("identity", is_well=identity is not None, detail=server),
        Finding("products", is_well=True, detail=str(products)),
        Finding("devices", is_well=True, detail=f"{len(replicas)} enrolled"),
        Finding("parcels", is_well=True, detail=_parcels(stores, rates)),
        Finding("mail", is_well=True, detail=f"{waiting} waiting to leave"),
        Finding("exceptions", is_well=True, detail=f"{exceptions} open"),
    ]


def _parcels(stores: Sequence[Location], rates: Sequence[ShippingRate]) -> str:
    """Return who sends parcels: a store that came after the carriers were set has none."""
    silent = sorted(one.id for one in stores if not sends(one.carriers, rates))
    words = f"{len(stores) - len(silent)} of {len(stores)} stores send them"
    if not silent or len(silent) == len(stores):
        return words
    more = f" and {len(silent) - NAMED_MAX} more" if silent[NAMED_MAX:] else ""
    named = ", ".join(silent[:NAMED_MAX])
    return f"{words}; not {named}{more}: `carriers FILE` sets them for stores of `*` that are new"
