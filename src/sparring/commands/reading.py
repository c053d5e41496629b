"""The flags that say which data, and how it is read; shared by every command that takes data."""

import argparse
from typing import Any

SPEC = (
    "a named set (digits, mnist, …), a folder of images, or a .zip, .npz, idx, .parquet file; "
    "with +edges behind it, each image beside the edges of another"
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that say how data is read."""
    parser.add_argument("--size", help="64, or 64x96 for height x width (default: as found)")
    parser.add_argument("--fit", default="crop", help="another aspect ratio is: crop, pad, stretch")
    parser.add_argument("--channels", default="auto", help="auto, grey, rgb, rgba")
    parser.add_argument("--flip", action="store_true", help="use every image mirrored too")
    parser.add_argument("--labels", metavar="FILE", help="a CSV or JSON of classes or attribute vectors")


def options(args: argparse.Namespace) -> Any:
    from sparring.data import Options

    size = Options.parse_size(args.size) if args.size else None
    return Options(size, args.fit, args.channels, args.flip, args.labels)
