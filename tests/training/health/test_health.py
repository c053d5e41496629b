"""Vitals that change nothing, alarms on journals that show one thing each, and runs that are healed or stopped."""

import json
import math
import signal
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from playing import Pictures
from scipy.stats import mannwhitneyu
from torch import nn

import sparring
from sparring.build.game import build_game
from sparring.build.overrides import with_flags
from sparring.errors import UserError
from sparring.metrics.image.quick_check import (
    DiagnosticsReference,
    SampleDiagnostics,
    range_error,
    relative_to_real,
    rms_distance,
)
from sparring.recipes import RECIPES
from sparring.schedules import Cosine, Linear, at, scaled
from sparring.training import session
from sparring.training.config.adjustments import ADJUSTMENTS, Adjustment, apply_adjustments
from sparring.training.config.config import Config
from sparring.training.health import report
from sparring.training.health.alarms import ALARMS, RaisedAlarm, RunDiverged, is_healthy, raised_alarms
from sparring.training.health.monitors import auc, health_metrics
from sparring.training.health.recovery import ADJUSTMENTS_FOR, MAX_ADJUSTMENTS, choose_adjustment, rollback
from sparring.training.health.report import recheck_round
from sparring.training.loop.loop import Loop
from sparring.training.loop.settings import loop_settings
from sparring.training.run import run as running

SHAPE = (1, 16, 16)


def loop_of(recipe: str, **numbers: str) -> Loop:
    torch.manual_seed(0)
    small = with_flags(RECIPES[recipe], {"batch": "12", "generator.width": "8", "critic.width": "8", **numbers})
    return Loop(build_game(small, SHAPE, classes=3), Pictures(SHAPE, 3), loop_settings(small, seed=0))


def test_the_edge_is_that_of_mann_and_whitney():
    real, fake = torch.randn(40) + 0.3, torch.randn(30).round()
    expected = mannwhitneyu(real.numpy(), fake.numpy()).statistic / (40 * 30)
    assert auc(real, fake) == pytest.approx(expected)


@pytest.mark.parametrize("recipe", ["dcgan", "cgan", "sngan", "bigan", "vae-gan", "pacgan"])
def test_looking_changes_nothing(recipe):
    watched, alone = loop_of(recipe), loop_of(recipe)
    for _ in range(3):
        watched.round()
        health_metrics(watched)
        alone.round()
    assert all(torch.equal(value, alone.state()[name]) for name, value in watched.state().items())
    told = health_metrics(watched)
    assert 0 <= told["edge"] <= 1 and told["logits"] > 0
    assert all(told[f"gradient.{name}"] > 0 for name in watched.game.players)


def test_a_gradient_is_the_length_of_all_of_a_players():
    loop = loop_of("dcgan")
    loop.round()
    flat = torch.cat([p.grad.flatten() for p in loop.game.players["D"].parameters()])  # type: ignore[union-attr]
    assert health_metrics(loop)["gradient.D"] == pytest.approx(float(flat.norm()), rel=1e-5)


def seen(fake, real_labels=True):
    g = torch.Generator().manual_seed(0)
    middles = torch.tensor([[0.0, 0.0], [20.0, 0.0], [0.0, 20.0]]).double()

    def drawn(n):
        labels = torch.arange(n) % 3
        return middles[labels] + torch.randn(n, 2, generator=g).double(), labels

    real, labels = drawn(600)
    unseen, again = drawn(300)[0], drawn(600)
    return DiagnosticsReference(real, labels if real_labels else None, unseen)(fake(*again))


def test_as_good_as_real_is_about_one():
    assert all(value == pytest.approx(1, abs=0.25) for value in seen(lambda x, y: x).values())


def test_a_class_left_out_is_noticed_by_the_least_alone():
    told = seen(lambda x, y: x[y != 2])
    assert told["least"] == 0 and told["precision"] > 0.8 and told["coverage"] > 0.5


def test_one_sample_over_and_over_has_no_spread():
    told = seen(lambda x, y: x[:1].expand(500, -1), real_labels=False)
    assert told["spread"] == 0 and told["coverage"] < 0.05 and told["least"] == told["coverage"]


