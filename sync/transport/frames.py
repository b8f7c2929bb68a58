r"""Frames as bytes: a header line and lines, joined by a line feed, zstd-compressed.

    body = zstd(header_json + "\n" + line_1 + "\n" + ... + line_n)

One zstd frame a body. Whoever unpacks names the most bytes that it is willing
to hold; a larger or damaged body is refused without being unpacked further.
"""

from collections.abc import Sequence
from typing import TypeVar

import zstandard

from sync.protocol.session import Message

M = TypeVar("M", bound=Message)

CONTENT_TYPE = "application/x-ndjson"
CONTENT_ENCODING = "zstd"
PULL_BYTES_MAX = 64 * 1024 * 1024
"""Uncompressed; far above `ROWS_PER_PULL_MAX` ordinary rows."""
LEVEL = 7
"""Costs a store a microsecond an operation and saves it most of a byte of the line."""
LARGE_BYTES = 64 * 1024
LEVEL_OF_LARGE = 2
"""A backlog is to be gone soon: of large bodies, where repetition does most, time counts."""
HEADER_BYTES = len("content-encoding: zstd\r\n")
"""What saying that a body is compressed costs."""
WINDOW_BYTES_MAX = 8 * 1024 * 1024


class BadFrame(ValueError):
    """The bytes are not a frame: damaged, cut off, too large, or something else."""


def compress(body: bytes) -> bytes:
    """Return `body` as one zstd frame that states its size."""
    level = LEVEL if len(body) <= LARGE_BYTES else LEVEL_OF_LARGE
    return zstandard.ZstdCompressor(level=level).compress(body)


def decompress(body: bytes, limit: int) -> bytes:
    """Return what is in the one zstd frame `body`; at most `limit` bytes."""
    try:
        stated = zstandard.frame_content_size(body)
        if stated > limit:
            raise BadFrame(f"{stated} bytes are more than the {limit} that are allowed here")
        decoder = zstandard.ZstdDecompressor(max_window_size=WINDOW_BYTES_MAX)
        return decoder.decompress(body, max_output_size=limit, allow_extra_data=False)
    except zstandard.ZstdError as problem:
        raise BadFrame(f"not one whole zstd frame of at most {limit} bytes: {problem}") from problem


def pack_if_smaller(body: bytes) -> tuple[bytes, str]:
    """Return the body as it travels, and its content encoding; a small one travels plain."""
    packed = compress(body)
    if len(packed) + HEADER_BYTES < len(body):
        return packed, CONTENT_ENCODING
    return body, ""


def join(header: Message, lines: Sequence[bytes]) -> bytes:
    """Return header and lines as one body. A line never contains a line feed."""
    # What a header leaves at its default need not travel: an idle push stays small.
    document = header.model_dump_json(exclude_defaults=True).encode()
    return b"\n".join((document, *lines))


def split(body: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    """Return the header line, still JSON, and the lines; one line feed at the end is allowed."""
    header, *lines = body.removesuffix(b"\n").split(b"\n")
    return header, tuple(lines)


def pack(header: Message, lines: Sequence[bytes]) -> bytes:
    """Return a whole frame as it travels."""
    return compress(join(header, lines))


def unpack(kind: type[M], body: bytes, limit: int) -> tuple[M, tuple[bytes, ...]]:
    """Return header and lines of a frame as it came."""
    return read(kind, decompress(body, limit))


def read(kind: type[M], body: bytes) -> tuple[M, tuple[bytes, ...]]:
    """Return header and lines of a body that is no longer compressed."""
    header, lines = split(body)
    try:
        return kind.model_validate_json(header), lines
    except ValueError as problem:
        raise BadFrame(f"the first line is no {kind.__name__}: {header[:80]!r}") from problem
