"""`spar compare`."""

import argparse

from sparring.commands import data_flags, evaluate
from sparring.commands.base import Add, Answer, say


def add(command: Add) -> None:
    parser = command("compare", compare, "Score runs, folders of images and data sets side by side, by one protocol.")
    parser.add_argument("things", metavar="THING", nargs="+", help="a run, images, a named set, or a saved report.json")
    parser.add_argument("--reference", metavar="DATA", help="the real data (default: the first run's)")
    evaluate.add_scoring_flags(parser)
    data_flags.add_data_flags(parser)
    parser.add_argument("--mixed", action="store_true", help="allow different protocols in one table")
    parser.add_argument("--page", metavar="FILE.html", help="write a page with the table and samples")


def compare(args: argparse.Namespace) -> Answer:
    from sparring import api

    report = api.compare(
        args.things,
        args.reference,
        data_options=data_flags.options(args),
        samples=args.samples,
        seed=args.seed,
        metrics=args.metrics,
        features=args.features,
        second_opinion=args.second_opinion,
        intervals=args.intervals,
        mixed=args.mixed,
        page=args.page,
    )
    say(args, report.table())
    return report.to_dict()
