"""`spar bench step` and `spar bench scaling`."""

import argparse
from dataclasses import asdict

from sparring.commands import data_flags
from sparring.commands.base import Add, Answer, numbers, say
from sparring.commands.setting_flags import add_setting_flags, settings_of
from sparring.errors import UserError
from sparring.recipes import get_recipe

SETTINGS = ("examples", "device", "precision", "threads")
"""Settings of a run that `spar bench step` takes."""


def add(command: Add) -> None:
    parser = command("step", step, "The time of each section of a round on this machine, compared with its roofline.")
    parser.add_argument("recipe", metavar="RECIPE", nargs="?", default="dcgan")
    parser.add_argument("--data", metavar="SPEC", default="digits", help=f"{data_flags.SPEC} (default: digits)")
    data_flags.add_data_flags(parser)
    parser.add_argument("--rounds", type=int, default=10, help="rounds to time of each kind (default: 10)")
    add_setting_flags(parser, SETTINGS)
    parser.set_defaults(takes_more=True)

    parser = command("scaling", scaling, "The speed-up of more GPUs, by a cost model of a round.")
    parser.add_argument("recipe", metavar="RECIPE", nargs="?", default="dcgan")
    parser.add_argument("--gpus", default="1,8,64,1024", help="numbers of processes (default: 1,8,64,1024)")
    parser.add_argument("--bandwidth", type=float, required=True, help="GB/s between processes, or nodes if several")
    parser.add_argument("--latency", type=float, default=10.0, help="microseconds a hop (default: 10)")
    parser.add_argument("--shape", default="3x64x64", help="of an image (default: 3x64x64)")
    parser.add_argument("--batch", type=int, help="images a process (default: the recipe's batch)")
    parser.add_argument("--step", type=float, help="milliseconds of a round on one (default: measured on this machine)")
    parser.add_argument("--data-rate", type=float, default=float("inf"), help="images a second a process can read")


def step(args: argparse.Namespace) -> Answer:
    import torch

    from sparring import api
    from sparring.build.overrides import with_flags
    from sparring.training.loop.precision import PRECISIONS
    from sparring.training.loop.precision import device as on
    from sparring.training.profile.roofline import limits

    recipe = with_flags(get_recipe(args.recipe), numbers(args))
    config = api.configure(recipe, args.data, data_options=data_flags.options(args), **settings_of(args, SETTINGS))
    config, parts = api.profile(config, args.rounds)
    best = limits(on(config.device), PRECISIONS[config.precision] or torch.float32)
    whole = sum(part.seconds for part in parts.values())
    how = f"{config.precision}, {config.device}, {config.threads} threads"
    say(args, f"{recipe.name} on {args.data}: {whole * 1e3:,.1f} ms a round of {recipe.batch} ({how})")
    say(args, f"this machine at best: {best.gflops:,.0f} GFLOP/s, {best.bandwidth:,.1f} GB/s")
    say(args, f"{'':<12} {'ms':>9} {'share':>6} {'GFLOP':>8} {'GB':>7} {'of its best':>12}")
    for name, part in sorted(parts.items(), key=lambda item: -item[1].seconds):
        near = f"{part.floor(best) / part.seconds:>12.0%}" if part.floor(best) else f"{'':>12}"
        counts = f"{part.gflop:>8,.2f} {part.gigabytes:>7,.3f}"
        say(args, f"{name:<12} {part.seconds * 1e3:>9,.2f} {part.seconds / whole:>6.1%} {counts} {near}")
    rows = {name: asdict(part) | {"floor": part.floor(best)} for name, part in parts.items()}
    return {"config": asdict(config), "limits": asdict(best), "parts": rows}


def scaling(args: argparse.Namespace) -> Answer:
    from sparring.build.game import build_game
    from sparring.training.profile.cost_model import Cost, Interconnect, averaged, weak_scaling
    from sparring.training.profile.forecast import recipe_round_time

    recipe, shape = get_recipe(args.recipe), _numbers(args.shape, "x", "shape", 3)
    batch = recipe.batch if args.batch is None else args.batch
    classes = 10 if recipe.conditional else 0
    seconds = recipe_round_time(recipe, shape, batch, classes) if args.step is None else args.step / 1e3
    sizes = averaged(build_game(recipe, shape, {}, classes))
    cost = Cost(seconds, batch, sizes, args.data_rate)
    link = Interconnect(args.bandwidth * 1e9, args.latency * 1e-6)
    rows = weak_scaling(cost, link, _numbers(args.gpus, ",", "gpus"))
    told = sum(size * often for size, often in sizes) / 1e6
    say(
        args,
        f"{recipe.name} at {args.shape}: {seconds * 1e3:,.1f} ms a round of {batch} alone, {told:,.1f} MB averaged",
    )
    say(args, f"{'processes':>9} {'batch':>9} {'ms/round':>10} {'images/s':>12} {'efficiency':>10}")
    for row in rows:
        cells = f"{row.seconds * 1e3:>10,.2f} {row.images_per_second:>12,.0f} {row.efficiency:>10.0%}"
        say(args, f"{row.processes:>9,} {row.batch:>9,} {cells}")
    return {"recipe": recipe.name, "round": asdict(cost), "link": asdict(link), "rows": [asdict(row) for row in rows]}


def _numbers(text: str, mark: str, what: str, count: int | None = None) -> tuple[int, ...]:
    """Whole numbers above 0 between marks."""
    words = text.split(mark)
    if not all(word.strip().isdecimal() and int(word) > 0 for word in words) or count not in (None, len(words)):
        example = {"x": "3x64x64", ",": "8,64,1024"}[mark]
        raise UserError(f"can't read --{what} '{text}': write it like {example}")
    return tuple(int(word) for word in words)
