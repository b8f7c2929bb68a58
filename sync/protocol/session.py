"""Messages: hello, push, pull, snapshot manifest, poke. Frames of many things are lines.

A push is a header line and one line per operation; a pull is answered by a
header line and one line per row. Lines are JSON, separated by a line feed, and
the whole body travels zstd-compressed.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from sync.protocol.verdicts import Verdict

OPS_PER_PUSH_MAX = 1000
PUSH_BYTES_MAX = 8 * 1024 * 1024
"""Uncompressed; a larger body is refused before it is unpacked."""
PREV_HASH_DIGITS = 32
"""So much of a hash is enough to tell two journals apart."""
ROWS_PER_PULL_MAX = 5000


TermSeconds = Annotated[int, Field(ge=0, le=10_000_000)]


class Message(BaseModel):
    """Base of all messages: unknown fields are ignored, so a newer half can add some."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class EnrolRequest(Message):
    """A new device: a one-time code, and the public key it will sign with (Ed25519, hex)."""

    code: str
    replica_id: str
    install_nonce: str
    public_key: str
    app_version: str
    follows: str = ""
    """The name that this machine had at central until now, whose work it takes along."""


class EnrolAnswer(Message):
    """Where the device belongs."""

    server_id: str
    location_id: str
    location_name: str
    scopes: tuple[str, ...]


class Challenge(Message):
    """A nonce of central's; a hello must be signed over it. Valid for a minute of central's."""

    nonce: str


class HelloRequest(Message):
    """Who speaks, what it speaks, and how far its journal is."""

    protocol_min: int
    protocol_max: int
    app_version: str
    replica_id: str
    epoch: int
    install_nonce: str
    last_seq: int
    last_hash: str
    acked_seq: int
    backlog: int
    sent_at_ms: int
    boot_id: str
    nonce: str
    signature: str
    """Ed25519 over `signed_text()`, hex."""

    def signed_text(self) -> bytes:
        """Return what the signature covers: the challenge and every claim about the journal."""
        parts = (
            self.nonce, self.replica_id, self.epoch, self.install_nonce,
            self.last_seq, self.last_hash, self.acked_seq,
        )  # fmt: skip
        return "\n".join(str(part) for part in parts).encode()


class ScopeHead(Message):
    """How far a scope is at central."""

    scope: str
    rev: int


def heads_digest(cursors: Iterable[tuple[str, int, int]]) -> str:
    """Return 48 bits that tell whether two halves follow the same scopes equally far.

    Of scope, incarnation and rev each, in any order; a scope without rows counts for nothing.
    """
    known = sorted(f"{scope}\n{incarnation}\n{rev}" for scope, incarnation, rev in cursors if rev)
    return blake2b("\n".join(known).encode(), digest_size=6).hexdigest()


class HelloAnswer(Message):
    """Central's side: a session, positions, limits."""

    protocol: int
    server_id: str
    incarnation: int
    session_token: str
    session_seconds: int
    received_at_ms: int
    answered_at_ms: int
    last_seq: int
    last_hash: str
    heads: tuple[ScopeHead, ...]
    ops_max: int = OPS_PER_PUSH_MAX
    rows_max: int = ROWS_PER_PULL_MAX
    poll_seconds: int = 30
    generation: int = 0
    """Of the location's rights, as central knows it; 0 where nothing is shared."""


class EscrowState(Message):
    """One SKU's escrow counters as version 1 had them."""

    sku: str
    generation: int
    granted: int
    sold: int
    over: int


class EpochStart(Message):
    """What a store knows of central's end of the epoch before: the proof that opens a new one."""

    epoch: int
    seq: int
    hash: str
    certain: bool = False
    """The store itself knows that its database was restored: it need not wait to see whether
    another machine goes on under its name."""
    lost: int = 0
    """So many operations before this epoch were done at the store and are in no copy any more."""


