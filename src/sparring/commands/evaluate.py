"""`spar evaluate`."""

import argparse

from sparring.commands.base import Add, Answer, say


def add(command: Add) -> None:
    parser = command("evaluate", evaluate, "Score a run's model beside the trivial rows.")
    parser.add_argument("run", metavar="RUN")
    add_flags(parser)
    parser.add_argument("--smoothness", action="store_true", help="perceptual path length too")
    parser.add_argument("--weights", choices=("best", "last"))


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that say how samples are scored."""
    parser.add_argument("--samples", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--metrics", nargs="+", default=(), metavar="NAME", help="by default the cheap ones; or: all")
    parser.add_argument(
        "--features", help="images are compared by: task, self, random, pixels, inception, dinov2, FILE.onnx"
    )
    parser.add_argument("--intervals", action="store_true", help="95 %% intervals of the models' scores")


def evaluate(args: argparse.Namespace) -> Answer:
    from sparring import api

    asked = {"metrics": args.metrics, "features": args.features, "intervals": args.intervals}
    asked["smoothness"] = args.smoothness
    report = api.evaluate(args.run, args.samples, args.seed, args.weights, **asked)
    say(args, report.table())
    return report.to_dict()
