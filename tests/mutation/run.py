"""Mutation testing of the mathematics: `make mutation`.

cosmic-ray starts an interpreter for each mutant (3 s to import torch and pytest), with one test command for all
modules; mutmut mutates only inside functions, but many losses are lambdas at module level. Neither removes `.detach()`,
swaps `.mean()` and `.sum()` or drops a term of a sum. Here torch is imported once and each mutant runs in a fork, which
imports the mutated source in place of the module and runs the module's tests.
"""

import argparse
import importlib.util
import json
import os
import resource
import signal
import sys
import time
from collections import Counter
from dataclasses import asdict
from hashlib import sha256
from importlib.machinery import SourceFileLoader
from pathlib import Path

from modules import TESTS
from operators import Mutant, mutants

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "sparring"

PRELOADED = (
    *("torch", "torch.testing", "torch._dynamo", "torchmetrics.image", "pytest", "hypothesis", "numpy", "scipy.linalg"),
    *("sklearn.ensemble", "sklearn.linear_model", "sklearn.model_selection", "PIL.Image", "pydantic", "rich.console"),
    *("safetensors.torch", "matplotlib.figure", "prdc", "pandas", "pyarrow.parquet"),
)
MIN_MUTANTS = 2
"""Minimum number of mutants of each module."""
RESULTS = {0: "survived", None: "timeout", -signal.SIGXCPU: "timeout"}
WALL_PER_CPU = 6
"""Wall-clock limit over CPU limit: a deadlock ends, a busy machine causes no timeouts."""


def sample(count: int, seed: int) -> list[Mutant]:
    """`count` mutants; a module's share is proportional to its number of mutants, and its operators take turns.

    Mutants are ordered by a hash of the change itself, so most of the sample survives edits and renames of the module.
    """
    ordered = {}
    for module in TESTS:
        candidates = mutants(module, (SOURCE / module).read_bytes())
        order, turns, same = {}, {}, Counter()
        for mutant in candidates:
            change = f"{seed} {mutant.operator} {mutant.old} {mutant.new}"
            order[mutant] = sha256(f"{change} {same[change]}".encode()).digest()
            same[change] += 1
        for mutant in sorted(candidates, key=order.__getitem__):
            turns[mutant] = same[mutant.operator], order[mutant]
            same[mutant.operator] += 1
        ordered[module] = sorted(candidates, key=turns.__getitem__)
    share = {module: min(len(every), MIN_MUTANTS) for module, every in ordered.items()}
    rate = count / sum(map(len, ordered.values()))
    while sum(share.values()) < count and (short := [m for m in TESTS if share[m] < len(ordered[m])]):
        share[max(short, key=lambda m: len(ordered[m]) * rate - share[m])] += 1
    return [mutant for module, every in ordered.items() for mutant in every[: share[module]]]


class MutantLoader(SourceFileLoader):
    """Finder and loader of a mutant in place of its module."""

    def __init__(self, mutant: Mutant):
        path = SOURCE / mutant.module
        name = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
        super().__init__(name.removesuffix(".__init__"), str(path))
        self.source = mutant.apply(path.read_bytes())

    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_file_location(name, self.path, loader=self) if name == self.name else None

    def get_code(self, fullname):
        return compile(self.source, self.path, "exec")


def start(module: str, mutant: Mutant | None, limit: int, log: Path) -> int:
    """Forks a process that runs the module's tests. Returns its process id, which is also its process group."""
    if pid := os.fork():
        return pid
    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(output, stream)
    code = 99
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
        if mutant:
            sys.meta_path.insert(0, MutantLoader(mutant))
        import pytest

        options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--hypothesis-seed=0", "--tb=line"]
        code = int(
            pytest.main(
                [*options, "--rootdir", str(ROOT), *(str(ROOT / "tests" / test) for test in TESTS[module].split())]
            )
        )
        assert sys.modules["sparring"].__file__ == str(SOURCE / "__init__.py")
    except SystemExit:
        code = 98
    finally:
        sys.stdout.flush()
        os._exit(code)


def run(work: list[tuple[str, Mutant | None]], jobs: int, limit: int, folder: Path):
    """Yields (module, mutant, exit code, seconds) as the processes end; the exit code is None after a timeout."""
    processes: dict[int, tuple[str, Mutant | None, float]] = {}
    work = work[::-1]
    while work or processes:
        while work and len(processes) < jobs:
            module, mutant = work.pop()
            processes[start(module, mutant, limit, folder / f"{len(work)}.log")] = module, mutant, time.monotonic()
        time.sleep(0.02)
        for pid, (module, mutant, since) in list(processes.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            late = not ended and time.monotonic() - since > WALL_PER_CPU * limit
            if late:
                os.killpg(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            if ended or late:
                del processes[pid]
                yield module, mutant, None if late else os.waitstatus_to_exitcode(status), time.monotonic() - since


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seconds", type=int, default=10, help="CPU seconds per mutant; a timeout counts as killed")
    parser.add_argument("--json", type=Path, help="write all results to this JSON file")
    parser.add_argument("--only", default="", help="only mutants whose description contains this text")
    parser.add_argument("--survivors-of", type=Path, help="only the survivors in this --json file")
    parser.add_argument("--list", action="store_true", help="print the mutants and exit")
    options = parser.parse_args()
    chosen = [mutant for mutant in sample(options.count, options.seed) if options.only in mutant.name]
    if options.survivors_of:
        before = {
            entry["name"] for entry in json.loads(options.survivors_of.read_text()) if entry["result"] == "survived"
        }
        chosen = [mutant for mutant in chosen if mutant.name in before]
    if options.list:
        print(*(mutant.name for mutant in chosen), sep="\n")
        return 0
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    sys.path[:] = [str(SOURCE.parent), *(p for p in sys.path if p != str(Path(__file__).parent))]
    for name in PRELOADED:
        importlib.import_module(name)
    from tempfile import TemporaryDirectory

    started, results = time.monotonic(), []
    with TemporaryDirectory() as folder:
        os.chdir(folder)
        modules = dict.fromkeys(mutant.module for mutant in chosen)
        for module, _, code, seconds in run(
            [(module, None) for module in modules], options.jobs, options.seconds, Path(folder)
        ):
            print(f"{module}: unmutated, {seconds:.1f} s", file=sys.stderr)
            if code != 0:
                limit = f"{options.seconds} s"
                sys.exit(f"{module}: its tests fail or take more than {limit} without a mutant (exit code {code})")
        for _, mutant, code, seconds in run(
            [(m.module, m) for m in chosen], options.jobs, options.seconds, Path(folder)
        ):
            result = RESULTS.get(code, "killed")
            results.append(asdict(mutant) | {"name": mutant.name, "result": result, "seconds": round(seconds, 2)})
            print(f"{len(results)}/{len(chosen)} {result} {mutant.name}", file=sys.stderr)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    print(f"{'module':34}  killed  survived  timeout")
    for module in [*modules, "all"]:
        counts = Counter(entry["result"] for entry in results if module in (entry["module"], "all"))
        print(f"{module:34} {counts['killed']:7} {counts['survived']:9} {counts['timeout']:8}")
    survivors = [entry["name"] for entry in results if entry["result"] == "survived"]
    print(f"{time.monotonic() - started:.0f} s", "survivors:", *survivors, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
