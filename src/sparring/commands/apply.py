"""`spar apply`."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from sparring.commands.base import Add, Answer, say
from sparring.errors import UserError

MAX_LISTED = 10
"""Skipped files that are named."""


def add(command: Add) -> None:
    parser = command("apply", apply, "Apply a model to images: translate, restore, enlarge, or reconstruct them.")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument(
        "input", metavar="INPUT", help="an image, folder, zip or video; to reconstruct, also a named data set"
    )
    parser.add_argument("--n", type=int, help="for models with an encoder: the first N images (default: all)")
    parser.add_argument(
        "--mask", metavar="M", help="white where pixels are missing: an image, or a folder of NAME_mask.png"
    )
    parser.add_argument("--invert-mask", action="store_true", help="black where pixels are missing")
    parser.add_argument("--label", metavar="L", help="target class, for models that have classes")
    parser.add_argument("--tile", type=int, default=0, help="cut large images into tiles of this side, in pixels")
    parser.add_argument("--sheet", metavar="PNG", help="also write inputs and outputs side by side")
    parser.add_argument("--weights", choices=("best", "last"))
    parser.add_argument(
        "--out",
        required=True,
        help="a file (.png, .jpg, .webp, .tif) for an image, a folder for several, a video (.gif, .webp, .mp4, .mov, "
        ".mkv, .webm) for a video; to reconstruct: originals above their reconstructions (.png), arrays (.npz), a "
        "folder of PNG files",
    )


def apply(args: argparse.Namespace) -> Answer:
    from sparring.models.load import load_model
    from sparring.models.translator import ImageToImageModel

    model = load_model(args.run, args.weights)
    return _translated(args, model) if isinstance(model, ImageToImageModel) else _reconstructed(args, model)


def _translated(args: argparse.Namespace, model) -> Answer:
    from sparring.apply import translate, video
    from sparring.apply.masks import mask_remarks

    if args.n is not None:
        raise UserError("--n is for models with an encoder: omit it, and pass the images to translate")
    if args.mask and not model.masked:
        raise UserError(f"{model.spec.recipe.name} fills no holes: omit --mask")
    model.target_domain(args.label)  # fails before anything is read
    apply_tiled = partial(model.apply_tiled, tile=args.tile, label=args.label)
    out, sheet = Path(args.out), Path(args.sheet) if args.sheet else None
    options = (args.mask, sheet, args.invert_mask)
    if sheet is not None:
        translate.check_new(sheet)
    animation = video.open_animation(args.input)
    if animation is None:
        unit = "images"
        result = translate.translate_images(model, args.input, out, apply_tiled, *options)
    else:
        unit = "frames"
        result = video.translate_video(model, args.input, animation, out, apply_tiled, *options)
    _list_skipped(result.skipped)
    for remark in mask_remarks(result.missing[:1] if animation else result.missing):
        print(remark, file=sys.stderr)
    blended = f"; overlapping tiles were blended, and differed by {result.disagreement:.2f} of 255 on average"
    say(args, f"{result.written:,} {unit}: {args.out}{blended if args.tile and not model.local else ''}")
    tiles = {"tile": args.tile, "exact": model.local or not args.tile, "tile_disagreement": result.disagreement}
    return {unit: result.written, "skipped": result.skipped, **tiles, "out": args.out}


def _reconstructed(args: argparse.Namespace, model) -> Answer:
    from sparring.apply.reconstruct import write_reconstructions

    if args.mask or args.tile or args.sheet or args.label:
        raise UserError(f"{model.spec.recipe.name} translates no images: omit --mask, --label, --tile and --sheet")
    result = write_reconstructions(model, args.input, Path(args.out), args.n)
    _list_skipped(result.skipped)
    n, error = len(result.before), result.error
    say(args, f"{n:,} of {result.available:,} images, mean squared error {error:.4f} (brightness 0 to 1): {args.out}")
    counts = {"images": n, "available": result.available, "skipped": len(result.skipped)}
    return {**counts, "error": error, "out": args.out}


def _list_skipped(skipped: Sequence[tuple[str, str]]) -> None:
    for name, why in skipped[:MAX_LISTED]:
        print(f"skipped: {name} ({why})", file=sys.stderr)
    if len(skipped) > MAX_LISTED:
        print(f"… and {len(skipped) - MAX_LISTED:,} more", file=sys.stderr)
