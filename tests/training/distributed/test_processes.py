"""Two processes of the command line, as a launcher starts them: what they say when they differ, and what is left of a
run when one is killed. They are started twice in all: importing takes longest."""

import io
import json
import os
import re
import shutil
import signal
import socket
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
import torch.multiprocessing as mp
from commands import distance, final
from PIL import Image

import sparring
from sparring.commands.cli import main
from sparring.errors import LostProcess, UserError
from sparring.training.journal import Journal
from sparring.training.loop.loop import Loop

TINY = ["--generator.widths", "16,16", "--critic.widths", "16,16", "--batch", "32", "--threads", "1"]
TRAIN = ["train", "points", "--data", "ring", "--images", "640", "--reports", "2", "--precision", "fp32", *TINY]


class Command(NamedTuple):
    words: list[str]
    where: tuple[Path, Path]
    """Each process's folder."""
    worlds: tuple[int, int] = (2, 2)
    restarts: int = 0
    patch: Callable[..., Any] | None = None
    """What process 1 does in place of a round."""


def _commands(rank: int, commands: list[Command], ports: list[int], out: str) -> None:
    torch.set_num_threads(1)
    for i, (command, port) in enumerate(zip(commands, ports, strict=True)):
        world, restarts = command.worlds[rank], command.restarts
        found = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": world, "RANK": rank, "LOCAL_RANK": rank}
        found["ANSWER"] = Path(out, f"{i}-0.json")
        for name, value in {**found, "TORCHELASTIC_RESTART_COUNT": restarts}.items():
            os.environ[name] = str(value)
        os.chdir(command.where[rank])
        patch = pytest.MonkeyPatch()
        if command.patch and rank == 1:
            patch.setattr(Loop, "round", command.patch)
        said = {"out": io.StringIO(), "err": io.StringIO()}
        with redirect_stdout(said["out"]), redirect_stderr(said["err"]), pytest.raises(SystemExit) as stop:
            main(command.words)
        about = {"code": stop.value.code, **{name: text.getvalue() for name, text in said.items()}}
        Path(out, f"{i}-{rank}.json").write_text(json.dumps(about))
        patch.undo()


def _stuck(loop: Loop, play=Loop.round):
    """Until process 0 has given up."""
    while loop.rounds == 13 and not Path(os.environ["ANSWER"]).exists():
        time.sleep(0.1)
    return play(loop)


def _killed(loop: Loop, play=Loop.round):
    if loop.rounds == 13:
        os.kill(os.getpid(), signal.SIGKILL)
    return play(loop)


