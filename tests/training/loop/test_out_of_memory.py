"""Memory that runs out: turns played again in smaller slices end where runs of such slices do, alone and together."""

import json
import signal
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from commands import distance, spar
from playing import Pictures
from safetensors.torch import load_file, save_file
from test_vocabulary import Cell, new_loop
from tiny_games import BATCH, GAMES

import sparring
from sparring import api
from sparring.build.game import build_game
from sparring.build.overrides import with_flags
from sparring.errors import MachineError
from sparring.errors.machine import machine_errors_as_user_errors
from sparring.modalities.load import load_dataset
from sparring.recipes import RECIPES
from sparring.training.config.config import Config
from sparring.training.health.alarms import RaisedAlarm, RunDiverged
from sparring.training.loop.compiled import CompiledGenerator
from sparring.training.loop.loop import Loop
from sparring.training.loop.settings import loop_settings
from sparring.training.run import machine_settings
from sparring.training.run import run as running

ROUNDS = 6
FULL = {
    "python": MemoryError(),
    "cpu": RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried …"),
    "gpu": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
}


def failing(loop: Loop, at: int, error: Exception, also_before: bool = False) -> Loop:
    """Memory is full in the `at`-th slice's gradient, once it was added up; or before any of it was."""
    add, calls = loop.add_gradients, iter(range(10_000))

    def added(*arguments):
        now = next(calls)
        if now == at and also_before:
            raise error
        outcome = add(*arguments)
        if now == at:
            raise error
        return outcome

    loop.add_gradients = added  # type: ignore[method-assign]
    return loop


def state(loop: Loop, rounds: int = ROUNDS) -> dict[str, torch.Tensor]:
    for _ in range(rounds):
        loop.round()
    return {name: value.clone() for name, value in loop.state().items()}


def fed(loop: Loop, limit: int) -> Loop:
    """Memory holds so many examples' gradients at once."""
    add = loop.add_gradients

    def added(play, inputs, *rest):
        real = inputs[0][0] if isinstance(inputs[0], tuple) else inputs[0]
        if len(real) > limit:
            raise MemoryError
        return add(play, inputs, *rest)

    loop.add_gradients = added  # type: ignore[method-assign]
    return loop


@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("at", [0, 5])
def test_a_turn_played_again_changes_no_number(game, at):
    whole = state(new_loop(Cell(game), False))
    loop = failing(new_loop(Cell(game), False), at, MemoryError())
    assert distance(state(loop), whole) < 1e-9
    assert loop.stream.micro_batches == 2 and len(loop.stream.open(loop.game.turns(loop.seen), loop.device)) == 2


@pytest.mark.parametrize("error", FULL.values(), ids=FULL)
@pytest.mark.parametrize("game", ["ali", "lazy-r1", "cyclegan"])
def test_what_forward_passes_move_is_put_back(game, error):
    """Batch norm's statistics too: to the bit those of a run that began with smaller slices."""
    began = state(new_loop(Cell(game, slices=2), True))
    for before in (True, False):
        loop = failing(new_loop(Cell(game), True), 0, error, before)
        assert distance(state(loop), began) == 0


def test_memory_may_be_full_while_fakes_are_made(monkeypatch):
    whole, calls = state(new_loop(Cell("lazy-r1"), False)), iter(range(10_000))
    forward = CompiledGenerator.forward

    def made(self, *inputs):
        fake = forward(self, *inputs)
        if next(calls) in (3, 6):
            raise MemoryError
        return fake

    monkeypatch.setattr(CompiledGenerator, "forward", made)
    loop = new_loop(Cell("lazy-r1"), False)
    assert distance(state(loop), whole) < 1e-9 and loop.stream.micro_batches == 4


@pytest.mark.parametrize(
    ("game", "limit", "slices"), [("ali", 16, 1), ("ali", 5, 4), ("wgan-gp", 1, 16), ("packed", 2, 8)]
)
def test_slices_become_as_small_as_they_must_and_no_smaller(game, limit, slices):
    loop = fed(new_loop(Cell(game), False), limit)
    assert distance(state(loop), state(new_loop(Cell(game), False))) < 1e-9
    assert loop.stream.micro_batches == slices


