"""Limit on how much a compressed file may unpack to."""

BOMB_RATIO, HARMLESS = 200, 2**23
"""Maximum ratio of unpacked to packed bytes, and unpacked bytes that are always allowed."""


def max_unpacked(packed: int) -> int:
    """Bytes that a file of this many packed bytes may unpack to; beyond that it is a decompression bomb."""
    return max(HARMLESS, BOMB_RATIO * packed)
