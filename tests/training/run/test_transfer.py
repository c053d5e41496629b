"""Starting from another run's weights, with layers of the critic held."""

import json
import shutil

import pytest
import torch
from commands import final

import sparring
from sparring.build.game import build_game
from sparring.build.overrides import with_flags
from sparring.errors import UserError
from sparring.recipes import RECIPES
from sparring.storage import tensors
from sparring.training.run.transfer import freeze_layers

NARROW = {"generator.width": "4", "critic.width": "4", "batch": "16"}
RECIPE = with_flags(RECIPES["cgan"], NARROW)


@pytest.fixture(scope="module")
def earlier(tmp_path_factory):
    out = tmp_path_factory.mktemp("transfer") / "earlier"
    sparring.train(RECIPE, "digits", out, images=64, reports=1, threads=1)
    return out


def test_a_run_starts_where_another_ended(earlier, tmp_path):
    out = tmp_path / "later"
    run = sparring.train(
        with_flags(RECIPE, {"lr": "0", "critic-lr": "0"}), "digits", out, images=16, reports=1, threads=1,
        source=earlier, seed=7,
    )  # fmt: skip
    old, new = final(earlier), final(out)
    for name, p in run.loop.game.players["G"].named_parameters():  # nothing moved, so this is how it began
        assert torch.equal(p, old[f"ema.G.{name}"]) and torch.equal(new[f"ema.G.{name}"], p)
    for name, p in run.loop.game.players["D"].named_parameters():
        assert torch.equal(p, old[f"game.players.D.{name}"])
    assert json.loads((out / "run.json").read_text())["config"]["from_run"] == str(earlier)


def test_a_run_starts_where_another_was_best(earlier, tmp_path):
    source, out = tmp_path / "earlier", tmp_path / "later"
    shutil.copytree(earlier, source)
    last = max(source.glob("checkpoints/*"))
    shutil.copy(last, last.with_name("000000000128.safetensors"))  # a run that went on, and to worse
    worse = {"images": 128, "seconds": 9.0, "scores": {name: 1e9 for name in _scores(source)}}
    with (source / "journal.jsonl").open("a") as journal:
        journal.write(json.dumps(worse) + "\n")
    state = tensors.read_tensors(last)
    tensors.write_tensors(last, {name: x + 1 if name.startswith("ema.G") else x for name, x in state.items()})
    still = with_flags(RECIPE, {"lr": "0", "critic-lr": "0"})
    run = sparring.train(still, "digits", out, images=16, reports=1, threads=1, source=source)
    for name, p in run.loop.game.players["G"].named_parameters():
        assert torch.equal(p, state[f"ema.G.{name}"] + 1)


def _scores(run):
    return json.loads((run / "journal.jsonl").read_text().splitlines()[-1])["scores"]


def test_a_damaged_checkpoint_is_passed_over_and_said_so(earlier, tmp_path, capsys):
    source, out = tmp_path / "earlier", tmp_path / "later"
    shutil.copytree(earlier, source)
    (source / "journal.jsonl").unlink()
    good = max(source.glob("checkpoints/*"))
    bad = good.with_name(f"{int(good.stem) + 1:012d}.safetensors")
    bad.write_bytes(good.read_bytes()[:-1])
    still = with_flags(RECIPE, {"lr": "0", "critic-lr": "0"})
    run = sparring.train(still, "digits", out, images=16, reports=1, threads=1, source=source)
    assert f"{bad} is damaged: starting from the checkpoint before it" in capsys.readouterr().err
    for name, p in run.loop.game.players["D"].named_parameters():
        assert torch.equal(p, final(earlier)[f"game.players.D.{name}"])


def test_held_layers_hold_and_go_on_holding_when_resumed(earlier, tmp_path):
    out = tmp_path / "held"
    sparring.train(RECIPE, "digits", out, images=64, reports=2, threads=1, source=earlier, freeze=1)
    (first, *others) = [name for name in final(out) if name.startswith("game.players.D") and name.endswith("weight")]
    assert torch.equal(final(out)[first], final(earlier)[first])
    assert not any(torch.equal(final(out)[name], final(earlier)[name]) for name in others)
    sorted((out / "checkpoints").glob("*"))[-1].unlink()
    (out / "scores.json").unlink()
    whole = final(out)
    again = sparring.resume(out)
    assert again.loop.rounds == 4 and torch.equal(final(out)[first], whole[first])


def test_what_does_not_fit_is_one_line(earlier, tmp_path):
    other = with_flags(RECIPE, {"critic.width": "8"})
    cases = [
        ((other, "digits"), {"source": earlier}, "has another D"),
        ((RECIPE, "digits"), {"source": tmp_path / "nowhere"}, "has no checkpoint"),
        ((RECIPE, "digits"), {"freeze": 9}, "freeze is 9"),
        ((RECIPE, "digits"), {"freeze": -1}, "freeze is -1"),
    ]
    for words, settings, line in cases:
        with pytest.raises(UserError, match=line) as raised:
            sparring.train(*words, tmp_path / "out", images=16, **settings)
        assert "\n" not in str(raised.value) and not (tmp_path / "out").exists()


def test_layers_are_counted_from_the_image():
    D = build_game(RECIPES["dcgan"], (1, 16, 16)).players["D"]
    freeze_layers(D, 2)
    held = [name for name, p in D.named_parameters() if not p.requires_grad]
    assert held == ["0.weight", "2.weight"]