class PushHeader(Message):
    """First line of a push. `count` lines follow, the first of them being `first_seq`.

    What is at its default does not travel. A default is therefore for ever.
    """

    protocol: int = 2
    replica_id: str = ""
    """Whose session it is, where left out."""
    epoch: int = 1
    first_seq: int
    prev_hash: str
    """Hash before the first line, hex; its first `PREV_HASH_DIGITS` are enough."""
    count: int = 0
    known_seq: int | None = None
    """Up to here the store has every verdict durably; None: all before `first_seq`."""
    heads: str = ""
    """`heads_digest` of the store's cursors; empty: tell the heads in any case."""
    backlog: int = 0
    """Operations that remain unsent after this push."""
    escrow: tuple[EscrowState, ...] = ()
    """Of version 1, where it was always empty: rights travel as operations."""
    lease_ms: int = 0
    """Central's time in the newest answer that the store has, once it has nothing more to send."""
    terms: tuple[TermSeconds, TermSeconds] | None = None
    """(lease, confirmation) in seconds by which the store takes its rights back, zeros where it
    does not share; None: of a program that does not say."""
    confirm_terms: bool = False
    """Whether it stands by longer ones, or by what it granted, until central goes by `terms`."""
    follows: EpochStart | None = None
    """Only while central is not known to have opened this epoch."""

    @property
    def told_seq(self) -> int:
        """Up to here the store needs no verdict any more."""
        return self.first_seq - 1 if self.known_seq is None else self.known_seq


class PushAnswer(Message):
    """Up to where central has everything, and the verdicts that are not plainly `accepted`.

    Every operation above the header's `known_seq` and up to `acked_seq` that
    is not listed was accepted.
    """

    acked_seq: int
    acked_hash: str = ""
    """Hex. Left out where the push reached as far: then both hashed the same bytes."""
    verdicts: tuple[Verdict, ...] = ()
    heads: tuple[ScopeHead, ...] = ()
    """Left out where the header's `heads` says that the store has followed all of them."""
    answered_at_ms: int = 0
    incarnation: int = 0
    """Central's life, so that a store hears of a restore before its session ends; 0 is unsaid."""
    generation: int = 0
    """Of rights, at central; said beside heads. A store that is behind begins it; 0 is unsaid."""
    shut_out: bool = False
    """Whether the device only hands in what it did: it speaks for its store no more."""
    terms_taken: bool = False
    """Said where the header's `confirm_terms` asks: no lease goes by longer terms any more."""


class OperationsHeader(Message):
    """First line of a replica's own operations as central has them; `count` lines follow."""

    replica_id: str
    epoch: int
    first_seq: int
    prev_hash: str = ""
    """Hash before the first line; empty where central has nothing that the lines could follow."""
    count: int
    more: bool = False
    """Whether this epoch goes on after these lines."""
    next_epoch: int = 0
    """The epoch that comes after this one at central, 0 where this is its last."""
    next_seq: int = 0
    """The first place of that epoch."""
    last_epoch: int
    last_seq: int
    last_hash: str
    verdicts: tuple[Verdict, ...] = ()
    """Those on these lines that are not plainly accepted."""


class PullHeader(Message):
    """First line of a pull's answer; `count` row lines follow."""

    incarnation: int
    scope: str
    after: int
    to: int
    """The cursor from which to go on."""
    more: bool
    count: int
    checksum: int | None = None
    """Of the whole scope at `to`; only where `more` is false."""
    rows_live: int | None = None


class FeedRow(Message):
    """One row of a pull: the newest body for (entity, key), or its tombstone."""

    e: str
    k: str
    r: int
    b: object = None
    d: bool = False


class SnapshotManifest(Message):
    """A scope at `rev` as one zstd-compressed SQLite file, in parts that can be fetched singly."""

    incarnation: int
    scope: str
    rev: int
    checksum: int
    rows_live: int
    bytes_compressed: int
    sha256: str
    part_bytes: int
    part_sha256: tuple[str, ...]


class Poke(Message):
    """Something changed: pull. Carries no data, so losing one loses nothing."""

    scope: str
    rev: int
