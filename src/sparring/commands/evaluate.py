"""`spar evaluate`."""

import argparse

from sparring.commands.base import Add, Answer, say


def add(command: Add) -> None:
    parser = command("evaluate", evaluate, "Score a run's model beside the trivial rows.")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("--samples", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weights", choices=("best", "last"))


def evaluate(args: argparse.Namespace) -> Answer:
    from sparring import api

    report = api.evaluate(args.run, args.samples, args.seed, args.weights)
    say(args, report.table())
    return report.to_dict()
