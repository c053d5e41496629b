"""Protocol descriptions of earlier versions, in current words."""

_REWORDED = {
    "taught by the rows, examined on real ones": "train on synthetic, test on real (TSTR)",
    "rare: categories below 5 % that are there": "rare: share of categories below 5 % that occur",
}


def current_protocol(text: str) -> str:
    """A protocol description as this version words it: scores of both wordings are comparable."""
    for old, new in _REWORDED.items():
        text = text.replace(old, new)
    return text
