"""Central as this machine reaches it: for the daemon's rounds, and for what is asked at once."""

import contextlib
from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from store_client.config import StoreSettings
from store_client.replica.store import Store
from sync.edge.greeting import greeting
from sync.transport.client import open_client
from sync.transport.http import HttpEndpoint


def endpoint_of(settings: StoreSettings, store: Store) -> HttpEndpoint:
    """Return central behind the address that settings or enrolment name, without a session."""
    return HttpEndpoint(
        settings.central_url or store.identity.central_url,
        client_factory=lambda url: open_client(url, ca_file=settings.ca_file),
    )


@contextlib.contextmanager
def asking(
    settings: StoreSettings, store: Store, *, boot_id: str, app_version: str
) -> Iterator[HttpEndpoint]:
    """Give central with a session of this device.

    Raises `ProtocolError` where it is out of reach or refuses.
    """
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(store.identity.private_key))
    with contextlib.closing(endpoint_of(settings, store)) as endpoint:
        hello = greeting(
            store.journal, endpoint.challenge(), lambda text: key.sign(text).hex(),
            sent_at_ms=store.clock.now_ms(), boot_id=boot_id, app_version=app_version,
        )  # fmt: skip
        endpoint.hello(hello)
        yield endpoint
