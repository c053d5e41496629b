"""A ledger: each run is kept under a name, a seed, and a hash of its configuration and of the code it trains by, and
what was measured of it in `rows.jsonl`, so that a row is measured once, and again when either has changed.

The code is that of the modules the game's networks, turns, wishes and objective come from, of those that make a game of
a recipe, and of the loop; comments and docstrings do not count. Code that was rewritten and does what it did keeps its
rows: where only the code's hash has changed, the first rounds are played, and losses and weights compared with those
the row was kept with. An option that is new changes no row, but a row is measured again when a number that it was
played with by default is another now.

`rows.jsonl` stays when the runs are gone.
"""

import ast
import hashlib
import importlib
import inspect
import json
import math
import sys
from collections.abc import Callable
from dataclasses import asdict, fields, is_dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import torch

import sparring
from sparring.api import configure
from sparring.build.game import build_game, with_all_options
from sparring.build.networks import build_prior
from sparring.data import Dataset
from sparring.games.gan import PlayerTurn
from sparring.metrics.protocol import current_protocol
from sparring.recipes import Recipe
from sparring.recipes.upgrade import FIELDS, recipe_to_v1
from sparring.training.config.config import Config
from sparring.training.config.upgrade import CONFIG
from sparring.training.loop.settings import loop_settings
from sparring.training.run.assemble import initial_loop

LOOP = [f"sparring.training.loop.{name}" for name in ("loop", "compiled", "gradients", "optim", "batches")]
LOOP += ["sparring.rng", "sparring.modalities.array_source"]
MAKING = ["sparring.recipes.recipe", "sparring.build.networks", "sparring.build.game", "sparring.games.shared.methods"]

ROWS = Path(__file__).with_name("rows.jsonl")
PROBED, NEAR = 3, 1e-4
"""Rounds played to tell whether code does what it did, and how near numbers must be."""


def modules(recipe: Recipe, data: Dataset) -> set[str]:
    """Names of the package's modules that a run of this recipe trains by."""
    game = build_game(recipe.with_layout(data.layout), data.shape, classes=data.classes, attributes=data.attributes)
    turns = game.turns(0)
    wishes = [wish for turn in turns if isinstance(turn, PlayerTurn) for wish in turn.terms]
    wishes += [turn.objective for turn in turns if isinstance(turn, PlayerTurn) and turn.objective]
    classes = [kind for thing in (*game.modules(), *turns, *wishes) for kind in type(thing).__mro__]
    asked = [function for wish in wishes for function in vars(wish).values() if inspect.isfunction(function)]
    names = {thing.__module__ for thing in (*classes, *asked, build_prior(recipe, game.players["G"]))}
    return {name for name in {*names, *LOOP, *MAKING} if name.startswith("sparring.")}


