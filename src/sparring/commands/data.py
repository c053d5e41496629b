"""`spar data scan` and `spar data preview`."""

import argparse
from pathlib import Path
from typing import Any

from sparring.commands import reading
from sparring.commands.base import Add, Answer, say
from sparring.errors import UserError


def add(command: Add) -> None:
    parser = command("scan", scan, "Counts, sizes, classes, and broken files with reasons.")
    parser.add_argument("data", metavar="SPEC", help=reading.SPEC)
    reading.add_flags(parser)
    parser.add_argument("--out", help="write a contact sheet here (.png)")

    parser = command("preview", preview, "What the network will see, as a picture.")
    parser.add_argument("data", metavar="SPEC", help=reading.SPEC)
    reading.add_flags(parser)
    parser.add_argument("--out", required=True, help="the picture to write (.png)")


def scan(args: argparse.Namespace) -> Answer:
    from sparring.data import load
    from sparring.data.scan import contact_sheet, scan

    options = reading.options(args)
    found = scan(args.data, options)
    say(args, found.table())
    if args.out:
        _picture(contact_sheet(load(args.data, options)), args.out)
    return found.to_dict()


def preview(args: argparse.Namespace) -> Answer:
    from sparring.data import load
    from sparring.data.scan import preview

    _picture(preview(load(args.data, reading.options(args))), args.out)
    say(args, f"what the network will see: {args.out}")
    return {"out": args.out}


def _picture(picture: Any, out: str) -> None:
    from sparring.files import written_aside

    if Path(out).exists():
        raise UserError(f"{out} exists already: choose another --out")
    with written_aside(Path(out)) as path:
        picture.save(path, "PNG")
