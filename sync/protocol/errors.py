"""Why one half does not go on with the other. Each has a stable code and its data.

ProtocolError
+-- ProtocolRefused          the other half understood, and does not go on like this
|   +-- Gap                  operations are missing before the first one sent
|   +-- Fork                 same place in the journal, other content: a restore or a clone
|   +-- EpochStale           a newer epoch of this replica exists
|   +-- DuplicateReplica     another installation uses this replica's name
|   +-- ReplicaDisabled      revoked or retired: enrol again
|   +-- VersionUnsupported   no common protocol version
|   +-- CursorExpired        the cursor is older than the feed's floor, or of another life
|   +-- FrameUnreadable      the frame itself is broken
|   `-- NotAuthentic         no valid session; say hello again
+-- TryLater                 overloaded or draining: wait as told
`-- Unreachable              no answer, or none that this protocol knows
"""


class ProtocolError(Exception):
    """Root of the tree."""

    code = "protocol_error"


class ProtocolRefused(ProtocolError):
    """The other half answered, and refuses to go on like this."""

    code = "protocol_refused"

    def __init__(self, message: str, **data: object) -> None:
        self.message = message
        self.data = data
        super().__init__(message)


class Gap(ProtocolRefused):
    """Operations are missing. data: expected_seq, and epoch where central is at an older one."""

    code = "gap"


class Fork(ProtocolRefused):
    """The journals differ at a place that both have. data: seq, last_seq."""

    code = "fork"


class EpochStale(ProtocolRefused):
    """A newer epoch of this replica has been seen. data: epoch."""

    code = "epoch_stale"


class DuplicateReplica(ProtocolRefused):
    """Another installation speaks under this replica's name. data: heard_at_ms, by push."""

    code = "duplicate_replica"


class ReplicaDisabled(ProtocolRefused):
    """The replica was revoked or retired, or is not known."""

    code = "replica_disabled"


class VersionUnsupported(ProtocolRefused):
    """No protocol version in common. data: min, max."""

    code = "version_unsupported"


class CursorExpired(ProtocolRefused):
    """The cursor cannot be continued; bootstrap the scope again. data: floor_rev."""

    code = "cursor_expired"


class FrameUnreadable(ProtocolRefused):
    """The frame is not what the protocol says: cut off, not JSON, too large."""

    code = "frame_unreadable"


class NotAuthentic(ProtocolRefused):
    """The session is missing, over or not the device's; say hello again."""

    code = "not_authentic"


class TryLater(ProtocolError):
    """Central is overloaded or draining; or what stands before it says so (not `by_central`)."""

    code = "try_later"

    def __init__(self, retry_after_s: float, *, by_central: bool = True) -> None:
        self.retry_after_s = retry_after_s
        self.by_central = by_central
        who = "central" if by_central else "something before central"
        super().__init__(f"{who} asks to wait {retry_after_s:.0f} s")


class Unreachable(ProtocolError):
    """No answer, or an answer that is not central's (a captive portal, say)."""

    code = "unreachable"


def _all(root: type[ProtocolRefused]) -> dict[str, type[ProtocolRefused]]:
    return {kind.code: kind for kind in root.__subclasses__()}


REFUSALS: dict[str, type[ProtocolRefused]] = _all(ProtocolRefused)
"""Refusals by code, as a transport needs them to raise what the hub raised."""
