"""From a SPEC to data."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sparring.data.audio.wav import AUDIO_SUFFIXES as OF_SOUNDS
from sparring.data.dataset import Dataset, Split, UnsplitDataset, split
from sparring.data.image.channels import CHANNEL_COUNTS
from sparring.data.image.edges import add_edge_domain, strip_edges_suffix
from sparring.data.image.file import IMAGE_SUFFIXES
from sparring.data.image.paired import find_domains, load_domains, load_side_by_side
from sparring.data.image.pixels import FIT_METHODS, with_channels
from sparring.data.image.read import read_images
from sparring.data.named import NAMED
from sparring.data.options import Options
from sparring.data.points import MIXTURES
from sparring.data.prepare.format import is_prepared, load_prepared
from sparring.data.sources.folder import folder_source, has_suffix
from sparring.data.sources.hub import PREFIX, hub_source
from sparring.data.sources.idx import read_idx_images
from sparring.data.sources.item import FileSource
from sparring.data.sources.npz import read_npz
from sparring.data.sources.parquet import parquet_source
from sparring.data.sources.shards import check_unmixed, shard_source, shards
from sparring.data.sources.tar import tar_source
from sparring.data.sources.zip import zip_source
from sparring.data.table.arrow import TABLE_SUFFIXES
from sparring.data.table.load import is_table, load_table
from sparring.errors import UserError, did_you_mean, one_line

FEWEST = 12
"""Examples a set must have."""

SHARDS: dict[str, Callable[[Path], FileSource]] = {".tar": tar_source, ".parquet": parquet_source}
"""Files that hold named pictures, by ending; in a folder, all of its files of the first of these endings."""
SOURCES: dict[str, Callable[[Path], FileSource]] = {".zip": zip_source, **SHARDS}
"""The same, each by itself."""
ARRAYS: dict[str, Callable[[Path], UnsplitDataset]] = {
    ".npz": read_npz,
    "idx3-ubyte": read_idx_images,
    "idx3-ubyte.gz": read_idx_images,
}
"""Files that hold one array of images, by ending."""
is_sound = has_suffix(OF_SOUNDS)


def load_dataset(spec: str | Path, options: Options = Options()) -> Dataset:  # noqa: B008 - frozen
    """Loads a data set.

    Args:
        spec: a name of `NAMED`; a folder, .zip or .tar of images, whose sub-folders are classes; a .parquet; a folder
            of .tar or .parquet files; hf:NAME of Hugging Face; an .npz; …-images-idx3-ubyte, .gz or not; what `spar
            data prepare` made of any of these; or a table: a .csv, .csv.gz, .tsv, or a .parquet without images.
            Folders trainA and trainB are two image domains (see `sparring.data.image.paired`). A name goes before a
            folder of the same name: write ./digits for the folder. X+edges is images of X with the edges of others
            (see `sparring.data.image.edges`).
        options: by default as named sets and arrays are, and for pictures what suits them.

    Raises:
        UserError: an unknown name or ending, a file that is missing, damaged or has too few usable images, a set that
            could not be downloaded, options that do not fit.
    """
    name = str(spec)
    if name in NAMED:
        return _named(name, options)
    if (bare := strip_edges_suffix(name)) is not None:
        return add_edge_domain(load_dataset(bare, options), name)
    if is_prepared(name):
        _no_table(options, name)
        return load_prepared(Path(name).expanduser(), name, options)
    if (path := table_at(name)) is not None:
        _no_pictures(options, name)
        return load_table(name, path, options.columns, options.constraints, options.target)
    _no_table(options, name)
    source = file_source(name)
    if source is not None and (folders := find_domains(source, options.direction)):
        return _enough(load_domains(name, folders, options))
    if source is not None and options.direction:
        return _enough(load_side_by_side(name, source, options))
    pool = read_unsplit(spec, options) if source is None else read_images(source, options)
    if len(pool.examples) < FEWEST:
        raise UserError(_too_few(name, len(pool.examples), pool))
    return Dataset.of(name, *split(pool.examples), pool.names, pool.skipped, mirrored=options.flip)


def read_unsplit(spec: str | Path, options: Options) -> UnsplitDataset:
    """What a folder or file holds, however little. Raises UserError as `load`."""
    source = file_source(str(spec))
    path = Path(str(spec)).expanduser()
    if source is not None:
        return read_images(source, options)
    read = _by_ending(ARRAYS, path)
    if read is None:
        raise UserError(
            f"{one_line(spec)} ends like no file that is read: give a folder of images "
            f"({', '.join(ending[1:] for ending in IMAGE_SUFFIXES)}), "
            f"or a file that ends in {', '.join([*SOURCES, *ARRAYS, *TABLE_SUFFIXES[:-1]])}"
        )
    _no_labels(options, f"{one_line(spec)} holds its own")
    pool = read(path)
    return replace(pool, examples=to_channels_and_size(pool.examples, options))


def table_at(spec: str) -> Path | None:
    """The file of a SPEC that is a table. Raises UserError if it is nothing at all."""
    if is_ready(spec) or spec.startswith(PREFIX):
        return None
    path = require_path(spec)
    return path if is_table(path) else None


def sounds(spec: str) -> FileSource | None:
    """The sound files of a folder or a zip; None if it is no such place, or holds none."""
    path = Path(spec).expanduser()
    if path.is_dir():
        found = folder_source(path, is_sound)
    elif path.suffix.lower() == ".zip" and path.is_file():
        found = zip_source(path, is_sound)
    else:
        return None
    return found if found.items else None


def file_source(spec: str) -> FileSource | None:
    """The named pictures of a SPEC; None if it is no place of such. Raises UserError if it is none at all."""
    return hub_source(spec) if spec.startswith(PREFIX) else source_of(require_path(spec))


def is_ready(spec: str) -> bool:
    """Whether a SPEC is a set with parts and a size of its own: a named one, X+edges, a prepared one."""
    return spec in NAMED or strip_edges_suffix(spec) is not None or is_prepared(spec)


def preparable_source(spec: str) -> FileSource:
    """The same, for what can be prepared. Raises UserError for a set that is named, prepared already, or of arrays."""
    if is_ready(spec):
        raise UserError(f"{one_line(spec)} is ready to be trained on as it is: there is nothing to prepare")
    source = file_source(spec)
    if source is None:
        raise UserError(f"{one_line(spec)} holds arrays or is not read: prepare folders, {', '.join(SOURCES)} or hf:…")
    return source


def source_of(path: Path) -> FileSource | None:
    """The named pictures at a path; None if it is no place of such."""
    if path.is_dir():
        own, files = folder_source(path), shards(path, SHARDS)
        if not files or own.items:
            check_unmixed(own, path, SHARDS)
            return own
        return shard_source(path, files, SHARDS[files[0].suffix])
    read = _by_ending(SOURCES, path)
    return read(path) if read else None


def require_path(spec: str) -> Path:
    """The folder or file a spec names. Raises UserError if there is none."""
    # os.path answers for what Path would make "." of (the empty text) or raise for (a name too long, a zero byte).
    path = os.path.expanduser(spec)
    if not os.path.exists(path):
        raise UserError(
            f"no data set or folder '{one_line(spec)}'{did_you_mean(spec, NAMED)}; "
            f"give a folder or file of images, or one of: {', '.join(NAMED)}"
        )
    if not os.path.isdir(path) and not os.path.isfile(path):
        raise UserError(f"{one_line(spec)} is neither a folder nor a plain file")
    return Path(path)


def to_channels_and_size(images: Split, options: Options) -> Split:
    """Whole images with the channels and the size that are asked for."""
    values = images.values
    if options.channels != "auto":
        if values.shape[1] not in CHANNEL_COUNTS.values():
            raise UserError(
                f"images of {values.shape[1]} channels can't be made {options.channels}: leave channels out"
            )
        values = with_channels(values, options.channels)
    if options.size is not None and options.size != values.shape[2:]:
        values = FIT_METHODS[options.fit](values, options.size)
    return Split(values, images.labels)


def _named(name: str, options: Options) -> Dataset:
    _no_labels(options, f"{name} has its own")
    _no_table(options, name)
    if name in MIXTURES and (options.size or options.flip or options.channels != "auto"):
        raise UserError(f"{name} is of points, without size, channels or mirror images: leave these out")
    train, test, names = NAMED[name]()
    if name in MIXTURES:
        return Dataset.of(name, train, test, names, medium="point", value_scale=float(train.values.std()))
    return Dataset.of(
        name, to_channels_and_size(train, options), to_channels_and_size(test, options), names, mirrored=options.flip
    )


def _no_pictures(options: Options, name: str) -> None:
    if options.size or options.flip or options.channels != "auto" or options.labels:
        raise UserError(
            f"{one_line(name)} is a table, without size, channels, mirror images or labels: leave these out"
        )


def _no_table(options: Options, name: str) -> None:
    if options.has_table_options:
        raise UserError(f"{one_line(name)} is no table: leave columns, constraints and target out")


def _no_labels(options: Options, why: str) -> None:
    if options.labels:
        raise UserError(f"a label file is for folders and zips, and {why}: leave it out")


def _enough(data: Dataset) -> Dataset:
    if len(data.train) + len(data.test) < FEWEST:
        raise UserError(f"{one_line(data.spec)} has only {len(data.train) + len(data.test)} pairs: {FEWEST} are needed")
    return data


def _by_ending(readers: dict, path: Path) -> Callable | None:
    return next((read for ending, read in readers.items() if path.name.lower().endswith(ending)), None)


def _too_few(spec: str, usable: int, pool: UnsplitDataset) -> str:
    how_many = f"only {usable}" if usable else "no"
    why = f"; {len(pool.skipped)} left out, such as {': '.join(pool.skipped[0])}" if pool.skipped else ""
    if not usable and not pool.skipped and (heard := sounds(spec)):
        there = f"{len(heard.items):,} sound files, which no recipe learns from"
        return f"{one_line(spec)} holds {there}: look at them with spar data scan, or give images"
    # Where nothing was found at all, the pictures may be of a kind that is not read.
    kinds = "" if usable or pool.skipped else f" ({', '.join(ending[1:] for ending in IMAGE_SUFFIXES)})"
    return f"{one_line(spec)} has {how_many} usable images{kinds}, and {FEWEST} are needed{why}"
