"""`spar apply`."""

import argparse
import sys
from functools import partial
from pathlib import Path

from sparring.commands.base import Add, Answer, say
from sparring.errors import UserError

TOLD = 10


def add(command: Add) -> None:
    parser = command(
        "apply", apply, "What a model makes of pictures: translated, restored, enlarged; or reconstructed."
    )
    parser.add_argument("run", metavar="RUN")
    parser.add_argument(
        "input", metavar="INPUT", help="a picture, a folder, a zip, a film; to reconstruct, also a named set"
    )
    parser.add_argument(
        "--n", type=int, help="of a model with an encoder: the first so many of the input (default: all)"
    )
    parser.add_argument(
        "--mask", metavar="M", help="white where pixels are lost: a picture, or a folder of NAME_mask.png"
    )
    parser.add_argument("--label", metavar="L", help="the class that pictures are moved to, for models that know some")
    parser.add_argument("--tile", type=int, default=0, help="cut large pictures into parts of this side, in pixels")
    parser.add_argument("--sheet", metavar="PNG", help="write befores and afters side by side")
    parser.add_argument("--weights", choices=("best", "last"))
    parser.add_argument(
        "--out",
        required=True,
        help="a picture (.png, .jpg, .webp, .tif) for a picture, a folder for several, a film (.gif, .webp, .mp4, "
        ".mov, .mkv, .webm) for a film; to reconstruct: originals above their reconstructions (.png), arrays (.npz), a "
        "folder of PNG files",
    )


def apply(args: argparse.Namespace) -> Answer:
    from sparring.models.load import load_model
    from sparring.models.translator import ImageToImageModel

    model = load_model(args.run, args.weights)
    return _translated(args, model) if isinstance(model, ImageToImageModel) else _reconstructed(args, model)


def _translated(args: argparse.Namespace, model) -> Answer:
    from sparring.apply import translate, video

    if args.n is not None:
        raise UserError("--n is of models with an encoder: name the pictures instead")
    if args.mask and not model.masked:
        raise UserError(f"{model.spec.recipe.name} fills no holes: leave --mask out")
    model.target_domain(args.label)  # refuses before anything is read
    make = partial(model.apply_tiled, tile=args.tile, label=args.label)
    out, sheet = Path(args.out), Path(args.sheet) if args.sheet else None
    if sheet is not None:
        translate.free(sheet)
    moving = video.film(args.input)
    if moving is None:
        done, what = translate.translate_images(model, args.input, out, make, args.mask, sheet), "pictures"
    else:
        done, what = video.translate_video(model, args.input, moving, out, make, args.mask, sheet), "frames"
    _left_out(done.broken)
    said = f"; tiles were faded into each other, and differed by {done.apart:.2f} of 255 where they met"
    say(args, f"{done.written:,} {what}: {args.out}{said if args.tile and not model.local else ''}")
    about = {"tile": args.tile, "exact": model.local or not args.tile, "tiles_apart": done.apart}
    return {what: done.written, "left_out": done.broken, **about, "out": args.out}


def _reconstructed(args: argparse.Namespace, model) -> Answer:
    from sparring.apply.reconstruct import write_reconstructions

    if args.mask or args.tile or args.sheet or args.label:
        name = model.spec.recipe.name
        raise UserError(
            f"--mask, --label, --tile and --sheet are of models that make pictures of pictures, and {name} is none"
        )
    done = write_reconstructions(model, args.input, Path(args.out), args.n)
    _left_out(done.broken)
    n = len(done.before)
    say(args, f"{n:,} of {done.found:,} images, mean squared error {done.error:.4f} (brightness 0 to 1): {args.out}")
    return {"images": n, "found": done.found, "left_out": len(done.broken), "error": done.error, "out": args.out}


def _left_out(broken) -> None:
    for name, why in broken[:TOLD]:
        print(f"left out: {name} ({why})", file=sys.stderr)
    if len(broken) > TOLD:
        print(f"… and {len(broken) - TOLD:,} more", file=sys.stderr)