def bare(source: str) -> str:
    """Python without comments and docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [line for line in body if not _is_text(line)]  # pyright: ignore[reportAttributeAccessIssue]
    return ast.dump(tree)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def hashed(config: Config, data: Dataset) -> tuple[str, str]:
    """12 hex characters each: of the configuration with its data, and of the code."""
    # What a recipe is called and says of itself changes no number.
    recipe = replace(config.recipe, name="", about="", paper="")
    told = {name: value for name, value in in_format_1(recipe).items() if value != FIELDS[name]}
    about = _chosen(config) | {"recipe": told, "data": data.fingerprint, "data_options": config.data_options}
    old = {new: name for name, new in CONFIG.items()}  # rows are known by the names of format 1
    lasting = {old.get(name, name): about[name] for name in about if name not in ("threads", "machine")}
    told = json.dumps(lasting, sort_keys=True, default=_plain)
    sources = [inspect.getsource(importlib.import_module(name)) for name in sorted(modules(config.recipe, data))]
    return _digest(told), _digest("".join(map(bare, sources)))


def numbers(recipe: Recipe) -> dict[str, Any]:
    """Every number a recipe is played with, those by default too, as JSON has them."""
    played = loop_settings(recipe)
    own = {name: value for name, value in in_format_1(recipe).items() if name not in ("name", "about", "paper")}
    told = own | {f"played {f.name}": getattr(played, f.name) for f in fields(played)}
    return json.loads(json.dumps(told, default=lambda it: asdict(it) if is_dataclass(it) else str(it)))


def in_format_1(recipe: Recipe) -> dict[str, Any]:
    """The fields of a recipe as in files of format 1, by which rows are hashed."""
    complete = with_all_options(recipe)
    return recipe_to_v1(vars(complete) | {"game": vars(complete.game)})


def _chosen(thing: Any) -> dict[str, object]:
    """What of a dataclass is not as it is by default: an option that is new changes no old row."""
    return {f.name: getattr(thing, f.name) for f in fields(thing) if getattr(thing, f.name) != f.default}


def _plain(thing: object) -> object:
    return _chosen(thing) if is_dataclass(thing) else str(thing)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def probe(config: Config, data: Dataset) -> list[float]:
    """Every loss of the first rounds, and the length of all weights, averaged ones too, after them."""
    torch.set_num_threads(1)
    loop = initial_loop(config, data, torch.device("cpu"))
    losses = [float(part) for _ in range(PROBED) for part in loop.round().values()]
    players = (*loop.game.players.values(), *loop.ema.players.values())
    return losses + [float(sum(p.detach().double().square().sum() for p in net.parameters())) for net in players]


def alike(a: list[float], b: list[float]) -> bool:
    return len(a) == len(b) and all(math.isclose(x, y, rel_tol=NEAR, abs_tol=NEAR) for x, y in zip(a, b, strict=True))


def settings(images: int, seed: int, more: dict) -> dict:
    return {"images": images, "seed": seed, "reports": 5, "threads": 1, "device": "cpu", "precision": "fp32"} | more


def trained(out: Path, name: str, recipe: Recipe, data: Dataset, images: int, seed: int, **more) -> Path:
    """The run folder of this row: trained if it is not there, resumed if it was interrupted. Interrupted again, the
    program ends. `more` are settings of `sparring.train`."""
    given = settings(images, seed, more)
    digest = "-".join(hashed(configure(recipe, data, **given), data))
    # Two names for one configuration, such as a recipe and the flags it is made of, share a run.
    run = next(out.glob(f"*-{seed}-{digest}"), out / f"{name.replace(' ', '-')}-{seed}-{digest}")
    if not run.exists():
        sparring.train(recipe, data, run, **given)
    elif not (run / "scores.json").exists():
        sparring.resume(run)
    if not (run / "scores.json").exists():
        sys.exit(f"{run} was interrupted: the same command goes on")
    return run


def measured(
    out: Path,
    name: str,
    recipe: Recipe,
    data: Dataset,
    images: int,
    seed: int,
    by: str,
    score: Callable[[Path], dict],
    **more,
) -> dict:
    """What `score` says of this row's run, or said of it once.

    Args:
        by: what is measured and with what, such as the name of the benchmark and the identity of features.
    """
    config = configure(recipe, data, **settings(images, seed, more))
    return kept(config, data, name, by, lambda: score(trained(out, name, recipe, data, images, seed, **more)))


def kept(config: Config, data: Dataset, name: str, by: str, measure: Callable[[], dict]) -> dict:
    """What `measure` says of this configuration, or said of it once."""
    about: dict[str, Any] = dict(zip(("config", "code"), hashed(config, data), strict=True))
    about |= {"by": by, "numbers": numbers(config.recipe)}
    if (row := known(about, lambda: probe(config, data))) is not None:
        return row["scores"]
    scores = measure()
    about |= {"name": name, "data": Path(data.spec).name, "images": config.examples, "seed": config.seed}
    about |= {"date": f"{date.today()}", "probe": probe(config, data), "scores": scores}
    with ROWS.open("a") as file:
        file.write(json.dumps(about) + "\n")
    return scores


def known(about: dict[str, Any], probed: Callable[[], list[float]]) -> dict | None:
    """The row that was kept of this configuration, of the same code or of code that did the same."""
    rows = [json.loads(line) for line in ROWS.read_text().splitlines()] if ROWS.exists() else []
    rows = [
        row for row in reversed(rows) if row["config"] == about["config"] and current_protocol(row["by"]) == about["by"]
    ]
    rows = [row for row in rows if all(about["numbers"].get(n, v) == v for n, v in row["numbers"].items())]
    if same := [row for row in rows if row["code"] == about["code"]]:
        return same[0]
    now = probed() if rows else []
    return next((row for row in rows if alike(row["probe"], now)), None)
