"""Do CoGAN's pairs belong together? Digits and their edges on MNIST, learnt without a pair.

    SPARRING_DATA=… python -m experiments pairs OUT [--seeds 0] [--images 300000] [--pictures DIR] [--json]

OUT holds the runs, of which the ledger (`ledger.py`) keeps count. Of 10,000 pairs (a, b), agreement is the share in
which b is nearer (L2 of the pixels) to the edges of a than to those of any of 99 other generated digits: chance is 1 %,
and so are the same pairs shuffled. Beside it stand real digits with their own edges, and with those of others, as they
are trained on. So that no collapsed generator wins, nor one that draws the same picture twice, each domain is scored
alone, by a judge of its own: Fréchet distances, and digits found.
"""

import argparse
import json
import sys
from pathlib import Path

import torch
from torch import Tensor

import sparring
from experiments.common import Pictures, add_pictures
from experiments.ledger import measured
from sparring.data import Dataset, Split
from sparring.data.image.contact_sheet import contact_sheet
from sparring.data.image.edges import edge_maps
from sparring.metrics.judge import Judge
from sparring.modalities.load import load_dataset
from sparring.modalities.registry import judge
from sparring.recipes import RECIPES

DATA = "mnist+edges"
PAIRS, AMONG = 10_000, 100
SHOWN = 64


def agreement(pairs: Tensor) -> float:
    """Of uint8 pairs (n, 2c, h, w): the share whose second image is nearer to the edges of its first than to those of
    99 others. Each hundred in order is compared within itself; what is left over is not counted."""
    first, second = pairs[: len(pairs) // AMONG * AMONG].chunk(2, 1)
    wanted, made = (x.flatten(1).float().unflatten(0, (-1, AMONG)) for x in (edge_maps(first), second))
    distance = torch.cdist(made, wanted)
    own = distance.diagonal(dim1=1, dim2=2).clone()
    distance.diagonal(dim1=1, dim2=2).fill_(float("inf"))
    return float((own < distance.min(2).values).double().mean())


def shuffled(pairs: Tensor) -> Tensor:
    """First images with the second ones of others."""
    first, second = pairs.chunk(2, 1)
    return torch.cat([first, second[torch.randperm(len(pairs), generator=torch.Generator().manual_seed(0))]], 1)


def judges() -> tuple[Judge, Judge]:
    """Of digits, and of their edges."""
    digits = load_dataset("mnist")
    train, test = (Split(edge_maps(part.values), part.labels) for part in (digits.train, digits.test))
    return judge(digits), judge(Dataset.of("edges of mnist", train, test, digits.names))


def row(name: str, pairs: Tensor, of_digits: Judge, of_edges: Judge) -> dict:
    first, second = pairs.chunk(2, 1)
    scores = of_digits.scores(first, "report", of_digits.select_metrics(["frechet", "classes"]))
    found = {"digits": int(scores["classes"]), "frechet": scores["frechet"]}
    return {"name": name, "agreement": agreement(pairs), **found, "frechet_edges": of_edges.scores(second)["frechet"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--images", type=int, default=300_000)
    add_pictures(parser)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    jury, real, data = judges(), load_dataset("mnist").test.values[:PAIRS], load_dataset(DATA)
    protocol = f"{PAIRS:,} pairs, best edges of {AMONG}; {jury[0].protocol('report', PAIRS)}"
    rows = []
    for seed in args.seeds:

        def scored(run: Path, seed: int = seed) -> dict:
            pairs, name = sparring.load(run).sample(PAIRS), f"cogan-{seed}"
            Pictures(args.pictures).keep("cogan", seed, lambda: contact_sheet(pairs[:SHOWN]))
            return {"rows": [row(name, pairs, *jury), row(f"{name} shuffled", shuffled(pairs), *jury)]}

        about = (RECIPES["cogan"], data, args.images, seed, f"pairs.py, {protocol}")
        rows += measured(args.out, "cogan", *about, scored)["rows"]
        print(rows[-2], file=sys.stderr)
    own = torch.cat([real, edge_maps(real)], 1)
    rows += [row("real digits, own edges", own, *jury), row("real digits, others' edges", shuffled(own), *jury)]
    if args.json:
        print(json.dumps({"rows": rows, "protocol": protocol}))
        return
    print(f"{'':<28}{'agreement':>10}{'digits':>8}{'Fréchet':>10}{'of edges':>10}")
    for each in rows:
        print("{name:<28}{agreement:>10.1%}{digits:>8}{frechet:>10.2f}{frechet_edges:>10.2f}".format(**each))
    print(protocol)


if __name__ == "__main__":
    main()
