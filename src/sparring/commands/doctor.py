"""`spar doctor`."""

import argparse
from dataclasses import asdict

from sparring.commands.base import Add, Answer, say
from sparring.errors import lookup


def add(command: Add) -> None:
    parser = command("doctor", doctor, "Check this machine and installation. Exit code 1 if something is broken.")
    parser.add_argument("--only", nargs="+", metavar="CHECK", help="some of the checks")


def doctor(args: argparse.Namespace) -> Answer:
    from sparring.doctor.check import BROKEN
    from sparring.doctor.checks import CHECKS, every
    from sparring.doctor.running import run

    limits = {name: limit for name, (_, limit) in CHECKS.items()}
    names = list(dict.fromkeys(args.only or CHECKS))
    for name in names:
        lookup(CHECKS, "check", name)
    results = {}
    for name, check in run(every, names, limits):
        results[name] = check
        say(args, f"{name:<10} {check.state:<7} {check.message}")
        if check.advice:
            say(args, f"{'':<18} → {check.advice}")
    args.code = int(any(check.state == BROKEN for check in results.values()))
    return {"checks": {name: asdict(check) for name, check in results.items()}, "broken": bool(args.code)}
