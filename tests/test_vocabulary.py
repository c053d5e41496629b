"""The proof: the hardest games, each played × {eager, compiled} × {one batch, accumulated} × {one rank, two gloo ranks}
× {straight through, stopped and resumed}, agree. Float64, 20 rounds, every parameter, buffer, average and moment.

Networks hold spectral norm everywhere, and batch norm where it can agree: its statistics are a slice's own, so under
accumulation and ranks it can't, and a compiled slope can't pass it (`sparring.game.pullback`).

`make test` plays a sample that covers every value of every axis for every game; `make matrix` plays all.
"""

import itertools
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from commands import distance
from safetensors.torch import load_file, save_file
from tiny_games import BATCH, GAMES
from tiny_players import Rows

from sparring.errors import UserError
from sparring.games.gan import GAN
from sparring.training.loop.loop import Loop
from sparring.training.loop.settings import Settings

ROUNDS, STOP = 20, 9

# A cell that fell back to eager would prove nothing.
torch._dynamo.config.recompile_limit = 64
torch._dynamo.config.fail_on_recompile_limit_hit = True


@dataclass(frozen=True)
class Cell:
    game: str
    backend: str | None = None
    slices: int = 1
    ranks: int = 1
    resumed: bool = False

    @property
    def norm(self) -> bool:
        """Whether batch norm can agree here."""
        return self.slices == self.ranks == 1 and not (self.backend and self.game == "path-length")

    def __str__(self) -> str:
        words = (self.game, self.backend or "eager", f"{self.slices} slices", f"{self.ranks} ranks")
        return ", ".join([*words, "resumed" if self.resumed else "straight"])


def new_loop(cell: Cell, norm: bool) -> Loop:
    torch.manual_seed(0)
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        game = GAMES[cell.game](norm)
    finally:
        torch.set_default_dtype(default)
    weights = {"r1": 0.5, "lipschitz": 10.0, "cycle": 3.0}
    settings = Settings(batch=BATCH, micro_batches=cell.slices, compiled=cell.backend, weights=weights)
    return Loop(game, Rows(2 if cell.game == "cyclegan" else 1), settings)


def play(cell: Cell, norm: bool) -> dict[str, torch.Tensor]:
    torch._dynamo.reset()
    loop = new_loop(cell, norm)
    for i in range(ROUNDS):
        if cell.resumed and i == STOP:
            state = {name: value.clone() for name, value in loop.state().items()}
            loop = new_loop(cell, norm)
            loop.restore(state)
        loop.round()
    return {name: value.clone() for name, value in loop.state().items()}


def _rank(rank: int, rendezvous: str, cells: list[Cell], folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=2)
    for i, cell in enumerate(cells):
        save_file(play(cell, cell.norm), Path(folder) / f"{i}-{rank}.safetensors")
    dist.destroy_process_group()


def play_all(cells: list[Cell], folder: Path) -> dict[Cell, dict[str, torch.Tensor]]:
    """The final state of every cell; both ranks of a pair are checked to hold the same one."""
    states = {cell: play(cell, cell.norm) for cell in cells if cell.ranks == 1}
    paired = [cell for cell in cells if cell.ranks == 2]
    if paired:
        mp.spawn(_rank, (str(folder / "rendezvous"), paired, str(folder)), nprocs=2)
    for i, cell in enumerate(paired):
        first, second = (load_file(folder / f"{i}-{rank}.safetensors") for rank in (0, 1))
        assert distance(first, second) == 0, f"{cell}: the ranks differ"
        states[cell] = first
    return states


def assert_agreement(cells: list[Cell], folder: Path) -> None:
    plain = {(game, norm): play(Cell(game), norm) for game, norm in {(cell.game, cell.norm) for cell in cells}}
    for cell, state in play_all(cells, folder).items():
        assert distance(plain[cell.game, cell.norm], state) < 1e-9, f"{cell} differs from the plain way"


# For every game: each value of each axis at least once, axes combined as differently as three rows allow.
SAMPLE = [("aot_eager", 2, 1, False), (None, 2, 2, False), ("aot_eager", 1, 2, True)]


@pytest.mark.parametrize("games", [tuple(GAMES)[:5], tuple(GAMES)[5:]], ids=["first five", "others"])
def test_a_sample_of_the_matrix_agrees(games, tmp_path):
    assert_agreement([Cell(game, *axes) for game in games for axes in SAMPLE], tmp_path)


def test_inductor_agrees(tmp_path):
    assert_agreement([Cell("lazy-r1", "inductor", 2)], tmp_path)


@pytest.mark.matrix
@pytest.mark.parametrize("game", GAMES)
def test_the_whole_matrix_agrees(game, tmp_path):
    axes = itertools.product((None, "inductor"), (1, 2), (1, 2), (False, True))
    assert_agreement([Cell(game, *values) for values in axes], tmp_path)


@pytest.mark.parametrize("game", GAMES)
def test_stopping_and_resuming_changes_not_a_bit(game):
    assert distance(play(Cell(game), True), play(Cell(game, resumed=True), True)) == 0


@pytest.mark.parametrize("game", GAMES)
def test_every_learner_moves_and_nobody_else(game, monkeypatch):
    for i in range(len(new_loop(Cell(game), True).game.turns(0))):
        loop = new_loop(Cell(game), True)
        turn = loop.game.turns(0)[i]
        monkeypatch.setattr(loop.game, "turns", lambda seen, turn=turn: [turn])
        before = {name: [p.clone() for p in ps] for name, ps in loop.learners.items()}
        for _ in range(ROUNDS):
            loop.round()
        for name, parameters in loop.learners.items():
            moved = any(not torch.equal(old, new) for old, new in zip(before[name], parameters, strict=True))
            assert moved == (name in turn.learns), f"{turn.name}: {name}"


def test_what_the_user_froze_stays_frozen():
    loop_game = GAMES["ali"](False)
    loop_game.players["E"].requires_grad_(False)
    before = {name: p.clone() for name, p in loop_game.players["E"].named_parameters()}
    loop = Loop(loop_game.double(), Rows(), Settings(batch=BATCH))
    for _ in range(3):
        loop.round()
    assert all(torch.equal(before[name], p) for name, p in loop_game.players["E"].named_parameters())


def test_a_player_frozen_whole_makes_no_moves():
    game = GAMES["lazy-r1"](False)
    game.players["D"].requires_grad_(False)
    loop = Loop(game.double(), Rows(), Settings(batch=BATCH))
    assert {name.split(".")[0] for name in loop.round()} == {"generator"}
    game.requires_grad_(False)
    with pytest.raises(UserError, match="all of G, D is frozen: nothing is left to learn"):
        Loop(game, Rows(), Settings(batch=BATCH))


def test_batch_norm_under_accumulation_sees_a_slice_at_a_time():
    """Documented, not hidden: the numbers differ from the whole batch's, and stay finite."""
    whole, sliced = play(Cell("ali"), True), play(Cell("ali", slices=2), True)
    assert distance(whole, sliced) > 1e-6
    assert all(torch.isfinite(value).all() for value in sliced.values())


def test_a_coupled_turn_refuses_slices():
    game = GAMES["lazy-r1"](False)
    assert isinstance(game, GAN)
    game.turns(0)[0].coupled = True
    with pytest.raises(UserError, match="couples the whole batch"):
        Loop(game, Rows(), Settings(batch=BATCH, micro_batches=2)).round()


def test_packs_are_never_cut():
    with pytest.raises(UserError, match=r"groups of 2.*multiple of 32"):
        Loop(GAMES["packed"](False).double(), Rows(), Settings(batch=BATCH, micro_batches=16)).round()