def test_a_batch_that_can_not_be_halved_is_cut_otherwise():
    recipe = with_flags(RECIPES["sngan"], {"batch": "15", "generator.width": "8", "critic.width": "8"})
    loop = Loop(build_game(recipe, (1, 16, 16)), Pictures((1, 16, 16)), loop_settings(recipe))
    fed(loop, 6).round()
    assert loop.stream.micro_batches == 3


REFUSED = {"packs": ("packed", 1, {}), "single examples": ("ali", 0, {}), "coupled": ("lazy-r1", 8, {"coupled": True})}


@pytest.mark.parametrize("case", REFUSED)
def test_what_can_be_cut_no_further_is_told_in_one_line(case):
    game, limit, also = REFUSED[case]
    loop = new_loop(Cell(game), False)
    for turn in loop.game.turns(0):
        vars(turn).update(also)
    line = r"memory is full \(slices can't be made smaller; .*: .* smaller --batch"
    with pytest.raises(MachineError, match=line) as told, machine_errors_as_user_errors():
        fed(loop, limit).round()
    assert "\n" not in str(told.value)


def test_other_errors_pass():
    loop = failing(new_loop(Cell("ali"), False), 2, RuntimeError("shapes do not match"))
    with pytest.raises(RuntimeError, match="shapes do not match"):
        state(loop)
    assert loop.stream.micro_batches == 1


