"""What a refusal of central's services is on the wire, for tests without HTTP."""

from central_server.services.errors import ServiceRefused
from sync.protocol.errors import ProtocolRefused


def as_told(refusal: ServiceRefused) -> ProtocolRefused:
    """Return the refusal with the code that its problem document has."""
    told = ProtocolRefused(str(refusal))
    told.code = refusal.code
    return told
