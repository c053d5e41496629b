"""Which checkpoints are kept, and which of them is gone on from."""

import pytest
import torch

from sparring.errors import UserError
from sparring.training import checkpoint

CPU = torch.device("cpu")


def state(n: int) -> dict[str, torch.Tensor]:
    return {"counters": torch.tensor([n, n]), "w": torch.full((50,), float(n))}


def held(folder) -> list[int]:
    return [int(path.stem) for path in checkpoint.saved_checkpoints(folder)]


def test_the_last_two_and_the_best_are_kept(tmp_path):
    for n, best in ((1, None), (2, 1), (3, 1), (4, 1), (5, 4), (6, 4), (7, 4)):
        checkpoint.save_checkpoint(tmp_path / "c", n, state(n), best)
        if n == 4:
            assert held(tmp_path / "c") == [1, 3, 4]
    assert held(tmp_path / "c") == [4, 6, 7]


def test_what_was_played_after_a_checkpoint_gone_back_to_is_dropped(tmp_path):
    for n in (1, 2, 3):
        checkpoint.save_checkpoint(tmp_path, n, state(n))
    checkpoint.save_checkpoint(tmp_path, 2, state(2))
    assert held(tmp_path) == [2]


@pytest.mark.parametrize("at", [0, 9, 200, -100, -1])
@pytest.mark.parametrize("how", ["flipped", "cut"])
def test_a_damaged_checkpoint_is_noticed_and_the_one_before_it_used(tmp_path, at, how):
    checkpoint.save_checkpoint(tmp_path, 1, state(1))
    checkpoint.save_checkpoint(tmp_path, 2, state(2))
    newest = checkpoint.saved_checkpoints(tmp_path)[-1]
    good = bytearray(newest.read_bytes())
    if how == "cut":
        del good[at:]
    else:
        good[at] ^= 1
    newest.write_bytes(good)
    found, damaged = checkpoint.latest_checkpoint(tmp_path, CPU)
    assert damaged == [newest] and torch.equal(found["w"], state(1)["w"])
    checkpoint.saved_checkpoints(tmp_path)[0].write_bytes(b"")
    with pytest.raises(UserError, match="no readable checkpoint"):
        checkpoint.latest_checkpoint(tmp_path, CPU)
