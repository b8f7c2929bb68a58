"""Bodies of the sync calls: lines in and out, zstd-compressed, bounded before they are unpacked."""

import json
from collections.abc import Iterable, Sequence

import zstandard
from pydantic import ValidationError

from central_server.web.bounds import unstorable
from sync.hub.ports import StoredRow
from sync.protocol.endpoint import OperationsPage
from sync.protocol.errors import FrameUnreadable
from sync.protocol.session import PUSH_BYTES_MAX, PullHeader, PushHeader

NDJSON = "application/x-ndjson"
ZSTD = "zstd"
_LEVEL = 1
_WINDOW_BYTES_MAX = 8 * 1024 * 1024
"""A frame that wants a larger window than this is refused: its memory would be ours."""


def unpack(body: bytes, encoding: str, bytes_max: int = PUSH_BYTES_MAX) -> bytes:
    """Return the plain body; raise `FrameUnreadable` where it is broken or unpacks to too much."""
    if encoding in {"", "identity"}:
        plain = body
    elif encoding == ZSTD:
        plain = _decompressed(body, bytes_max + 1)
    else:
        raise FrameUnreadable(f"content encoding {encoding[:40]!r} is not known")
    if len(plain) > bytes_max:
        raise FrameUnreadable(f"the frame is larger than {bytes_max} bytes", bytes_max=bytes_max)
    return plain


def _decompressed(body: bytes, bytes_most: int) -> bytes:
    decompressor = zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES_MAX)
    try:
        with decompressor.stream_reader(body) as reader:
            plain = reader.read(bytes_most)
    except (zstandard.ZstdError, MemoryError) as problem:
        raise FrameUnreadable(f"the frame is not zstd: {problem}") from problem
    if not plain:
        raise FrameUnreadable("the frame is empty")
    return plain


def pack(plain: bytes) -> bytes:
    """Return `plain` compressed: fast rather than small."""
    return zstandard.ZstdCompressor(level=_LEVEL).compress(plain)


def read_push(plain: bytes) -> tuple[PushHeader, tuple[bytes, ...]]:
    """Return header and lines of a push; only the header is read here."""
    first, _, rest = plain.partition(b"\n")
    try:
        header = PushHeader.model_validate_json(first)
    except ValidationError as problem:
        raise FrameUnreadable(f"the header line is not readable: {problem}"[:500]) from problem
    if reason := unstorable(header.model_dump()):
        raise FrameUnreadable(f"the header line cannot be kept: {reason}")
    lines = rest.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return header, tuple(lines)


def write_pull(header: PullHeader, rows: Sequence[StoredRow]) -> bytes:
    """Return header and rows as lines. Bodies are JSON already and travel as they are stored."""
    return b"".join(_pull_lines(header, rows))


def write_operations(page: OperationsPage) -> bytes:
    """Return header and operations as lines, byte for byte as the store made them."""
    return b"\n".join((page.header.model_dump_json().encode(), *page.lines)) + b"\n"


def _pull_lines(header: PullHeader, rows: Sequence[StoredRow]) -> Iterable[bytes]:
    yield header.model_dump_json(exclude_none=True).encode() + b"\n"
    for row in rows:
        rest = ',"d":true}\n' if row.body is None else f',"b":{row.body}}}\n'
        yield f'{{"e":"{row.entity}","k":{_json_text(row.key)},"r":{row.rev}{rest}'.encode()


def _json_text(text: str) -> str:
    plain = text.isascii() and text.isprintable() and '"' not in text and "\\" not in text
    return f'"{text}"' if plain else json.dumps(text)