def _free() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def run_all(commands: dict[str, Command], folder: Path) -> dict[str, list[dict]]:
    """What each process of each command answered; those of a killed one are gone."""
    out = folder / "answers"
    out.mkdir()
    arguments = (list(commands.values()), [_free() for _ in commands], str(out))
    processes = [mp.get_context("spawn").Process(target=_commands, args=(rank, *arguments)) for rank in (0, 1)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    paths = {name: [out / f"{i}-{rank}.json" for rank in (0, 1)] for i, name in enumerate(commands)}
    return {name: [json.loads(p.read_text()) for p in pair if p.exists()] for name, pair in paths.items()}


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """A run of two processes straight to its end; one of which a process was killed, gone on with in three ways; one
    of a process, gone on with by two; and processes that differ."""
    folder = tmp_path_factory.mktemp("runs")
    torch.set_num_threads(1)
    here = (folder, folder)
    said = run_all({"killed": Command([*TRAIN, "--out", "killed"], here, patch=_killed)}, folder)
    for copy in ("resumed", "restarted", "two-one"):
        shutil.copytree(folder / "killed", folder / copy)
    _half(folder)
    nodes = (folder / "a", folder / "b")
    pictures = torch.randint(256, (2, 14, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    for node, images in zip(nodes, pictures, strict=True):
        (node / "set").mkdir(parents=True)
        for i, image in enumerate(images.numpy()):
            Image.fromarray(image).save(node / "set" / f"{i}.png")
    (nodes[0] / "only").symlink_to(nodes[0] / "set")
    shutil.rmtree(folder / "answers")
    never = [*TRAIN, "--out", str(folder / "never"), "--data"]
    commands = {
        "straight": Command([*TRAIN, "--out", "straight"], here),
        "resumed": Command(["resume", "resumed"], here),
        "restarted": Command([*TRAIN, "--out", "restarted"], here, restarts=1),
        "one-two": Command(["resume", "one-two"], here),
        "other data": Command([*never, "set"], nodes),
        "no data": Command([*never, "only"], nodes),
        "stuck": Command([*TRAIN, "--out", "stuck", "--timeout", "5"], here, patch=_stuck),
        "other worlds": Command([*never, "set"], nodes, worlds=(2, 3)),
    }
    return folder, said | run_all(commands, folder)


def _half(folder: Path) -> None:
    """A run of one process that stopped half-way."""
    words = [*TRAIN, "--out", str(folder / "one-two"), "--until", "modes<99"]
    with pytest.raises(SystemExit):
        main(words)
    (folder / "one-two" / "scores.json").unlink()
    path = folder / "one-two" / "run.json"
    about = json.loads(path.read_text())
    about["config"]["until"] = None
    path.write_text(json.dumps(about))


def test_the_first_process_alone_speaks(answers):
    _, said = answers
    first, second = said["straight"]
    assert first["code"] == second["code"] == 0, first
    assert "finished after 640 examples" in first["out"] and second["out"] == second["err"] == ""


def test_a_killed_process_stops_the_others_with_a_reason(answers):
    _, said = answers
    (left,) = said["killed"]
    lines = [line for line in left["err"].splitlines() if line.startswith("spar: ")]
    assert left["code"] == 2 and len(lines) == 1 and "process 0 of 2 lost the others" in lines[0]


def test_a_stuck_process_is_not_waited_for_for_ever(answers):
    folder, said = answers
    for answer in said["stuck"]:
        lines = [line for line in answer["err"].splitlines() if line.startswith("spar: ")]
        assert answer["code"] == 2 and len(lines) == 1 and " lost the others while " in lines[0], answer
    assert int(final(folder / "stuck")["counters"][0]) == 10


@pytest.mark.parametrize("way", ["resumed", "restarted"])
def test_a_killed_run_goes_on_to_the_same_end(answers, way):
    """By `spar resume`, and by the same command as torchrun's --max-restarts gives it."""
    folder, said = answers
    assert [answer["code"] for answer in said[way]] == [0, 0], said[way]
    assert int(final(folder / "killed")["counters"][0]) == 10
    a, b = final(folder / way), final(folder / "straight")
    assert a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
    scores = [[e["scores"] for e in Journal(folder / run / "journal.jsonl").entries] for run in (way, "straight")]
    assert len(scores[0]) == 2 and scores[0] == scores[1]


def test_one_process_goes_on_where_two_stopped_and_the_reverse(answers):
    """The batch and all that is drawn are the same, so the numbers are, but for the order of sums."""
    folder, said = answers
    assert [answer["code"] for answer in said["one-two"]] == [0, 0], said["one-two"]
    sparring.resume(folder / "two-one")
    whole = final(folder / "straight")
    for other in ("two-one", "one-two"):
        processes = [entry["processes"] for entry in Journal(folder / other / "journal.jsonl").entries]
        assert processes == ([2, 1] if other == "two-one" else [1, 2])
        moved = final(folder / other)
        assert int(moved["counters"][0]) == 20 and distance(moved, whole) < 1e-3, other


@pytest.mark.parametrize(
    ("case", "told"),
    {
        "other data": "process 1 has .* for fingerprint of the data where process 0 has",
        "no data": "process 1 of 2: no data set or folder 'only'",
    }.items(),
)
def test_processes_that_differ_are_told_apart_in_one_line(answers, case, told):
    folder, said = answers
    first, second = said[case]
    assert first["code"] == second["code"] == 2, first
    lines = first["err"].strip().splitlines()
    assert len(lines) == 1 and re.search(f"^spar: {told}", lines[0]) and second["err"] == ""
    assert not (folder / "never").exists()


def test_other_numbers_of_processes_are_told_at_once(answers):
    _, said = answers
    assert [answer["code"] for answer in said["other worlds"]] == [2, 2]
    assert "started as one of 2, and another as one of 3" in said["other worlds"][0]["err"]


def test_a_process_that_never_comes_is_not_waited_for_forever(tmp_path, monkeypatch):
    from sparring.training.distributed.processes import process_group

    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(LostProcess, match="did not find the others within 1 s"), process_group(timeout=1):
        pass
    monkeypatch.delenv("MASTER_ADDR")
    with pytest.raises(UserError, match="MASTER_ADDR is not"), process_group(timeout=1):
        pass
