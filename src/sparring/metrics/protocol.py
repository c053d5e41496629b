"""Protocol descriptions of earlier versions, in current words.

Where an earlier version computed something else, its description says so, and its scores are not comparable.
"""

_REWORDED = {
    "taught by the rows, examined on real ones": "train on synthetic, test on real (TSTR)",
    "rare: categories below 5 % that are there": "rare: share of categories below 5 % that occur",
    "sliced Wasserstein distance × 1000, 7×7 patches of 2,048 images, mean of the Laplacian levels": (
        "sliced Wasserstein distance × 1000 of the first versions: levels enlarged by nearest neighbours, 64 patches "
        "of 7×7 of at most 2,048 images, 256 directions, mean of the Laplacian levels"
    ),
}


def current_protocol(text: str) -> str:
    """A protocol description as this version words it: scores of both wordings are comparable."""
    for old, new in _REWORDED.items():
        text = text.replace(old, new)
    return text
