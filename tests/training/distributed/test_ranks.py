"""Two gloo processes: their numbers against one process's, and what they tell each other."""

import json
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from commands import distance
from safetensors.torch import load_file, save_file
from tiny_games import BATCH
from tiny_players import Rows, noise
from torch import nn

from sparring.errors import SharedError, UserError
from sparring.games.gan import GAN
from sparring.losses.objectives import non_saturating
from sparring.losses.penalties import r1
from sparring.training.distributed.ranks import Ranks
from sparring.training.distributed.sync_batch_norm import SynchronisedNorm, synchronise
from sparring.training.loop.loop import Loop
from sparring.training.loop.optim import Adam
from sparring.training.loop.settings import Settings

CASES = {"float64": (torch.float64, True, 20), "fp32": (torch.float32, True, 1), "own": (torch.float32, False, 200)}
"""Dtype, synchronised statistics, rounds."""


class Typed(Rows):
    def __init__(self, dtype: torch.dtype):
        super().__init__()
        self.x = self.x.to(dtype)


def normed(inputs: int, outputs: int) -> nn.Sequential:
    """No bias before the norm: its gradient would be rounding alone, which Adam makes steps of."""
    return nn.Sequential(nn.Linear(inputs, 12, bias=False), nn.BatchNorm1d(12), nn.Tanh(), nn.Linear(12, outputs))


def played(case: str) -> dict[str, torch.Tensor]:
    """Batch norm in both players, and slopes through the critic's."""
    dtype, synchronised, rounds = CASES[case]
    torch.manual_seed(0)
    draw = noise(4)
    latents = {"z": lambda n, shape, g: draw(n, shape, g).to(dtype)}
    game = GAN(normed(4, 8), normed(8, 1), non_saturating, [r1], latents=latents).to(dtype)
    ranks = Ranks.here()
    if synchronised and ranks.world > 1:
        assert synchronise(game, ranks.world) == 2
    adams = {"G": Adam(eps=1e-4), "D": Adam(eps=1e-4)}
    loop = Loop(game, Typed(dtype), Settings(batch=BATCH, optimisers=adams, weights={"r1": 0.5}))
    loop.broadcast()
    for _ in range(rounds):
        loop.round()
    return {name: value.clone() for name, value in loop.state().items()}


def _rank(rank: int, rendezvous: str, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=2)
    for case in CASES:
        save_file(played(case), Path(folder) / f"{case}-{rank}.safetensors")
    shared = _shared(Ranks.here())
    dist.destroy_process_group()
    shared["threads"] = [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]
    (Path(folder) / f"{rank}.json").write_text(json.dumps(shared))


def _shared(ranks: Ranks) -> dict[str, object]:
    """What two processes tell each other."""

    def wrong() -> str:
        if ranks.rank == 1:
            raise UserError("no such file")
        return "fine"

    refusals = []
    for call in (lambda: ranks.on_every_rank(wrong), lambda: ranks.require_same({"seed": 7, "size": 8 * ranks.rank})):
        try:
            call()
        except SharedError as error:
            refusals.append(str(error))
    mine = {"a": torch.arange(6.0).view(2, 3), "n": torch.tensor([3])}
    state = ranks.broadcast_state(lambda: mine, torch.device("cpu"))
    return {
        "refusals": refusals,
        "told": ranks.gather_text("ä" * (1 + ranks.rank)),
        "led": ranks.on_first_rank(lambda: {"rank": ranks.rank}),
        "any": [ranks.any(False), ranks.any(ranks.rank == 1)],
        "state": {name: x.tolist() for name, x in state.items()},
    }


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    mp.spawn(_rank, (str(folder / "rendezvous"), str(folder)), nprocs=2)
    return folder


@pytest.mark.parametrize("case", CASES)
def test_ranks_stay_equal_to_the_bit(pair, case):
    first, second = (load_file(pair / f"{case}-{rank}.safetensors") for rank in (0, 1))
    assert first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_synchronised_statistics_are_those_of_the_joint_batch(pair):
    assert distance(load_file(pair / "float64-0.safetensors"), played("float64")) < 1e-9
    assert distance(load_file(pair / "fp32-0.safetensors"), played("fp32")) < 1e-6
    # What is compared moves: statistics of a process's own slice give other numbers.
    assert distance(load_file(pair / "own-0.safetensors"), played("own")) > 1e-3


def test_what_processes_tell_each_other(pair):
    zero, one = (json.loads((pair / f"{rank}.json").read_text()) for rank in (0, 1))
    # None of the group's is left to abort a process that ends.
    assert not [name for name in zero.pop("threads") + one.pop("threads") if "gloo" in name]
    assert zero == one
    assert zero["refusals"][0] == "process 1 of 2: no such file"
    assert "process 1 has 8 for size where process 0 has 0" in zero["refusals"][1]
    assert zero["told"] == ["ä", "ää"] and zero["led"] == {"rank": 0} and zero["any"] == [False, True]
    assert zero["state"] == {"a": [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]], "n": [3]}


def test_a_synchronised_norm_takes_a_plain_ones_place():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Sequential(nn.BatchNorm2d(4, affine=False)))
    net(torch.randn(8, 3, 5, 5))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    x = torch.randn(2, 3, 5, 5)
    plain = net.eval()(x)
    assert synchronise(net, 2) == 2 and isinstance(net[1], SynchronisedNorm)
    assert net.state_dict().keys() == before.keys() and torch.equal(net(x), plain)
