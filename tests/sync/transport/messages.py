"""Messages as the tests of the transports need them."""

import hashlib

from sync.protocol.lines import genesis
from sync.protocol.session import (
    EnrolRequest,
    HelloAnswer,
    HelloRequest,
    OperationsHeader,
    PullHeader,
    PushAnswer,
    PushHeader,
    ScopeHead,
    SnapshotManifest,
)

REPLICA = "01JD3QK9V8W2Z4T6Y0ABCDEFGH"


def hello_request() -> HelloRequest:
    return HelloRequest(
        protocol_min=1, protocol_max=1, app_version="0.1.0", replica_id=REPLICA, epoch=1,
        install_nonce="n", last_seq=0, last_hash=genesis(REPLICA, 1).hex(), acked_seq=0,
        backlog=0, sent_at_ms=5, boot_id="b", nonce="abc", signature="00",
    )  # fmt: skip


def hello_answer(token: str = "token-1") -> HelloAnswer:
    return HelloAnswer(
        protocol=1, server_id="central", incarnation=3, session_token=token, session_seconds=900,
        received_at_ms=1, answered_at_ms=2, last_seq=0, last_hash=genesis(REPLICA, 1).hex(),
        heads=(ScopeHead(scope="store:012", rev=7),),
    )  # fmt: skip


def push_header(count: int = 0, first_seq: int = 1) -> PushHeader:
    return PushHeader(
        protocol=1, replica_id=REPLICA, epoch=1, first_seq=first_seq,
        prev_hash=genesis(REPLICA, 1).hex(), count=count, known_seq=0,
    )  # fmt: skip


def push_answer(acked_seq: int = 0) -> PushAnswer:
    heads = (
        ScopeHead(scope="store:012", rev=7),
        ScopeHead(scope="catalogue", rev=500),
        ScopeHead(scope="prices:us", rev=500),
    )
    return PushAnswer(
        acked_seq=acked_seq, acked_hash=genesis(REPLICA, 1).hex(), heads=heads,
        answered_at_ms=1_790_000_000_000,
    )  # fmt: skip


def operations_header(count: int, epoch: int = 1, first_seq: int = 1) -> OperationsHeader:
    start = genesis(REPLICA, epoch).hex()
    return OperationsHeader(
        replica_id=REPLICA, epoch=epoch, first_seq=first_seq, prev_hash=start, count=count,
        last_epoch=epoch, last_seq=first_seq + count - 1, last_hash=start,
    )  # fmt: skip


def pull_header(count: int, scope: str = "store:012", after: int = 0) -> PullHeader:
    return PullHeader(
        incarnation=3, scope=scope, after=after, to=after + count, more=False, count=count,
        checksum=1, rows_live=count,
    )  # fmt: skip


def manifest(file: bytes, part_bytes: int) -> SnapshotManifest:
    parts = [file[at : at + part_bytes] for at in range(0, len(file), part_bytes)]
    return SnapshotManifest(
        incarnation=3, scope="catalogue", rev=9, checksum=1, rows_live=2,
        bytes_compressed=len(file), sha256=hashlib.sha256(file).hexdigest(),
        part_bytes=part_bytes,
        part_sha256=tuple(hashlib.sha256(part).hexdigest() for part in parts),
    )  # fmt: skip


def enrol_request() -> EnrolRequest:
    return EnrolRequest(
        code="1234", replica_id=REPLICA, install_nonce="n", public_key="00", app_version="0.1.0"
    )
