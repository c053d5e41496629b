"""A round of DCGAN-64 against the plain loop of the tutorials, side by side, in one process.

Same networks, batch and data shape. Plain: fp32, eager, the default memory format, Adam as it comes, the critic's
weight gradients taken in the generator's step too. Ours: what `spar train dcgan --size 64` does on this machine,
products for convolutions included. Both use one allocator, glibc's as it comes or as `--keep` tells it. Rounds
alternate, so that a drifting machine touches both alike.

    python benchmarks/step.py [--json] [--rounds 15] [--batch 64] [--threads N] [--keep]
"""

import argparse
import copy
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from plain import train as plain_round
from torch.utils.flop_counter import FlopCounterMode

from sparring.recipes import RECIPES, Network
from sparring.training import allocator
from sparring.training import precision as machine
from sparring.training.limits import product_rate
from sparring.training.loop import Loop
from sparring.training.precision import PRECISIONS
from sparring.training.quicker import hasten, quicker

SHAPE = (3, 64, 64)


class Noise:
    """Random images, already in the networks' range: the step is measured, not the data."""

    def __init__(self, n: int):
        self.x = torch.rand(n, *SHAPE) * 2 - 1

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, i: torch.Tensor):
        return self.x[i], None


def seconds(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def gflop(game, batch: int) -> float:
    """Of one round: each forward pass once, weight and input gradients where somebody learns: 3 G + 8 D."""
    G, D = (copy.deepcopy(game.players[name]).eval() for name in ("G", "D"))
    z, x = torch.randn(batch, 100), torch.randn(batch, *SHAPE)
    total = 0.0
    for net, input, passes in ((G, z, 3), (D, x, 8)):
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            net(input)
        total += passes * counter.get_total_flops()
    return total / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--keep", action="store_true", help="tell the allocator, of both, to keep what is freed")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    precision = machine.precision("auto", torch.device("cpu"))
    paper = {"width": 64}  # the paper's own
    recipe = replace(
        RECIPES["dcgan"], generator=Network("dcgan-generator", paper), critic=Network("dcgan-critic", paper)
    )
    game, source = recipe.game(SHAPE), Noise(8 * args.batch)
    if args.keep:
        allocator.keep()
    G, D = (copy.deepcopy(game.players[name]).train() for name in ("G", "D"))
    opt_G, opt_D = (torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999)) for net in (G, D))
    settings = replace(recipe.settings(autocast=PRECISIONS[precision]), batch=args.batch)
    thrown_away = copy.deepcopy(game).to(memory_format=torch.channels_last)
    products = quicker(Loop(thrown_away, source, settings))
    hasten(game, products)
    loop = Loop(game.to(memory_format=torch.channels_last), source, settings)
    batch = source.x[: args.batch]

    def plain() -> None:
        plain_round(G, D, [(batch, opt_G, opt_D)], lambda n: torch.randn(n, 100))

    for _ in range(3):
        plain(), loop.round()
    times = [(seconds(plain), seconds(loop.round)) for _ in range(args.rounds)]
    theirs, ours = (statistics.median(column) for column in zip(*times, strict=True))
    rate = product_rate(torch.randn(2048, 2048).to(PRECISIONS[precision] or torch.float32))
    result = {
        "ratio": theirs / ours,
        "ours_images_per_second": args.batch / ours,
        "plain_images_per_second": args.batch / theirs,
        "gemm_fraction": gflop(game, args.batch) / ours / rate,
        "products": products,
        "keep": args.keep,
        "precision": precision,
        "amx": bool(torch.cpu.get_capabilities().get("amx_bf16")),
        "threads": args.threads,
        "batch": args.batch,
    }
    if args.json:
        print(json.dumps(result))
        return
    print(f"DCGAN-64, batch {args.batch}, {args.threads} threads, {precision}; medians of {args.rounds} rounds")
    print(f"plain {theirs * 1e3:7.0f} ms  {args.batch / theirs:7.1f} images/s")
    print(f"ours  {ours * 1e3:7.0f} ms  {args.batch / ours:7.1f} images/s  × {theirs / ours:.2f}")
    print(f"{result['gemm_fraction']:.0%} of this machine's matrix rate ({rate:,.0f} GFLOP/s)")


if __name__ == "__main__":
    main()
