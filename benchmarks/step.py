"""Rounds of five games against the plain loops of the tutorials, side by side, in one process.

    python benchmarks/step.py [--cases dcgan mlp-gan wgan-gp r3gan stylegan2] [--batch N] [--rounds 15] [--threads N]
        [--keep] [--compiled] [--json]

Same networks, batch and data shape. Plain: fp32, eager, the default memory format, PyTorch's own operations and their
derivatives, Adam as it comes, the critic's weight gradients taken in the generator's step too. Ours: what `spar train`
does on this machine, with the number format and the products that it measures for itself. With --compiled a third side
is the plain loop with the one line that a reader of manuals adds, `torch.compile` of both networks under bf16 autocast,
where there is no double backward. All use one allocator, glibc's as it comes or as `--keep` tells it. Sides alternate,
so that a drifting machine touches all alike; a time is a whole cycle of lazy penalties, over its rounds.

The matrix rate is that of a square product, in our side's number format. "At most" is what "× plain" would be if our
products and convolutions ran at that rate and all else took no time.
"""

import argparse
import copy
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from unittest.mock import patch

import plain
import torch
from torch import Tensor, nn

import sparring
from sparring.api import configure
from sparring.build.game import build_game
from sparring.data import Dataset
from sparring.networks.layers import conv_ops, dropout
from sparring.recipes import RECIPES, Network, Recipe
from sparring.training.config.config import Config
from sparring.training.loop.precision import PRECISIONS
from sparring.training.profile.breakdown import OpCounter
from sparring.training.profile.roofline import product_rate
from sparring.training.run.assemble import initial_loop
from sparring.training.run.machine_settings import resolve_machine_settings
from sparring.training.tuning import allocator

LONG = 100_000
"""Rounds of a run that is worth measuring for."""


@dataclass(frozen=True)
class Case:
    recipe: Recipe
    shape: tuple[int, int, int]
    plain: Callable[..., None]
    cycle: int = 1
    """Rounds until the same turns come again."""
    once: bool = True
    """It is differentiated once, which is what compilers take."""


def paper(recipe: Recipe, **numbers: int) -> Recipe:
    """The recipe with networks as wide as its paper's."""
    networks = {"generator": recipe.generator, "critic": recipe.critic}
    return replace(recipe, **{k: Network(net.name, {**net.numbers, **numbers}) for k, net in networks.items()})


CASES = {
    "dcgan": Case(paper(RECIPES["dcgan"], width=64), (3, 64, 64), plain.train),
    "mlp-gan": Case(RECIPES["mlp-gan"], (1, 28, 28), plain.train),
    "wgan-gp": Case(paper(RECIPES["wgan-gp"], width=64), (3, 32, 32), plain.wgan_gp, once=False),
    "r3gan": Case(RECIPES["r3gan"], (3, 32, 32), plain.r3gan, once=False),
    "stylegan2": Case(RECIPES["stylegan2"], (3, 64, 64), plain.stylegan2, cycle=16, once=False),
}


def seconds(play: Callable[[], object], cycle: int) -> float:
    """Of one round."""
    start = time.perf_counter()
    play()
    return (time.perf_counter() - start) / cycle


def gflop(play: Callable[[], object], cycle: int) -> float:
    """Of the products and convolutions of one round."""
    with OpCounter() as counted:
        play()
    return counted.flops / cycle / 1e9


@contextmanager
def stock() -> Iterator[None]:
    """Our layers take PyTorch's own operations, as under a compiler; nothing else is told that there is one."""
    with ExitStack() as stack:
        for layers in (conv_ops, dropout):
            stack.enter_context(patch.object(layers, "is_compiling", return_value=True))
        yield


