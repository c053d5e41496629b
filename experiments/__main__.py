"""`python -m experiments NAME [flags]` runs one experiment; `--help` after NAME describes it."""

import importlib
import sys

from experiments.runner import run
from experiments.table import EXPERIMENTS, PROGRAMS


def main() -> None:
    name, *arguments = sys.argv[1:] or [""]
    if name in EXPERIMENTS:
        run(name, EXPERIMENTS[name], arguments)
    elif name in PROGRAMS:
        sys.argv[:] = [f"python -m experiments {name}", *arguments]
        importlib.import_module(PROGRAMS[name]).main()
    else:
        names = ", ".join((*EXPERIMENTS, *PROGRAMS))
        sys.exit(f"usage: python -m experiments NAME [flags], where NAME is one of: {names}")


if __name__ == "__main__":
    main()
