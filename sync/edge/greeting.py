"""How a store says hello: who it is, how far its journal is, signed over central's nonce."""

from collections.abc import Callable

from sync.edge.journal import Journal
from sync.protocol.session import HelloRequest
from sync.protocol.version import LOWEST_SERVED, PROTOCOL_VERSION

Signer = Callable[[bytes], str]
"""Signs with the device's key; hexadecimal."""


def greeting(
    journal: Journal, nonce: str, sign: Signer, *, sent_at_ms: int, boot_id: str, app_version: str
) -> HelloRequest:
    """Return the hello of this device, signed."""
    identity, head = journal.identity, journal.head()
    request = HelloRequest(
        protocol_min=LOWEST_SERVED,
        protocol_max=PROTOCOL_VERSION,
        app_version=app_version,
        replica_id=identity.replica_id,
        epoch=identity.epoch,
        install_nonce=identity.install_nonce,
        last_seq=head.seq,
        last_hash=head.hash.hex(),
        acked_seq=journal.acked_seq(),
        backlog=journal.backlog(),
        sent_at_ms=sent_at_ms,
        boot_id=boot_id,
        nonce=nonce,
        signature="",
    )
    return request.model_copy(update={"signature": sign(request.signed_text())})
