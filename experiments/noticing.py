"""Sensitivity of each metric to five kinds of damage to real images, at five strengths each.

    SPARRING_DATA=… python -m experiments noticing [--data mnist fashion-mnist] [--samples 5000] [--json]

Test images take the place of samples, with noise, blur, fewer classes, fewer distinct images, or copies of training
images among them. Prints every metric at every strength.
"""

import argparse
import json
import sys
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from sparring.modalities.load import load_dataset
from sparring.modalities.registry import judge

METRICS = ["frechet", "kernel", "support", "memorisation", "classes", "patches", "likeness"]
Damage = Callable[[Tensor, Tensor, Tensor, float], Tensor]
"""(images, classes, training images, strength) → damaged images, as many."""


def noise(x: Tensor, y: Tensor, train: Tensor, sigma: float) -> Tensor:
    g = torch.Generator().manual_seed(0)
    return (x + sigma * torch.randn(x.shape, generator=g)).round().clamp(0, 255).to(torch.uint8)


def blur(x: Tensor, y: Tensor, train: Tensor, share: float) -> Tensor:
    """Blend with the image at a quarter of the resolution."""
    coarse = interpolate(avg_pool2d(x.float(), 4), x.shape[2:], mode="bilinear")
    return ((1 - share) * x + share * coarse).round().to(torch.uint8)


def collapse(x: Tensor, y: Tensor, train: Tensor, classes: float) -> Tensor:
    """Images of the first `classes` classes, repeated to the same number."""
    subset = x[y < classes]
    return subset[torch.arange(len(x)) % len(subset)]


def repeat(x: Tensor, y: Tensor, train: Tensor, distinct: float) -> Tensor:
    """`distinct` different images, repeated to the same number."""
    return x[torch.arange(len(x)) % int(distinct)]


def replay(x: Tensor, y: Tensor, train: Tensor, share: float) -> Tensor:
    copies = int(share * len(x))
    mixed = torch.cat([train[:copies], x[copies:]])
    return mixed[torch.randperm(len(x), generator=torch.Generator().manual_seed(0))]


DAMAGES: dict[str, tuple[Damage, list[float]]] = {
    "noise": (noise, [5, 10, 20, 40, 80]),
    "blur": (blur, [0.1, 0.2, 0.4, 0.7, 1.0]),
    "collapse to classes": (collapse, [9, 7, 5, 3, 1]),
    "few different images": (repeat, [2000, 1000, 300, 100, 10]),
    "replay": (replay, [0.02, 0.05, 0.2, 0.5, 1.0]),
}


def table(spec: str, n: int) -> list[dict]:
    """One row per metric: its value on the undamaged images, and on each damage at each strength."""
    data = load_dataset(spec)
    evaluator = judge(data)
    metrics = evaluator.select_metrics(METRICS)
    x, y = data.test.values[:n], data.test.labels[:n]  # type: ignore[index]
    undamaged = evaluator.scores(x, "report", metrics)
    rows = {name: {"data": spec, "score": name, "undamaged": value} for name, value in undamaged.items()}
    for damage, (damaged, strengths) in DAMAGES.items():
        scores_by_strength = []
        for strength in strengths:
            scores_by_strength.append(evaluator.scores(damaged(x, y, data.train.values, strength), "report", metrics))
            print(spec, damage, strength, {k: round(v, 3) for k, v in scores_by_strength[-1].items()}, file=sys.stderr)
        for name, row in rows.items():
            row[damage] = [scores[name] for scores in scores_by_strength]
    return list(rows.values())


def short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=["mnist", "fashion-mnist"])
    parser.add_argument("--samples", type=int, default=5_000)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    rows = [row for spec in args.data for row in table(spec, args.samples)]
    if args.json:
        print(json.dumps({"rows": rows}))
        return
    headings = [f"{name}: {', '.join(f'{s:g}' for s in strengths)}" for name, (_, strengths) in DAMAGES.items()]
    for spec in args.data:
        print(f"\n{spec}, {args.samples:,} test images\n\n| metric | undamaged | {' | '.join(headings)} |")
        print("|---" * (2 + len(DAMAGES)) + "|")
        for row in rows:
            if row["data"] == spec:
                cells = " | ".join(", ".join(map(short, row[damage])) for damage in DAMAGES)
                print(f"| `{row['score']}` | {short(row['undamaged'])} | {cells} |")


if __name__ == "__main__":
    main()
