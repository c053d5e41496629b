"""Whether two source trees train every recipe to the same bits.

    python tests/system/same_bits.py BEFORE/src AFTER/src [--recipes dcgan points …] [--rounds 20]

Trains a tiny version of each recipe under each tree (see `tests/tiny_runs.py`) and compares the tensors of the last
checkpoint and of the model, whatever their names, and the values of losses and scores in the journal. Exits with 1 if
anything differs. Results of BEFORE are kept in a temporary folder by the content of the tree, and AFTER is always
trained: the same tree twice tells whether training is deterministic.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))
COMPARED = ("checkpoint", "model", "losses", "scores")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("before", type=Path, metavar="BEFORE_SRC")
    parser.add_argument("after", type=Path, metavar="AFTER_SRC")
    parser.add_argument("--recipes", nargs="+", default=[], help="by default all of BEFORE")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--fresh", action="store_true", help="train BEFORE too, whatever is kept from earlier")
    args = parser.parse_args()
    names = args.recipes or recipes_of(args.before)
    before = results(args.before, names, args.rounds, args.fresh)
    after = results(args.after, names, args.rounds, True)
    width = max(map(len, names))
    print(f"{'recipe':<{width}}  " + "  ".join(f"{part:<12}" for part in COMPARED))
    wrong = 0
    for name in names:
        lines = verdicts(before[name], after[name])
        wrong += any(line != "equal" for line in lines)
        print(f"{name:<{width}}  " + "  ".join(f"{line:<12}" for line in lines))
    print(f"{len(names) - wrong} of {len(names)} recipes are equal after {args.rounds} rounds")
    return bool(wrong)


def verdicts(before: dict, after: dict) -> list[str]:
    """A word for each of `COMPARED`."""
    for side, found in (("before", before), ("after", after)):
        if "error" in found:
            return [f"{side}: {found['error'].splitlines()[-1]}"]
    lines = []
    for part in COMPARED:
        old, new = Counter(map(str, before[part])), Counter(map(str, after[part]))
        gone, come = (old - new).total(), (new - old).total()
        lines.append("equal" if not gone and not come and old else f"-{gone} +{come} of {old.total()}")
    return lines


def recipes_of(tree: Path) -> list[str]:
    words = [sys.executable, "-m", "sparring", "recipes", "--json"]
    return list(json.loads(subprocess.run(words, env=environment(tree), check=True, capture_output=True).stdout))


def results(tree: Path, names: list[str], rounds: int, fresh: bool) -> dict[str, dict]:
    """What each recipe computes under a tree; unless `fresh`, from an earlier run if there is one without errors."""
    kept = Path(tempfile.gettempdir()) / "sparring-same-bits" / digest(tree) / str(rounds)
    kept.mkdir(parents=True, exist_ok=True)
    missing = [name for name in names if fresh or "error" in read(kept, name)]
    if missing:
        print(f"{tree}: {len(missing)} recipes to train", file=sys.stderr)
        words = [sys.executable, __file__, "--worker", str(tree.resolve()), str(kept), str(rounds), *missing]
        subprocess.run(words, env=environment(tree, kept.parent / "cache"), check=True)
    return {name: read(kept, name) for name in names}


def read(kept: Path, name: str) -> dict:
    path = kept / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {"error": "not trained"}


def environment(tree: Path, cache: Path | None = None) -> dict[str, str]:
    """Of a process that imports the library from this tree, on one thread."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return (
        os.environ | threads | {"PYTHONPATH": str(tree.resolve())} | ({"XDG_CACHE_HOME": str(cache)} if cache else {})
    )


def digest(tree: Path) -> str:
    """Of all that results depend on: the tree's files and this test's."""
    found = hashlib.sha256()
    for path in [*sorted((tree / "sparring").rglob("*")), TESTS / "tiny_runs.py", Path(__file__)]:
        if path.is_file() and path.suffix in (".py", ".json"):
            name = path.relative_to(tree) if path.is_relative_to(tree) else path.name
            found.update(f"{name}\n".encode() + path.read_bytes())
    return found.hexdigest()[:16]


def work(tree: Path, kept: Path, rounds: int, names: list[str]) -> None:
    """Trains recipes under the tree that this process imports, and writes a file for each."""
    import tiny_runs

    tiny_runs.torch.set_num_threads(1)
    spec = find_spec("sparring")
    if spec is None or spec.origin is None or not Path(spec.origin).is_relative_to(tree):
        raise SystemExit(f"sparring is imported from {spec and spec.origin}, not from {tree}")
    known, help_text = tiny_runs.recipes(), tiny_runs.spar("train", "--help")[1]
    with tempfile.TemporaryDirectory() as folder, tiny_runs.inside(Path(folder)):
        tiny_runs.write_data(Path())
        for i, name in enumerate(names):
            try:
                tiny_runs.train(name, known[name], Path("runs") / name, rounds, help_text)
                found = computed(Path("runs") / name)
            except Exception as error:
                found = {"error": f"{type(error).__name__}: {error}"}
            print(f"{i + 1:>3} of {len(names)}: {name} {found.get('error', '')}", file=sys.stderr)
            (kept / f"{name}.json").write_text(json.dumps(found))


def computed(run: Path) -> dict:
    import tiny_runs

    entries = tiny_runs.journal(run)
    return {
        "checkpoint": tiny_runs.tensor_digests(tiny_runs.checkpoints(run)[-1]),
        "model": tiny_runs.tensor_digests(run / "model" / "last.safetensors"),
        "losses": [value for entry in entries for value in entry["losses"].values()],
        "scores": [value for entry in entries for value in entry["scores"].values()],
    }


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        work(Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]), sys.argv[5:])
    else:
        sys.exit(main())