def theirs(case: Case, G: nn.Module, D: nn.Module, x: Tensor, compiled: bool = False) -> Callable[[], None]:
    """A cycle of the plain loop."""
    recipe, (G, D) = case.recipe, (copy.deepcopy(net).train() for net in (G, D))
    opt_G, opt_D = (torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999)) for net in (G, D))
    made, judged = (torch.compile(net) if compiled else net for net in (G, D))

    def play() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=compiled), stock():
            case.plain(made, judged, [(x, opt_G, opt_D)] * case.cycle, lambda n: torch.randn(n, recipe.z))

    return play


def ours(config: Config, data: Dataset, cycle: int) -> Callable[[], None]:
    loop = initial_loop(config, data, torch.device("cpu"))

    def play() -> None:
        for _ in range(cycle):
            loop.round()

    return play


def measured(case: Case, args: argparse.Namespace) -> dict:
    recipe = replace(case.recipe, batch=args.batch or case.recipe.batch)
    images = torch.randint(256, (12 * recipe.batch, *case.shape), dtype=torch.uint8)
    data = sparring.of_arrays(images)
    config = configure(recipe, data, images=LONG * recipe.batch, threads=args.threads, device="cpu")
    game, x = build_game(recipe, case.shape), images[: recipe.batch] / 127.5 - 1
    G, D = game.players["G"], game.players["D"]
    config = resolve_machine_settings(config, data)
    sides = {"plain": theirs(case, G, D, x)}
    if args.compiled and case.once:
        sides["compiled"] = theirs(case, G, D, x, compiled=True)
    sides["ours"] = ours(config, data, case.cycle)
    for side in [*sides.values()] * 2:
        side()
    times = {name: [] for name in sides}
    for _ in range(args.rounds):
        for name, side in sides.items():
            times[name].append(seconds(side, case.cycle))
    took = {name: statistics.median(column) for name, column in times.items()}
    told = {"seconds": took, "ratio": {name: t / took["ours"] for name, t in took.items()}, "batch": recipe.batch}
    told |= {"precision": config.precision, "products": config.machine.lowered_convs}
    rate = product_rate(torch.randn(2048, 2048).to(PRECISIONS[config.precision] or torch.float32))
    least = gflop(sides["ours"], case.cycle) / rate
    return told | {"gflops": rate, "share_of_rate": least / took["ours"], "ceiling": took["plain"] / least}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--batch", type=int, help="of every case; by default the recipe's own")
    parser.add_argument("--rounds", type=int, default=15, help="times that each side plays a cycle")
    parser.add_argument("--keep", action="store_true", help="tell the allocator, of all, to keep what is freed")
    parser.add_argument("--compiled", action="store_true", help="the compiled plain loop beside the others")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.keep:
        allocator.keep_freed_memory()
    found = {}
    for name in args.cases:
        found[name] = measured(CASES[name], args)
        print(name, found[name], file=sys.stderr)
    cpu = torch.cpu.get_capabilities()
    units = [unit for unit in ("amx_bf16", "avx512_bf16") if cpu.get(unit)]
    about = {"threads": args.threads, "keep": args.keep, "units": units, "torch": torch.__version__}
    if args.json:
        print(json.dumps(about | {"cases": found}))
        return
    print(
        "| game | batch | plain, ms | compiled, ms | ours, ms | × plain | × compiled | of the matrix rate | at most |"
    )
    print(f"|{'---|' * 9}")
    for name, row in found.items():
        ms = partial(cell, row["seconds"], 1e3, ".1f")
        times = partial(cell, row["ratio"], 1, ".2f")
        share = f"{row['share_of_rate']:.0%} ({row['precision']}) | {row['ceiling']:.1f}"
        columns = (row["batch"], ms("plain"), ms("compiled"), ms("ours"), times("plain"), times("compiled"), share)
        print(f"| {name} | {' | '.join(map(str, columns))} |")
    print(about)


def cell(row: dict[str, float], factor: float, form: str, name: str) -> str:
    return f"{factor * row[name]:{form}}" if name in row else ""


if __name__ == "__main__":
    main()
