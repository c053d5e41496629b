"""`python -m experiments NAME [flags]` runs one experiment; `--help` after NAME describes it."""

import importlib
import sys

EXPERIMENTS = (
    *("field", "search", "yardstick", "colour", "few", "stacked", "modes", "encoders", "pairs", "restore", "translate"),
    *("tables", "large_table", "health", "noticing", "second"),
)


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] not in EXPERIMENTS:
        sys.exit(f"usage: python -m experiments NAME [flags], where NAME is one of: {', '.join(EXPERIMENTS)}")
    name = sys.argv.pop(1)
    sys.argv[0] = f"python -m experiments {name}"
    importlib.import_module(f"experiments.{name}").main()


if __name__ == "__main__":
    main()