def _rank(rank: int, rendezvous: str, folder: str) -> None:
    """Memory is full on rank 1 alone."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=2)
    loop = new_loop(Cell("lazy-r1", ranks=2), False)
    save_file(state(failing(loop, 5, MemoryError()) if rank else loop), Path(folder) / f"{rank}.safetensors")
    assert loop.stream.micro_batches == 2
    (loop := new_loop(Cell("lazy-r1", ranks=2), False)).round()
    try:
        state(fed(loop, 0) if rank else loop)
    except RuntimeError as error:
        (Path(folder) / f"{rank}.txt").write_text(str(error))
    dist.destroy_process_group()


def test_ranks_take_smaller_slices_together(tmp_path):
    mp.spawn(_rank, (str(tmp_path / "rendezvous"), str(tmp_path)), nprocs=2)
    first, second = (load_file(tmp_path / f"{rank}.safetensors") for rank in (0, 1))
    assert distance(first, second) == 0
    assert distance(first, state(new_loop(Cell("lazy-r1"), False))) < 1e-9
    told = [(tmp_path / f"{rank}.txt").read_text() for rank in (0, 1)]
    assert all("slices can't be made smaller" in text for text in told) and "another process" in told[0]
    assert BATCH == 16  # so that the slices of two ranks can be halved


SMALL = ["--batch", "32", "--generator.widths", "8,8", "--critic.widths", "8,8", "--reports", "3"]
TRAIN = [
    "train",
    "points",
    "--data",
    "ring",
    "--images",
    "192",
    *SMALL,
    "--threads",
    "1",
    "--precision",
    "fp32",
    "--out",
]


def test_a_run_goes_on_and_is_resumed_with_smaller_slices(tmp_path, monkeypatch, capsys):
    """Memory is full in round 2 of 6; the run is interrupted after round 4."""
    new, play = running.initial_loop, Loop.round

    def interrupted(loop):
        if loop.rounds == 3:
            signal.raise_signal(signal.SIGINT)
        return play(loop)

    with monkeypatch.context() as patch:
        patch.setattr(running, "initial_loop", lambda *arguments: failing(new(*arguments), 3, MemoryError()))
        patch.setattr(Loop, "round", interrupted)
        assert spar(*TRAIN, tmp_path / "run") == 130
    told = [line for line in capsys.readouterr().err.splitlines() if "memory is full" in line]
    assert told == ["memory is full after 64 examples: going on with 16 of 32 examples at once (--micro-batches 2)"]
    assert json.loads((tmp_path / "run" / "run.json").read_text())["config"]["micro_batches"] == 2
    run = sparring.resume(tmp_path / "run")
    assert run.loop.stream.micro_batches == run.config.micro_batches == 2
    assert [entry["micro_batches"] for entry in run.journal.entries] == [2, 2, 2]
    whole = sparring.train(run.config.recipe, "ring", tmp_path / "whole", images=192, reports=3, threads=1)
    for p, q in zip(run.loop.game.parameters(), whole.loop.game.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-3, atol=1e-5)


def test_a_healed_run_keeps_its_smaller_slices(tmp_path, monkeypatch):
    new, seen = running.initial_loop, []

    def ruined(*arguments):
        seen.append(arguments[0].micro_batches)
        return failing(new(*arguments), 0, MemoryError()) if len(seen) == 2 else new(*arguments)

    def check(losses, images):
        if len(seen) == 2:
            raise RunDiverged(RaisedAlarm("not finite", "a loss of nan"), images)

    monkeypatch.setattr(running, "initial_loop", ruined)
    monkeypatch.setattr(running, "check_finite", check)
    monkeypatch.setattr("sparring.training.session.initial_loop", ruined)
    run = sparring.train("points", "ring", tmp_path / "run", images=1024, reports=2, threads=1)
    assert seen == [1, 1, 2] and run.config.micro_batches == 2 and len(run.config.adjustments) == 1


def test_a_coupled_game_without_room_stops_in_one_line(tmp_path, monkeypatch, capsys):
    new = running.initial_loop
    monkeypatch.setattr(running, "initial_loop", lambda *arguments: failing(new(*arguments), 3, MemoryError()))
    recipe = ["train", "ragan", "--images", "256", "--batch", "32", "--generator.width", "8", "--critic.width", "8"]
    assert spar(*recipe, "--out", tmp_path / "run") == 2
    (told,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("spar: ")]
    assert told.startswith("spar: memory is full (slices can't be made smaller; ") and "spar resume" in told


@pytest.mark.parametrize("flags", [["--batch", "auto"], ["--micro-batches", "auto"]], ids=["batch", "micro-batches"])
def test_auto_takes_the_largest_slices_that_fit(flags, tmp_path, monkeypatch, capsys):
    new, batch = machine_settings.initial_loop, RECIPES["points"].batch
    monkeypatch.setattr(machine_settings, "initial_loop", lambda *arguments: fed(new(*arguments), batch // 4 + 1))
    small = [word for word in TRAIN if word not in ("--batch", "32")]
    assert spar(*small, tmp_path / "run", *flags) == 0
    assert f"memory holds {batch // 4} of {batch} examples at once (--micro-batches 4)" in capsys.readouterr().err
    config, _ = Config.load(tmp_path / "run")
    assert config.micro_batches == 4 and config.recipe.batch == batch


def test_probing_plays_lazy_turns_and_leaves_the_users_networks_alone(monkeypatch):
    played, G = [], torch.nn.Linear(2, 2)
    before = G.weight.clone()
    recipe = with_flags(RECIPES["points"], {"batch": "16", "penalties": "r1", "penalty-every": "16", "z": "2"})
    new = machine_settings.initial_loop
    monkeypatch.setattr(machine_settings, "initial_loop", lambda *arguments: watched(new(*arguments), played))
    data = load_dataset("ring")
    config = api.configure(recipe, data, networks={"G": G}, micro_batches=0, device="cpu", precision="fp32")
    assert machine_settings.resolve_machine_settings(config, data, {"G": G}).micro_batches == 1
    assert torch.equal(G.weight, before) and played.count("smooth") == 2, played


def watched(loop: Loop, played: list[str]) -> Loop:
    """Notes the turns."""
    add = loop.add_gradients

    def added(play, *rest):
        played.append(play.turn.name)
        return add(play, *rest)

    loop.add_gradients = added  # type: ignore[method-assign]
    return loop