def test_the_spread_is_that_of_pairs():
    x = torch.randn(200, 3).double()
    pairs = torch.cdist(x, x).square()
    assert rms_distance(x) == pytest.approx(float((pairs.sum() / (200 * 199)).sqrt()))


def test_real_examples_that_are_few_do_not_make_shares_of_nothing():
    assert relative_to_real(SampleDiagnostics(0.1, 0, 0, 1), SampleDiagnostics(0, 0, 0, 1))[
        "precision"
    ] == pytest.approx(2)


def test_the_range_of_pixels_is_compared_at_both_ends():
    real = torch.arange(256).repeat(40).to(torch.uint8).view(10, 1, 32, 32)
    assert range_error(real, real) == 0
    assert range_error(128 + real // 2, real) == pytest.approx(128 / 255, abs=0.01)
    assert range_error(real // 2, real) == pytest.approx(128 / 255, abs=0.01)


WELL = {"gradient.D": 1.0, "gradient.G": 0.5, "edge": 0.9, "logits": 2.0}
WELL |= {"precision": 0.8, "coverage": 0.7, "least": 0.5, "spread": 1.0, "extent": 0.01}


def journal(*told: dict, scores=None, of: int = 10) -> list[dict]:
    """Reports with these vitals beside healthy ones; the score falls, unless it is said otherwise."""
    scores = scores or [100 * 0.96**i for i in range(len(told))]
    return [
        {
            "examples": 100 * i,
            "rounds": 1000 * i,
            "progress": i / of,
            "scores": {"frechet": score},
            "health": WELL | now,
        }
        for i, (now, score) in enumerate(zip(told, scores, strict=True), 1)
    ]


NOTHING = {"precision": 0.01, "coverage": 0.0, "least": 0.0}
SICK = {
    "not finite": journal({}, {"gradient.G": math.nan}),
    "exploding": journal({}, {}, {"gradient.D": 3e4}, {"gradient.D": 5e4}),
    "critic won": journal({}, {}, NOTHING | {"edge": 0.999}, NOTHING | {"edge": 1.0}),
    "constant": journal({}, {}, {"coverage": 0.02, "least": 0, "spread": 0.02}),
    "collapse": journal({}, {}, *[{"coverage": 0.02, "least": 0, "spread": 0.2}] * 2),
    "astray": journal({}, {}, *[NOTHING | {"edge": 0.7}] * 2),
    "missing class": journal({}, {}, *[{"least": 0.01}] * 5),
    "range": journal({}, {}, *[{"extent": 0.5}] * 2),
    "copies": journal({}, {}, *[{"copied": 0.2, "copied_p": 1e-9}] * 2),
    "drift": journal(*[{"logits": size} for size in (2.0, 2.0, 2.0, 30.0, 60.0, 90.0)]),
    "vanishing": journal({}, {}, *[{"gradient.G": 1e-6}] * 2),
    "oscillation": journal(*[{}] * 7, scores=[9, 3, 9, 3, 9, 3, 9]),
    "plateau": journal(*[{}] * 10, scores=[9, 8, 7, 6, 5, *[5.1] * 5]),
}


@pytest.mark.parametrize("name", ALARMS)
def test_each_alarm_is_raised_by_what_it_is_named_after(name):
    raised = raised_alarms(SICK[name])
    assert [alarm.name for alarm in raised][:1] == [name]
    assert ALARMS[name].advice in raised[0].text() and name in raised[0].text()


@pytest.mark.parametrize("name", [name for name, alarm in ALARMS.items() if alarm.reports > 1])
def test_what_shows_once_is_no_alarm(name):
    shown = ALARMS[name].reports - 1
    well = journal(*[{}] * (len(SICK[name]) - shown), scores=[e["scores"]["frechet"] for e in SICK[name][:-shown]])
    assert name not in [alarm.name for alarm in raised_alarms([*well, *SICK[name][-shown:]])]


def names(reports: list[dict]) -> set[str]:
    return {alarm.name for alarm in raised_alarms(reports)}


def test_a_score_that_falls_below_an_early_one_is_nearer_only_if_it_is_the_best_yet():
    nothing, scores = [NOTHING | {"edge": 1.0, "spread": 0.2}] * 4, [1_035, 821, 847, 866]
    assert "critic won" in names(journal(*nothing, scores=scores))
    assert not names(journal(*nothing, scores=[1_035, 821, 650, 500]))
    few = [{"coverage": 0.19, "precision": 0.95, "spread": 0.5}] * 4
    assert not names(journal(*few, scores=[742, 524, 334, 189])) and names(journal(*few, scores=[334, 524, 380, 400]))


def test_what_is_fatal_may_show_itself_in_two_ways():
    lost, few = NOTHING | {"edge": 1.0, "spread": 0.4}, {"coverage": 0.1, "precision": 0.6, "spread": 0.6}
    scores = [4.5, 4.1, 4.5, 4.3]
    assert names(journal({}, {}, lost, few, scores=scores)) == {"collapse"}
    assert not names(journal({}, {}, {}, few, scores=scores))


def test_samples_that_get_better_and_lie_far_apart_have_not_collapsed():
    slow = [{"coverage": 0.0, "least": 0, "precision": p, "edge": 0.91} for p in (0.02, 0.039, 0.059)]
    assert not names(journal(*slow))
    assert "collapse" in names(journal(*[report | {"spread": 0.2} for report in slow]))


def test_samples_that_are_as_good_as_they_are_many_have_not_collapsed():
    early = {"coverage": 0.2, "precision": 0.7, "spread": 0.6}
    assert not names(journal({}, {}, early, early)) and names(journal({}, {}, *[early | {"coverage": 0.1}] * 2))


def test_a_healthy_run_raises_none():
    early = [{**NOTHING, "edge": 0.999}, {"coverage": 0.2, "precision": 0.4, "least": 0.01}]
    reports = journal(*early, *[{}] * 10, of=12)
    assert not any(raised_alarms(reports[: i + 1]) for i in range(len(reports)))
    assert is_healthy(reports) and not is_healthy(SICK["collapse"])
    assert not is_healthy(reports[:1]) and not is_healthy(journal({}))  # too early to tell


@pytest.mark.parametrize("change", ADJUSTMENTS)
def test_a_remedy_changes_the_rates_or_the_penalties(change):
    recipe = with_flags(RECIPES["dragan"], {"lr": "0.1:0.2:1000", "critic-lr": "0.3"})
    got = apply_adjustments(recipe, (Adjustment(change, "collapse", "", 10, 0),))
    moved = [name for name in ("lr", "critic_lr", "weights") if getattr(got, name) != getattr(recipe, name)]
    rates = ["lr", "critic_lr"]
    alone = {"slower critic": ["critic_lr"], "stronger penalties": ["weights"]}
    assert moved == alone.get(change, rates) and ADJUSTMENTS[change].is_applicable(recipe)
    again = apply_adjustments(recipe, (Adjustment(change, "collapse", "", 10, 0),) * 2)
    assert (again == got) == (change == "own rates") and set(loop_settings(recipe).weights) <= set(
        loop_settings(again).weights
    )


def test_a_run_that_was_hurried_is_given_the_rates_of_its_recipe():
    own = RECIPES["dcgan"]
    for numbers in ({"lr": "0.2:0.02"}, {"critic-lr": "1"}):
        hurried = with_flags(own, numbers)
        for alarm in ADJUSTMENTS_FOR:
            first = choose_adjustment(RunDiverged(RaisedAlarm(alarm, ""), 50), hurried, ())
            assert first == "own rates" and ADJUSTMENTS[first].apply(hurried) == own
    remedy = Adjustment("own rates", "astray", "", 50, 0)
    config = Config(hurried.with_horizon(6_400), "digits", examples=6_400, adjustments=(remedy,))
    assert config.adjusted_recipe.lr(3_200) == own.with_horizon(6_400).lr(3_200) == pytest.approx(2.2e-3)
    fits = ADJUSTMENTS["own rates"].is_applicable
    assert not any(fits(recipe) for recipe in (own, with_flags(own, {"lr": "1e-5"}), replace(own, name="mine")))
    assert choose_adjustment(RunDiverged(RaisedAlarm("not finite", ""), 50), own, ()) == "a little slower"


def test_a_critic_that_goes_on_winning_is_not_alone_slowed_down():
    given: tuple[Adjustment, ...] = ()
    for expected in ("slower critic", "slower", "slower critic"):  # whose steps are too large is not known
        given += (
            Adjustment(
                choose_adjustment(RunDiverged(RaisedAlarm("critic won", ""), 50), RECIPES["dcgan"], given),
                "critic won",
                "",
                50,
                0,
            ),
        )
        assert given[-1].change == expected


def test_a_scaled_schedule_is_so_many_times_itself():
    for number in (0.5, Linear(1, 0.2, 100), Cosine(1, 0.2, 100)):
        assert [at(scaled(number, 3), seen) for seen in (0, 37, 200)] == pytest.approx(
            [3 * at(number, seen) for seen in (0, 37, 200)]
        )


def test_remedies_take_turns_where_there_are_penalties():
    ruined = RunDiverged(RaisedAlarm("collapse", "so few"), 50)
    for recipe, expected in (("dragan", ["slower", "stronger penalties", "slower"]), ("dcgan", ["slower"] * 3)):
        given: tuple[Adjustment, ...] = ()
        for _ in expected:
            given += (Adjustment(choose_adjustment(ruined, RECIPES[recipe], given), "collapse", "", 50, 0),)
        assert [remedy.change for remedy in given] == expected


def test_every_fatal_alarm_has_a_remedy():
    assert {name for name, alarm in ALARMS.items() if alarm.fatal} == set(ADJUSTMENTS_FOR)


class Fragile(nn.Module):
    """A generator that overflows in these of its calls while it trains."""

    def __init__(self, bad: set[int]):
        super().__init__()
        self.net, self.bad, self.calls = nn.Sequential(nn.Linear(100, 64), nn.Tanh()), bad, 0

    def forward(self, z):
        self.calls += self.training
        x = self.net(z).view(-1, 1, 8, 8)
        return x * math.nan if self.training and self.calls in self.bad else x


def fragile_run(tmp_path, bad, **settings):
    small = with_flags(RECIPES["mlp-gan"], {"critic.widths": "16", "batch": "32"})
    given = {"images": 640, "reports": 10, "threads": 1, "networks": {"G": Fragile(bad)}} | settings
    return sparring.train(small, "digits", tmp_path / "run", **given)


class Told:
    def __init__(self):
        self.told: list[object] = []

    def report(self, entry, grid):
        self.told.append(entry["examples"])

    def close(self):
        self.told.append("closed")


def test_a_suspicious_report_is_followed_by_another_after_half_a_period(tmp_path, monkeypatch):
    """Every 4 rounds of 16; the second report is suspicious, and the run is interrupted before the next look."""
    monkeypatch.setattr(report, "shows_fatal_sign", lambda reports: len(reports) == 2)
    given = {"images": 16 * 256, "reports": 4, "threads": 1}
    whole = sparring.train("points", "ring", tmp_path / "whole", **given)
    play = Loop.round

    def interrupted(loop):
        if loop.rounds == 8:
            signal.raise_signal(signal.SIGINT)
        return play(loop)

    with monkeypatch.context() as patch:
        patch.setattr(Loop, "round", interrupted)
        assert sparring.train("points", "ring", tmp_path / "run", **given).outcome == "interrupted"
    run = sparring.resume(tmp_path / "run")
    for each in (whole, run):
        assert [entry["rounds"] for entry in each.journal.entries] == [4, 8, 10, 12, 16]
        assert [entry["suspicious"] for entry in each.journal.entries] == [False, True, False, False, False]
    assert all(torch.equal(value, whole.loop.state()[name]) for name, value in run.loop.state().items())


def test_a_second_look_is_no_reason_for_a_third():
    assert [recheck_round({"suspicious": True, "rounds": rounds}, 4) for rounds in (8, 10, 12)] == [10, 0, 14]
    assert not any(recheck_round(last, 4) for last in (None, {"rounds": 8}, {"suspicious": False, "rounds": 8}))


def test_a_healed_session_closes_its_watchers_once(tmp_path):
    watcher = Told()
    fragile_run(tmp_path, {21}, watchers=[watcher])
    assert watcher.told.count("closed") == 1 and watcher.told[-1] == "closed"


def test_a_healed_session_has_one_limit_on_the_clock(tmp_path, monkeypatch):
    """A minute a round, of which ten are played in vain."""
    played = []
    clock = SimpleNamespace(monotonic=lambda: 60.0 * len(played))
    for module in (running, session):
        monkeypatch.setattr(module, "time", clock)
    play = Loop.round
    monkeypatch.setattr(Loop, "round", lambda loop: (played.append(loop), play(loop))[1])
    run = fragile_run(tmp_path, {21}, minutes=15)
    assert run.outcome == "out of time" and run.config.adjustments and len(played) == 16


def test_a_critic_that_is_handed_over_learns_again_after_healing(tmp_path):
    """It is the generator's losses that fail, and so it holds still when the run is left."""
    D = nn.Sequential(nn.Flatten(), nn.Linear(64, 1))
    assert fragile_run(tmp_path, {21}, networks={"G": Fragile({21}), "D": D}).outcome == "finished"


def test_a_number_that_overflows_is_healed(tmp_path, capsys):
    run = fragile_run(tmp_path, {21})
    assert run.outcome == "finished"
    config, _ = Config.load(tmp_path / "run")
    (remedy,) = config.adjustments
    assert (remedy.alarm, remedy.change, remedy.resumed_from) == (
        "not finite",
        "a little slower",
        0,
    )  # nothing to go back to
    assert run.loop.adams["G"].lr == pytest.approx(at(RECIPES["mlp-gan"].lr, 0) / 2)
    entries = [json.loads(line) for line in (tmp_path / "run" / "journal.jsonl").read_text().splitlines()]
    assert [entry["examples"] for entry in entries] == [64 * (i + 1) for i in range(10)]
    assert remedy.text() in capsys.readouterr().err
    assert remedy.text() in (tmp_path / "run" / "report.html").read_text()


def test_a_run_goes_back_to_its_last_healthy_checkpoint(tmp_path):
    reports = journal(*[{}] * 3, *[NOTHING | {"edge": 0.7}] * 2)
    (tmp_path / "journal.jsonl").write_text("".join(json.dumps({"seconds": 0.0, **r}) + "\n" for r in reports))
    (tmp_path / "checkpoints").mkdir()
    for entry in reports[1:]:
        (tmp_path / "checkpoints" / f"{entry['examples']:012d}.safetensors").write_bytes(b"")
    assert rollback(tmp_path, ()) == reports[2]["examples"]
    kept = sorted(path.stem for path in (tmp_path / "checkpoints").iterdir())
    assert [int(stem) for stem in kept] == [reports[1]["examples"], reports[2]["examples"]]
    in_vain = Adjustment("slower", "astray", "", reports[4]["examples"], reports[2]["examples"])
    assert rollback(tmp_path, (in_vain,)) == reports[1]["examples"]


def test_a_run_whose_samples_were_never_anything_begins_anew(tmp_path):
    reports = journal(*[NOTHING | {"edge": 0.7}] * 3)
    (tmp_path / "journal.jsonl").write_text("".join(json.dumps({"seconds": 0.0, **r}) + "\n" for r in reports))
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / f"{reports[0]['examples']:012d}.safetensors").write_bytes(b"")
    assert rollback(tmp_path, ()) == 0 and not any((tmp_path / "checkpoints").iterdir())


def test_a_healed_run_goes_on_as_what_it_has_become(tmp_path):
    fragile_run(tmp_path, {21})
    config, _ = Config.load(tmp_path / "run")
    assert replace(config, adjustments=()).adjusted_recipe == config.recipe
    assert config.adjusted_recipe.lr == pytest.approx(at(config.recipe.lr, 0) / 2)


def test_remedies_are_bounded(tmp_path):
    with pytest.raises(UserError, match=f"stopped after {MAX_ADJUSTMENTS} adjustments .* not finite"):
        fragile_run(tmp_path, set(range(5, 1000)))
    assert len(Config.load(tmp_path / "run")[0].adjustments) == MAX_ADJUSTMENTS


def test_a_run_that_is_not_to_be_healed_stops_and_keeps_what_was_before(tmp_path):
    with pytest.raises(UserError, match=r"stopped after .* not finite.*from before"):
        fragile_run(tmp_path, {21}, recovery=False)
    kept = sorted((tmp_path / "run" / "checkpoints").glob("*.safetensors"))
    assert kept and not Config.load(tmp_path / "run")[0].adjustments
    assert sparring.resume(tmp_path / "run", networks={"G": Fragile(set())}).outcome == "finished"
