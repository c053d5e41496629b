"""From a SPEC to data: the modality that reads it most surely loads it."""

from pathlib import Path

from sparring.data import Dataset, Options
from sparring.data.load import DataSource, unreadable
from sparring.errors import UserError, one_line
from sparring.modalities.registry import MODALITIES


def load_dataset(spec: str | Path, options: Options = Options()) -> Dataset:  # noqa: B008 - frozen
    """Loads a data set.

    Args:
        spec: a name of `sparring.data.named.NAMED`; a folder, .zip or .tar of images, whose sub-folders are classes; a
            .parquet; a folder of .tar or .parquet files; hf:NAME of Hugging Face; an .npz; …-images-idx3-ubyte, .gz or
            not; what `spar data prepare` made of any of these; or a table: a .csv, .csv.gz, .tsv, or a .parquet without
            images. Folders trainA and trainB are two image domains (see `sparring.data.image.paired`). A name goes
            before a folder of the same name: write ./digits for the folder. X+edges is images of X with the edges of
            others (see `sparring.data.image.edges`).
        options: how it is read.

    Raises:
        UserError: an unknown name or ending, a file that is missing, damaged or has too few usable examples, a set that
            could not be downloaded, options that do not suit the data.
    """
    source = DataSource(spec, options)
    found = {name: modality.probe(source) for name, modality in MODALITIES.items()}
    sure = {name: confidence for name, confidence in found.items() if confidence is not None}
    if not sure:
        raise unreadable(spec)
    best = max(confidence.value for confidence in sure.values())
    first, *others = [name for name, confidence in sure.items() if confidence.value == best]
    if others:
        ways = ", or ".join(f"{MODALITIES[name].words.examples} ({sure[name].reason})" for name in (first, *others))
        raise UserError(f"{one_line(spec)} can be read as {ways}: give a file or folder that is only one of these")
    return MODALITIES[first].load(source)
