"""`spar data scan`, `spar data preview` and `spar data prepare`."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparring.commands import data_flags
from sparring.commands.base import Add, Answer, say
from sparring.errors import UserError

if TYPE_CHECKING:
    from sparring.modalities.base import Preview


def add(command: Add) -> None:
    parser = command("scan", scan, "Summarise a data set and check it for defects.")
    parser.add_argument("data", metavar="SPEC", help=data_flags.SPEC)
    data_flags.add_data_flags(parser)
    parser.add_argument("--out", help="write a contact sheet here (.png)")
    parser.add_argument("--sheet", help="write a contact sheet of the suspects here, by issue (.png)")
    parser.add_argument("--against", metavar="SPEC", help="only check for images that are in both data sets (leaks)")

    parser = command("preview", preview, "Save examples as the network will see them.")
    parser.add_argument("data", metavar="SPEC", help=data_flags.SPEC)
    data_flags.add_data_flags(parser)
    parser.add_argument("--damage", default="", help="show degraded inputs beside them, such as blur:1-2,noise:0.1")
    parser.add_argument("--out", required=True, help="the image to write (.png)")

    parser = command("prepare", prepare, "Decode images once, to a memory-mapped data set that may exceed memory.")
    parser.add_argument("data", metavar="SPEC", help="a folder, .zip, .tar or .parquet, a folder of these, or hf:NAME")
    parser.add_argument("out", metavar="OUT", help="the folder to write; continues an interrupted preparation")
    data_flags.add_data_flags(parser)
    parser.add_argument(
        "--drop", default="", metavar="NAME,…", help="leave out suspects of checks: duplicates,near-duplicates,blank,…"
    )
    parser.add_argument("--workers", type=int, help="decoding processes (default: one per core)")


def scan(args: argparse.Namespace) -> Answer:
    from sparring.data.scan.image_set import ScannedImages
    from sparring.data.scan.scan import scan_with_examples
    from sparring.data.scan.sheet import suspects_sheet
    from sparring.modalities.preview import overview

    options = data_flags.options(args)
    if args.against:
        return _against(args, options)
    result, seen = scan_with_examples(args.data, options)
    say(args, result.table())
    if args.out:
        _write_preview(overview(args.data, options, seen), args.out)
    if args.sheet:
        _sheet(args, suspects_sheet(seen, result.findings) if isinstance(seen, ScannedImages) else None)
    return result.to_dict()


def _against(args: argparse.Namespace, options: Any) -> Answer:
    from sparring.data.scan.checks import run_checks
    from sparring.data.scan.finding import issue_lines
    from sparring.data.scan.open import open_two
    from sparring.data.scan.sheet import suspects_sheet

    looked = open_two(args.data, args.against, options)
    result = run_checks(looked, ["leaks"])
    say(args, "\n".join(issue_lines(result)))
    if args.sheet:
        _sheet(args, suspects_sheet(looked, result))
    return {"spec": args.data, "against": args.against, "findings": result}


def preview(args: argparse.Namespace) -> Answer:
    from sparring.modalities.load import load_dataset
    from sparring.modalities.preview import degraded_preview, network_preview

    data = load_dataset(args.data, data_flags.options(args))
    steps = tuple(filter(None, args.damage.split(",")))
    _write_preview(degraded_preview(data, steps) if steps else network_preview(data), args.out)
    say(args, f"preview: {args.out}")
    return {"out": args.out}


def prepare(args: argparse.Namespace) -> Answer:
    from sparring.data.load import preparable_source
    from sparring.data.prepare.prepare import prepare_dataset
    from sparring.data.scan.checks import parse_drop

    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = workers if args.workers is None else args.workers
    out, drop = Path(args.out).expanduser(), parse_drop(args.drop)
    metadata, decoded = prepare_dataset(preparable_source(args.data), out, data_flags.options(args), workers, drop)
    c, h, w = metadata.shape
    n = metadata.train + metadata.test
    did = f"{decoded:,} decoded" if decoded else "already prepared, all pixels verified"
    left = f"; {len(metadata.broken):,} skipped, such as {': '.join(metadata.broken[0])}" if metadata.broken else ""
    say(args, f"{n:,} images of {c} channels, {h}x{w}, {len(metadata.names)} classes or attributes: {did}{left}")
    say(args, f"fingerprint {metadata.fingerprint}; train on it with --data {args.out}")
    about = {"out": args.out, "images": n, "train": metadata.train, "test": metadata.test, "shape": metadata.shape}
    return about | {
        "names": metadata.names,
        "fingerprint": metadata.fingerprint,
        "decoded": decoded,
        "broken": metadata.broken,
    }


def _sheet(args: argparse.Namespace, picture: Any) -> None:
    if picture is None:
        say(args, "no suspects, so no sheet was written")
    else:
        from sparring.modalities.base import Preview

        _write_preview(Preview.png(picture), args.sheet)


def _write_preview(preview: "Preview", out: str) -> None:
    from sparring.storage.atomic import write_bytes

    if Path(out).exists():
        raise UserError(f"{out} exists: choose another --out")
    write_bytes(Path(out), preview.content)
