"""Readers: from a SPEC to examples."""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from sparring.data.audio.wav import AUDIO_SUFFIXES as OF_SOUNDS
from sparring.data.dataset import Dataset, Split, UnsplitDataset
from sparring.data.facts import ArrayFacts
from sparring.data.files import FileSource
from sparring.data.image.channels import CHANNEL_COUNTS
from sparring.data.image.edges import EDGES_SUFFIX, add_edge_domain, strip_edges_suffix
from sparring.data.image.file import IMAGE_SUFFIXES
from sparring.data.image.paired import DomainFolders, find_domains, load_domains, load_side_by_side
from sparring.data.image.pixels import FIT_METHODS, with_channels
from sparring.data.image.read import read_images
from sparring.data.named import NAMED
from sparring.data.options import Options
from sparring.data.points import MIXTURES
from sparring.data.prepared import is_prepared, load_prepared
from sparring.data.sources.folder import folder_source, has_suffix
from sparring.data.sources.hub import PREFIX, hub_source
from sparring.data.sources.idx import read_idx_images
from sparring.data.sources.npz import read_npz
from sparring.data.sources.parquet import parquet_source
from sparring.data.sources.shards import check_unmixed, shard_source, shards
from sparring.data.sources.tar import tar_source
from sparring.data.sources.zip import zip_source
from sparring.data.splits import split_pool
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


class DataSource:
    """A SPEC with the options it is read by. What modalities look at in it is found once, when first used.

    Raises UserError on use for a path that does not exist or can't be listed.
    """

    def __init__(self, spec: str | Path, options: Options):
        self.spec, self.options = str(spec), options

    @cached_property
    def ready(self) -> bool:
        """Whether it is a named set, X+edges or a prepared set."""
        return is_ready(self.spec)

    @cached_property
    def table(self) -> Path | None:
        """The file, if it holds a table."""
        return table_at(self.spec)

    @cached_property
    def images(self) -> FileSource | None:
        """The image files, if it is a place of such."""
        return None if self.ready or self.table else file_source(self.spec)

    @cached_property
    def domains(self) -> DomainFolders | None:
        """The image files by domain and part, if there are two domains."""
        return self.images and find_domains(self.images, self.options.direction)

    @property
    def is_array(self) -> bool:
        """Whether it is a file that holds an array of images."""
        return not self.ready and _by_ending(ARRAYS, Path(self.spec)) is not None


def load_images(source: DataSource) -> Dataset:
    """Images of a named set, a prepared set, X+edges, files or an array.

    Raises UserError for anything else, and for too few usable images.
    """
    name, options = source.spec, source.options
    require_no_table_options(name, options)
    if source.ready:
        return load_ready(name, options)
    pool = read_unsplit(name, options, source.images)
    if len(pool.examples) < FEWEST:
        raise UserError(_too_few(name, len(pool.examples), pool))
    train, test, remarks = split_pool(pool)
    return Dataset.of(name, train, test, pool.names, pool.skipped, mirrored=options.flip, remarks=remarks)


def load_ready(name: str, options: Options) -> Dataset:
    """A named set, X+edges, or a prepared set. Raises UserError for options that do not suit it."""
    if name in MIXTURES:
        return load_points(name, options)
    if name in NAMED:
        return _named_images(name, options)
    if (bare := strip_edges_suffix(name)) is not None:
        return add_edge_domain(load_images(_only_images(DataSource(bare, options))), name)
    return load_prepared(Path(name).expanduser(), name, options)


def load_points(name: str, options: Options) -> Dataset:
    """A named mixture of `sparring.data.points`; networks see it at standard deviation 1."""
    _no_labels(options, f"{name} has its own")
    require_no_table_options(name, options)
    if options.size or options.flip or options.channels != "auto":
        raise UserError(f"{name} is of points, without size, channels or mirror images: leave these out")
    train, test, names = NAMED[name]()
    return Dataset.of(name, train, test, names, modality="point", facts=ArrayFacts(float(train.values.std())))


def load_pairs(source: DataSource) -> Dataset:
    """Images of two domains: from folders of each, or from images that hold both side by side."""
    name, options = source.spec, source.options
    require_no_table_options(name, options)
    if source.domains:
        data = load_domains(name, source.domains, options)
    else:
        assert source.images is not None
        data = load_side_by_side(name, source.images, options)
    if (n := len(data.train) + len(data.test)) < FEWEST:
        raise UserError(f"{one_line(name)} has only {n} pairs: {FEWEST} are needed")
    return data


def load_table_file(source: DataSource) -> Dataset:
    """Rows of a CSV or parquet file."""
    name, options = source.spec, source.options
    if options.size or options.flip or options.channels != "auto" or options.labels:
        raise UserError(
            f"{one_line(name)} is a table, without size, channels, mirror images or labels: leave these out"
        )
    assert source.table is not None
    return load_table(name, source.table, options.columns, options.constraints, options.target)


def read_unsplit(spec: str | Path, options: Options, source: FileSource | None = None) -> UnsplitDataset:
    """All images of a folder or file, however few. Raises UserError for a SPEC of something else.

    Args:
        source: the SPEC's image files, if they are listed already.
    """
    source = source or file_source(str(spec))
    path = Path(str(spec)).expanduser()
    if source is not None:
        return read_images(source, options)
    read = _by_ending(ARRAYS, path)
    if read is None:
        raise unreadable(spec)
    _no_labels(options, f"{one_line(spec)} holds its own")
    pool = read(path)
    return replace(pool, examples=to_channels_and_size(pool.examples, options))


def unreadable(spec: str | Path) -> UserError:
    """For a path that no reader takes."""
    return UserError(
        f"{one_line(spec)} ends like no file that is read: give a folder of images "
        f"({', '.join(ending[1:] for ending in IMAGE_SUFFIXES)}), "
        f"or a file that ends in {', '.join([*SOURCES, *ARRAYS, *TABLE_SUFFIXES[:-1]])}"
    )


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


def _named_images(name: str, options: Options) -> Dataset:
    _no_labels(options, f"{name} has its own")
    require_no_table_options(name, options)
    train, test, names = NAMED[name]()
    train, test = to_channels_and_size(train, options), to_channels_and_size(test, options)
    return Dataset.of(name, train, test, names, mirrored=options.flip)


def _only_images(source: DataSource) -> DataSource:
    """Raises UserError for what has no edges: points, rows and pairs."""
    unsuitable = {
        "points": source.spec in MIXTURES,
        "tables": not source.ready and source.table,
        "pairs": source.domains or (source.images and source.options.direction),
    }
    what = next((name for name, applies in unsuitable.items() if applies), "")
    if what:
        raise UserError(f"{one_line(source.spec)} has {what}, and edges need images: leave out {EDGES_SUFFIX}")
    return source


def require_no_table_options(name: str, options: Options) -> None:
    """Raises UserError where options of tables are set."""
    if options.has_table_options:
        raise UserError(f"{one_line(name)} is no table: leave columns, constraints and target out")


def _no_labels(options: Options, why: str) -> None:
    if options.labels:
        raise UserError(f"a label file is for folders and zips, and {why}: leave it out")


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
