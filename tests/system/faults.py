"""A run whose disk fails, and one whose power is cut, at every file operation in turn.

    python tests/system/faults.py [--every 1] [--json]

*Faults*: a run of the ring goes on from a checkpoint to its next report. One of its operations fails: the disk is
full, broken or read-only, or takes half of what it is given; once, or from there on. It must say so in one line or do
without; what was there loads afterwards, and the run goes on to the same end.

*Power cuts*: the same operations, and those of a run that begins, are noted down and played again up to each of them,
keeping of what was not flushed to the disk nothing, a half, zeros in its place, or all. The latest checkpoint that had
been written must load, and the journal with all reports up to it.
"""

import argparse
import errno
import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path

import torch
from disk import Disk, Failing, Operation, lay, watched
from torch import Tensor

from sparring.training.journal import Journal

FAULTS = {"full": errno.ENOSPC, "broken": errno.EIO, "read-only": errno.EROFS, "half": None}
PLAYED = "checkpoints/*.safetensors"
COUNTED = ("operations", "cases", "told", "harmless", "fault")
State = dict[str, Tensor]


@dataclass(frozen=True)
class World:
    """A tiny run on the ring, by what its processes would make of its folder."""

    begin: Callable[[Path], None]
    """Makes the folder and plays to the first report but one."""
    go_on: Callable[[Path], None]
    """Plays to the end."""


def world() -> World:
    from sparring.api import configure
    from sparring.modalities.load import load_dataset
    from sparring.modalities.registry import judge
    from sparring.recipes import RECIPES
    from sparring.training.run.folder import make_run_folder
    from sparring.training.run.lock import exclusive
    from sparring.training.run.run import Run

    points, data = RECIPES["points"], load_dataset("ring")
    small = {
        role: replace(network, numbers={**network.numbers, "widths": [8, 8]})
        for role, network in (("generator", points.generator), ("critic", points.critic))
    }
    recipe = replace(points, batch=32, **small)
    config = configure(recipe, data, images=192, reports=3, threads=1, device="cpu", precision="fp32")
    jury = judge(data)

    def begin(out: Path) -> None:
        make_run_folder(out, config, data)
        with exclusive(out):
            Run(out, replace(config, examples=128, reports=2), data, jury).play()

    def go_on(out: Path) -> None:
        with exclusive(out):
            Run(out, config, data, jury, resumed=True).play()

    return World(begin, go_on)


def state_of(run: Path) -> State:
    """The newest that can be read."""
    from sparring.training.checkpoint import latest_checkpoint

    return latest_checkpoint(run / "checkpoints", torch.device("cpu"))[0]


def same(a: State, b: State) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def seen(state: State) -> int:
    """The round a state is of."""
    return int(state["counters"][0])


@contextmanager
def silence() -> Iterator[StringIO]:
    with redirect_stderr(StringIO()) as said:
        yield said


def attempt(call: Callable[[], object], hook: Callable[[Operation], object], root: Path) -> str:
    """What a person sees of it: "" if all went well, else a line, or what is wrong with it."""
    from sparring.errors import UserError

    try:
        with silence(), watched(root, hook):
            call()
        return ""
    except UserError as error:
        return str(error) if "\n" not in str(error) else f"fault: several lines: {error}"
    except Exception as error:
        return f"fault: {type(error).__name__}: {error}"


def faulted(base: Path, end: State, world: World, out: Path, at: int, kind: str, lasting: bool) -> str:
    """The outcome of one failing operation: "told", "harmless", or what is wrong."""
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(base, out)
    before = journal_of(out)
    said = attempt(lambda: world.go_on(out), Failing(at, FAULTS[kind], lasting), out)
    if said.startswith("fault"):
        return said
    if wrong := refusal(lambda: unharmed(out, [state_of(base), end], before) or unended(out, end, world)):
        return f"fault: {wrong}"
    return "told" if said else "harmless"


def refusal(look: Callable[[], str]) -> str:
    """What is found wrong, be it that something can't be read."""
    try:
        return look()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def unharmed(run: Path, states: list[State], reports: list[int]) -> str:
    """What is wrong with a run that one of these states, these reports and a model should be left of."""
    if not any(same(state_of(run), state) for state in states):
        return "another state"
    # Where a disk takes half a line and then no more, not even the cut back, a torn line is left and passed over.
    kept = [entry["examples"] for entry in Journal(run / "journal.jsonl").entries]
    if kept[: len(reports)] != reports:
        return "lines lost from the journal"
    model_of(run)
    return ""


def unended(run: Path, end: State, world: World) -> str:
    """What is wrong with the end it is played to now."""
    with silence():
        world.go_on(run)
    if not same(state_of(run), end):
        return "another end"
    journal_of(run)
    return ", ".join(path.name for path in run.rglob(".*.part"))


def journal_of(run: Path) -> list[int]:
    """The reports, by images; raises ValueError for a torn line."""
    path = run / "journal.jsonl"
    return [json.loads(line)["examples"] for line in path.read_text().splitlines()] if path.exists() else []


def model_of(run: Path) -> None:
    from sparring.models.load import load_model

    for weights in ("last", "best"):
        load_model(run, weights).sample(1)


