"""Writing an array to a .npz file a chunk at a time, so that it need not fit in memory."""

import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

LEVEL = 1
"""Of zlib: higher levels take longer than drawing the samples."""


def write_npz(path: Path, name: str, count: int, chunks: Iterable[np.ndarray]) -> None:
    """Writes one array (count, …) from chunks (n, …) of one type and shape; `np.load` returns it under `name`.

    Raises ValueError if the chunks do not have `count` rows in total.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
            written = 0
            for chunk in chunks:
                if not written:
                    header = np.lib.format.header_data_from_array_1_0(np.ascontiguousarray(chunk))
                    np.lib.format.write_array_header_1_0(member, header | {"shape": (count, *chunk.shape[1:])})
                member.write(np.ascontiguousarray(chunk).data)
                written += len(chunk)
        if written != count:
            raise ValueError(f"the chunks have {written} rows, but count is {count}")
