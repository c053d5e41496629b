"""`spar data scan`, `spar data preview` and `spar data prepare`."""

import argparse
import os
from pathlib import Path
from typing import Any

from sparring.commands import data_flags
from sparring.commands.base import Add, Answer, say
from sparring.errors import UserError


def add(command: Add) -> None:
    parser = command("scan", scan, "What is in it, and what may be wrong with it, with reasons.")
    parser.add_argument("data", metavar="SPEC", help=data_flags.SPEC)
    data_flags.add_flags(parser)
    parser.add_argument("--out", help="write a contact sheet here (.png)")
    parser.add_argument("--sheet", help="write the suspects here, by finding (.png)")
    parser.add_argument("--against", metavar="SPEC", help="only look for images that are in both (leaks)")

    parser = command("preview", preview, "What the network will see, as a picture.")
    parser.add_argument("data", metavar="SPEC", help=data_flags.SPEC)
    data_flags.add_flags(parser)
    parser.add_argument("--damage", default="", help="beside what this makes of it, such as blur:1-2,noise:0.1")
    parser.add_argument("--out", required=True, help="the picture to write (.png)")

    parser = command("prepare", prepare, "Decode pictures once, into a folder to train on that may exceed memory.")
    parser.add_argument("data", metavar="SPEC", help="a folder, .zip, .tar or .parquet, a folder of these, or hf:NAME")
    parser.add_argument("out", metavar="OUT", help="the folder to write; begun before, it is gone on with")
    data_flags.add_flags(parser)
    parser.add_argument(
        "--drop", default="", metavar="NAME,…", help="leave out what scan finds: duplicates,near-duplicates,blank,…"
    )
    parser.add_argument("--workers", type=int, help="decoding processes (default: one a core)")


def scan(args: argparse.Namespace) -> Answer:
    from sparring.data.scan.image_set import ScannedImages
    from sparring.data.scan.scan import overview, scan_with_examples
    from sparring.data.scan.sheet import suspects_sheet

    options = data_flags.options(args)
    if args.against:
        return _against(args, options)
    found, seen = scan_with_examples(args.data, options)
    say(args, found.table())
    if args.out:
        _picture(overview(args.data, options, seen), args.out)
    if args.sheet:
        _sheet(args, suspects_sheet(seen, found.findings) if isinstance(seen, ScannedImages) else None)
    return found.to_dict()


def _against(args: argparse.Namespace, options: Any) -> Answer:
    from sparring.data.scan.checks import run_checks
    from sparring.data.scan.finding import issue_lines
    from sparring.data.scan.open import open_two
    from sparring.data.scan.sheet import suspects_sheet

    looked = open_two(args.data, args.against, options)
    found = run_checks(looked, ["leaks"])
    say(args, "\n".join(issue_lines(found)))
    if args.sheet:
        _sheet(args, suspects_sheet(looked, found))
    return {"spec": args.data, "against": args.against, "findings": found}


def preview(args: argparse.Namespace) -> Answer:
    from sparring.data import load_dataset
    from sparring.data.scan.scan import degraded_preview, network_preview

    data = load_dataset(args.data, data_flags.options(args))
    steps = tuple(filter(None, args.damage.split(",")))
    _picture(degraded_preview(data, steps) if steps else network_preview(data), args.out)
    say(args, f"what the network will see: {args.out}")
    return {"out": args.out}


def prepare(args: argparse.Namespace) -> Answer:
    from sparring.data.load import preparable_source
    from sparring.data.prepare.prepare import prepare_dataset
    from sparring.data.scan.checks import parse_drop

    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = workers if args.workers is None else args.workers
    out, drop = Path(args.out).expanduser(), parse_drop(args.drop)
    held, decoded = prepare_dataset(preparable_source(args.data), out, data_flags.options(args), workers, drop)
    c, h, w = held.shape
    n = held.train + held.test
    did = f"{decoded:,} decoded now" if decoded else "there already, and checked to the last pixel"
    left = f"; {len(held.broken):,} left out, such as {': '.join(held.broken[0])}" if held.broken else ""
    say(args, f"{n:,} images of {c} channels, {h}x{w}, {len(held.names)} classes or attributes: {did}{left}")
    say(args, f"fingerprint {held.fingerprint}; train on it with --data {args.out}")
    about = {"out": args.out, "images": n, "train": held.train, "test": held.test, "shape": held.shape}
    return about | {"names": held.names, "fingerprint": held.fingerprint, "decoded": decoded, "broken": held.broken}


def _sheet(args: argparse.Namespace, picture: Any) -> None:
    if picture is None:
        say(args, "no image is suspected, so there is no sheet")
    else:
        _picture(picture, args.sheet)


def _picture(picture: Any, out: str) -> None:
    from sparring.storage.atomic import atomic_write

    if Path(out).exists():
        raise UserError(f"{out} exists already: choose another --out")
    with atomic_write(Path(out)) as path:
        picture.save(path, "PNG")