def faults(world: World, base: Path, end: State, every: int) -> Counter[str]:
    count, out = Failing(-2, None, False), base.with_name("faulted")
    shutil.copytree(base, out)
    assert attempt(lambda: world.go_on(out), count, out) == ""
    found: Counter[str] = Counter(operations=len(count.made))
    cases = [(at, kind, lasting) for at in range(len(count.made)) for kind in FAULTS for lasting in (False, True)]
    for at, kind, lasting in cases[::every]:
        outcome = faulted(base, end, world, out, at, kind, lasting)
        found["cases"] += 1
        found[outcome.split(":")[0]] += 1
        if outcome.startswith("fault"):
            print(f"operation {at} {kind} {'lasting' if lasting else 'once'}: {outcome}", file=sys.stderr)
    return found


def recorded(call: Callable[[], None], root: Path) -> list[Operation]:
    """The operations it made, with a note ("saved") after each checkpoint."""
    from sparring.training import checkpoint

    made: list[Operation] = []
    save = checkpoint.save_checkpoint

    def note(operation: Operation) -> object:
        content = bytes(operation.more[0]) if operation.name == "write" else None
        made.append(replace(operation, more=operation.more if content is None else (content,)))
        return operation.call()

    def saved(folder: Path, images: int, *more: object) -> None:
        save(folder, images, *more)  # pyright: ignore[reportArgumentType]
        made.append(Operation("saved", folder, (images,)))

    checkpoint.save_checkpoint = saved
    try:
        if said := attempt(call, note, root):
            sys.exit(said)
    finally:
        checkpoint.save_checkpoint = save
    return made


def power_cuts(disk: Disk, made: list[Operation], root: Path, states: dict[int, State], every: int) -> Counter[str]:
    """Of a run in `root`, that was what `disk` is before these operations."""
    found: Counter[str] = Counter(operations=len(made))
    out, known, sure = root.with_name("cut"), set(), 0
    for k, operation in enumerate(made):
        if operation.name == "saved":
            sure = operation.more[0]
        else:
            disk.make(operation)
        for outcome in disk.outcomes() if k % every == 0 else ():
            key = (sure, tuple(sorted((str(path), content) for path, content in outcome.items())))
            if key in known:
                continue
            known.add(key)
            shutil.rmtree(out, ignore_errors=True)
            lay(outcome, root.parent, out)
            found["cases"] += 1
            wrong = refusal(lambda sure=sure: unsound(out / root.name, states, sure))
            found["fault" if wrong else "harmless"] += 1
            if wrong:
                print(f"after operation {k} ({operation.name} {operation.path.name}): {wrong}", file=sys.stderr)
    shutil.rmtree(out, ignore_errors=True)
    return found


def unsound(run: Path, states: dict[int, State], sure: int) -> str:
    """What is wrong with a run after a power cut; `sure` images were saved before it."""
    from sparring.training.checkpoint import latest_checkpoint, saved_checkpoints
    from sparring.training.config.config import Config
    from sparring.training.journal import Journal

    if not run.exists():
        return "" if sure == 0 else "the run is gone"
    Config.load(run)
    if not saved_checkpoints(run / "checkpoints"):
        return "" if sure == 0 else "its checkpoints are gone"
    state, damaged = latest_checkpoint(run / "checkpoints", torch.device("cpu"))
    images = 32 * seen(state)
    if damaged or images < sure or not same(state, states[images]):
        return f"the state of {images} images, {sure} saved, {len(damaged)} damaged"
    journal = Journal(run / "journal.jsonl")
    journal.rewind(images)
    if journal_of(run) != list(range(64, images + 1, 64)):
        return f"the journal holds {journal_of(run)} at {images} images"
    model_of(run)
    return ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, help="look at each so-manieth case")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = str(Path(folder, "cache"))
        rows = measured(Path(folder).resolve(), args.every)
    if args.json:
        print(json.dumps(rows))
        return
    print(f"| what | {' | '.join(COUNTED)} |\n|---|{'---|' * len(COUNTED)}")
    for name, row in rows.items():
        print(f"| {name} | {' | '.join(f'{row[what]:,}' for what in COUNTED)} |")


def measured(folder: Path, every: int) -> dict[str, dict[str, int]]:
    """Of faults and of power cuts: operations, cases tried, and what came of them."""
    ring = world()
    base, end = folder / "begun" / "run", folder / "ended" / "run"
    base.parent.mkdir()
    nothing = Disk.of(base.parent)
    begun = recorded(lambda: ring.begin(base), base.parent)
    shutil.copytree(base, end)
    held = Disk.of(end.parent)
    ended = recorded(lambda: ring.go_on(end), end.parent)
    states = {32 * seen(state): state for run in (base, end) for state in states_of(run)}
    cuts = power_cuts(nothing, begun, base, states, every) + power_cuts(held, ended, end, states, every)
    rows = {"faults": faults(ring, base, state_of(end), every), "power cuts": cuts}
    return {name: {what: row[what] for what in COUNTED} for name, row in rows.items()}


def states_of(run: Path) -> list[State]:
    from sparring.storage.tensors import read_tensors

    return [read_tensors(path) for path in run.glob(PLAYED)]


if __name__ == "__main__":
    main()
