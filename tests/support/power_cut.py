"""What a disk holds after the power was cut, of a file that was not all flushed."""

SECTOR_BYTES = 512


def lost(durable: bytes, unflushed: bytes, later: bytes) -> bytes:
    """Return `later` without what was written between `durable` and `unflushed`.

    The flush of `unflushed` failed, and that of `later` did not: so the disk has what was
    written since, but no sector that is as the failed flush left it. The kernel had called
    those clean.
    """
    kept = bytearray(later)
    for start in range(0, min(len(unflushed), len(later)), SECTOR_BYTES):
        sector = slice(start, min(start + SECTOR_BYTES, len(later)))
        before = durable[sector].ljust(sector.stop - start, b"\0")
        if later[sector] == unflushed[sector] != before:
            kept[sector] = before
    return bytes(kept)
