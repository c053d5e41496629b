"""`spar evaluate`."""

import argparse

from sparring.commands.base import Add, Answer, say
from sparring.commands.data_flags import add_run_data_flags


def add(command: Add) -> None:
    parser = command("evaluate", evaluate, "Score a run's model, compared with baselines.")
    parser.add_argument("run", metavar="RUN")
    add_run_data_flags(parser)
    add_scoring_flags(parser)
    parser.add_argument("--smoothness", action="store_true", help="perceptual path length too")
    parser.add_argument("--weights", choices=("best", "last"))


def add_scoring_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of scoring."""
    parser.add_argument("--samples", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--metrics", nargs="+", default=(), metavar="NAME", help="by default the fast ones; or: all")
    parser.add_argument(
        "--features",
        help="feature extractor of images: task, self, random, pixels, inception, inception-pytorch-fid, "
        "inception-clean, dinov2, FILE.onnx",
    )
    parser.add_argument(
        "--second-opinion", metavar="FEATURES", help="other features, whose scores are shown beside, such as inception"
    )
    parser.add_argument("--intervals", action="store_true", help="95 %% intervals of the models' scores")


def evaluate(args: argparse.Namespace) -> Answer:
    from sparring import api

    options = {"metrics": args.metrics, "features": args.features, "intervals": args.intervals}
    options |= {"smoothness": args.smoothness, "data": args.data, "changed_data": args.changed_data}
    options |= {"second_opinion": args.second_opinion}
    report = api.evaluate(args.run, args.samples, args.seed, args.weights, **options)
    say(args, report.table())
    return report.to_dict()
