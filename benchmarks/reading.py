"""What a newcomer reads: the package's functions that run during one round of `spar train dcgan`, their lines added up.

The round is traced inside a real run (`sparring.train`), from the moment the loop is asked for it until it returns.

    python benchmarks/reading.py [--json]
"""

import argparse
import inspect
import json
import sys
import tempfile
from pathlib import Path

import sparring
from sparring.training.loop.loop import Loop

HOME = Path(sparring.__file__).parent


def traced(call) -> set:
    """The code objects of the package that run during the call."""
    seen = set()

    def note(frame, event, argument):
        if event == "call" and Path(frame.f_code.co_filename).is_relative_to(HOME):
            seen.add(frame.f_code)

    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(None)
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    play, seen = Loop.round, set()

    def traced_round(loop: Loop):
        answers = []
        seen.update(traced(lambda: answers.append(play(loop))))
        return answers[0]

    Loop.round = traced_round  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as folder:
        sparring.train("dcgan", "digits", Path(folder) / "run", images=64, reports=1)
    functions = {
        f"{Path(code.co_filename).relative_to(HOME)}:{code.co_qualname}": len(inspect.getsourcelines(code)[0])
        for code in seen
        if "<locals>" not in code.co_qualname  # counted with the function around it
    }
    total = sum(functions.values())
    if args.json:
        print(json.dumps({"lines": total, "functions": functions}))
        return
    for name, lines in sorted(functions.items()):
        print(f"{lines:4} {name}")
    print(f"{total:4} lines in {len(functions)} functions")


if __name__ == "__main__":
    main()
