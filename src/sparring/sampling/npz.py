"""An array as a .npz file, written a piece at a time: it is never in memory whole."""

import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

QUICK = 1
"""zlib's level: samples are compressed while they are drawn, and a higher one takes longer than drawing them."""


def write_npz(path: Path, name: str, count: int, pieces: Iterable[np.ndarray]) -> None:
    """Writes one array (count, …), put together of pieces (n, …) of one type and shape; `np.load` has it by its name.

    Raises ValueError if they are not `count` rows in all.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=QUICK) as archive:
        with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
            written = 0
            for piece in pieces:
                if not written:
                    about = np.lib.format.header_data_from_array_1_0(np.ascontiguousarray(piece))
                    np.lib.format.write_array_header_1_0(member, about | {"shape": (count, *piece.shape[1:])})
                member.write(np.ascontiguousarray(piece).data)
                written += len(piece)
        if written != count:
            raise ValueError(f"{written} rows came, where {count} were told")
