"""Idx files: what is read, and that each kind of damage is one line naming the file."""

import gzip
import struct

import pytest
import torch

from sparring.data.sources.idx import read_idx
from sparring.errors import UserError


def packed(*shape: int, body: bytes, magic: bytes = bytes((0, 0, 8))) -> bytes:
    return magic + bytes([len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + body


def test_reads_shape_and_values(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(packed(2, 3, 4, body=bytes(range(24)))))
    assert torch.equal(read_idx(path, 3), torch.arange(24, dtype=torch.uint8).reshape(2, 3, 4))


GOOD = gzip.compress(packed(2, 3, 4, body=bytes(range(24))), mtime=0)
DAMAGED = {
    "not gzip": packed(2, 3, 4, body=bytes(24)),
    "cut gzip": GOOD[:-12],
    "flipped crc": GOOD[:-8] + bytes([GOOD[-8] ^ 1]) + GOOD[-7:],
    "flipped deflate": GOOD[:10] + b"\xff\xff\xff" + GOOD[13:],
    "empty": b"",
    "cut header": gzip.compress(b"\0\0\x08\x03\0\0"),
    "wrong type": gzip.compress(packed(2, 3, 4, body=bytes(24), magic=bytes((0, 0, 13)))),
    "wrong axes": gzip.compress(packed(24, body=bytes(24))),
    "short body": gzip.compress(packed(2, 3, 4, body=bytes(23))),
    "long body": gzip.compress(packed(2, 3, 4, body=bytes(25))),
    "no images": gzip.compress(packed(0, 3, 4, body=b"")),
    "huge claim": gzip.compress(packed(2**32 - 1, 2**32 - 1, 2**32 - 1, body=bytes(9))),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_damage_is_told_in_one_line(tmp_path, content):
    path = tmp_path / "a.gz"
    path.write_bytes(content)
    with pytest.raises(UserError) as told:
        read_idx(path, 3)
    assert str(path) in str(told.value) and "\n" not in str(told.value)


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match="No such file"):
        read_idx(tmp_path / "none.gz", 3)


def test_a_bomb_stays_packed(tmp_path):
    """64 MiB of zeros behind a header that announces 24 bytes: only 25 of them are unpacked."""
    import tracemalloc

    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(packed(2, 3, 4, body=bytes(2**26)), 1))
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match="it holds more bytes"):
            read_idx(path, 3)
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()
