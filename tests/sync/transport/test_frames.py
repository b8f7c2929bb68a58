"""Frames: whatever goes in comes out, and nothing else is taken for a frame."""

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from sync.protocol.session import EscrowState, PullHeader, PushHeader
from sync.transport.frames import BadFrame, compress, decompress, pack, unpack
from tests.sync.transport.messages import push_header

LIMIT = 1 << 20
LINES = st.lists(st.binary(min_size=1).filter(lambda line: b"\n" not in line)).map(tuple)
NUMBERS = st.integers(min_value=0, max_value=2**60)
HEADERS = st.builds(
    PushHeader,
    protocol=NUMBERS,
    replica_id=st.text(),
    epoch=NUMBERS,
    first_seq=NUMBERS,
    prev_hash=st.binary(max_size=32).map(bytes.hex),
    count=NUMBERS,
    known_seq=NUMBERS,
    backlog=NUMBERS,
    escrow=st.lists(
        st.builds(
            EscrowState, sku=st.text(), generation=NUMBERS, granted=NUMBERS, sold=NUMBERS,
            over=NUMBERS,
        ),
        max_size=3,
    ).map(tuple),
)  # fmt: skip


@given(header=HEADERS, lines=LINES)
def test_a_frame_comes_out_as_it_went_in(header, lines):
    """Header and lines, byte for byte, survive packing: the hash chain depends on it."""
    assert unpack(PushHeader, pack(header, lines), LIMIT) == (header, lines)


@given(lines=LINES, cut=st.integers(min_value=1, max_value=200))
def test_a_frame_that_was_cut_off_is_never_taken_for_a_whole_one(lines, cut):
    """Every proper beginning of a frame is refused, wherever the connection broke."""
    whole = pack(push_header(len(lines)), lines)
    with pytest.raises(BadFrame):
        unpack(PushHeader, whole[: max(0, len(whole) - cut)], LIMIT)


@given(junk=st.binary())
def test_junk_is_refused_and_nothing_worse(junk):
    """No bytes whatever raise anything but `BadFrame`."""
    with pytest.raises(BadFrame):
        unpack(PullHeader, junk, LIMIT)


def _with_size() -> bytes:
    return compress(bytes(LIMIT + 1))


def _without_size() -> bytes:
    packer = zstandard.ZstdCompressor().compressobj()
    return packer.compress(bytes(LIMIT + 1)) + packer.flush()


@pytest.mark.parametrize("bomb", [_with_size, _without_size])
def test_a_small_body_cannot_fill_the_memory(bomb):
    """What would unpack to more than the limit is refused, whether it says so or not."""
    with pytest.raises(BadFrame):
        decompress(bomb(), LIMIT)


def test_a_body_of_unstated_size_is_read():
    """A server that compresses as it goes does not know the size beforehand."""
    packer = zstandard.ZstdCompressor().compressobj()
    assert decompress(packer.compress(b"abc" * 99) + packer.flush(), LIMIT) == b"abc" * 99


def test_a_line_feed_at_the_end_is_allowed():
    """Servers that end each line with a line feed are understood."""
    body = pack(push_header(1), (b"{}", b""))
    assert unpack(PushHeader, body, LIMIT) == (push_header(1), (b"{}",))
