"""The flags that select and read data, shared by all commands that take data."""

import argparse
from typing import Any

from sparring.errors import UserError, one_line

SPEC = (
    "a named set (digits, mnist, …), a folder of images, or a .zip, .npz, idx, .parquet file; "
    "a table: .csv, .tsv, .parquet; "
    "with +edges appended, each image with the edges of another"
)


def add_data_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of `Options`."""
    parser.add_argument("--size", help="64, or 64x96 for height x width (default: that of the data)")
    parser.add_argument("--fit", default="crop", help="for another aspect ratio: crop, pad, stretch (default: crop)")
    parser.add_argument("--channels", default="auto", help="auto, grey, rgb, rgba")
    parser.add_argument("--flip", action="store_true", help="add a mirrored copy of every image")
    parser.add_argument("--direction", default="", help="of two domains: AtoB, BtoA (see docs/guide/image-to-image.md)")
    parser.add_argument("--labels", metavar="FILE", help="a CSV or JSON of classes or attribute vectors")
    parser.add_argument(
        "--columns", nargs="+", default=(), metavar="NAME=KIND", help="of tables: number, category, identifier, drop"
    )
    parser.add_argument(
        "--constraints",
        nargs="+",
        default=(),
        metavar="TEXT",
        help="of tables: 'a <= b', 'a + b = c', 'a = b * c', 'a = b / c', 'unique(a, b)', 'only(a, b)'",
    )
    parser.add_argument(
        "--target", default="", metavar="NAME", help="of tables: target column for ML efficacy (default: the last)"
    )


def add_run_data_flags(parser: argparse.ArgumentParser) -> None:
    """The flags for the data of an existing run."""
    parser.add_argument("--data", metavar="SPEC", help="where the run's data is now, if it was moved")
    parser.add_argument("--changed-data", action="store_true", help="use it though it is not the data of the training")


def options(args: argparse.Namespace) -> Any:
    from sparring.data import Options

    size = Options.parse_size(args.size) if args.size else None
    columns = tuple(pair(text) for text in args.columns)
    images = (size, args.fit, args.channels, args.flip, args.labels)
    return Options(*images, columns, tuple(args.constraints), args.target, args.direction)


def pair(text: str) -> tuple[str, str]:
    """Splits "NAME=VALUE". Raises UserError for text of another form."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UserError(f"'{one_line(text)}' is not understood: write NAME=VALUE")
    return name, value
