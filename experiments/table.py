"""The table of experiments: recipes with their flags, data, seeds, images, options of training and score function."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from experiments.plan import parse_flags
from sparring.build.overrides import with_flags
from sparring.games.shared.methods import METHODS
from sparring.recipes import RECIPES, Recipe, encoding, get_recipe
from sparring.recipes.catalogue.r3gan_presets import PRESETS
from sparring.schedules import Cosine, Linear


@dataclass(frozen=True)
class Experiment:
    about: str
    plans: str
    """MODULE.FUNCTION in `experiments/scores`, from the arguments to plans (`experiments/plan.py`)."""
    flags: dict[str, Any]
    """Default of each flag."""
    columns: dict[str, str] = field(default_factory=dict)
    """Format of each column of the table; all scores if empty."""
    positional: tuple[str, ...] = ("out",)
    choices: dict[str, Collection[str]] = field(default_factory=dict)


HEADINGS = {
    "frechet": "Fréchet",
    "frechet_edges": "Fréchet, edges",
    "kl": "KL",
    "± kl": "± KL",
    "train": "Fréchet, training set",
}
PROGRAMS = {name: f"experiments.{name}" for name in ("health", "noticing", "large_table", "yardstick")} | {
    "second": "experiments.scores.second"
}
"""Experiments that are not a table of recipes."""

BASE = "dcgan"
NOT_IN_FIELD = ("asked", "codes", "reconstruction", "likelihood")
"""Techniques that need a table, a latent code, or a critic that decodes."""
TECHNIQUES = {
    "spectral norm": {"critic.norm": "spectral"},
    "layer norm": {"critic.norm": "layer"},
    "no norm": {"critic.norm": "none"},
    "r1": {"penalties": "r1", "critic.norm": "none"},
    "lipschitz": {"penalties": "lipschitz", "critic.norm": "none"},
    "smoothing": {"smoothing": "0.1"},
    "instance noise": {"noise": "0.1"},
    "pack": {"pack": "2"},
    "unroll": {"unroll": "5"},
    "top-k": {"top-k": "0.75"},
} | {
    name: {"methods": name}
    for name, method in METHODS.items()
    if not (method.conditional or method.requires) and "gan" in method.games and name not in NOT_IN_FIELD
}
"""Flags of each technique that is added to the base recipe."""


def field_recipes() -> dict[str, Recipe]:
    """Every recipe for single images, and the base recipe with each technique."""
    images = {name: recipe for name, recipe in RECIPES.items() if recipe.modality == "image" and name != "cogan"}
    plain = {name: recipe for name, recipe in images.items() if recipe not in PRESETS}
    return plain | {f"{BASE}, {name}": with_flags(RECIPES[BASE], flags) for name, flags in TECHNIQUES.items()}


AUGMENTATIONS = {
    "plain": {"augment": ""},
    "diffaugment": {"augment": "diffaugment"},
    "ada": {"augment": "ada", "augment-p": "0", "augment-target": "0.6"},
    "rising": {"augment": "ada", "augment-p": "0:0.3"},
}
"""Flags for `few`. Relativistic losses give `ada` no sign to adapt to."""

NON_SATURATING = {"objective": "non-saturating", "penalties": ""}
LOSSES = {
    "gan": NON_SATURATING,
    "wgan-gp": {"objective": "wasserstein", "penalties": "lipschitz", "weight.lipschitz": "10", "critic-steps": "5"},
    "pacgan": NON_SATURATING | {"pack": "4"},
    "unrolled": NON_SATURATING | {"unroll": "5"},
    "points": {},
}
"""Flags of the recipe `points` for `modes`; `points` itself is relativistic pairing with R1 and R2."""

STACKED_LOSSES = {
    "relativistic, R1 and R2": {},
    "non-saturating, R1": {"objective": "non-saturating", "penalties": "r1"},
}
"""Flags for `stacked`, of recipes that are relativistic with R1 and R2."""

TRANSLATORS = {"pix2pix": 40_000, "cyclegan": 12_000, "cut": 12_000, "fastcut": 12_000, "stargan": 24_000}
"""Training images of each recipe of `translate`."""

TABLES = {
    "adult": ("adult.csv", 10_000, "income", 600_000),
    "german_credit": ("german_credit.csv", 300, "class", 300_000),
    "diamonds": ("diamonds.csv.gz", 10_788, "price", 600_000),
}
"""File, test rows, target column, training examples."""


@dataclass(frozen=True)
class Task:
    """A restoration: data set, recipe, training images, side of the images."""

    data: str
    recipe: Recipe
    images: int
    size: int | None = None


def rescheduled(recipe: Recipe, images: int, warm_up: float | None = None) -> Recipe:
    """The recipe with its schedule over so many images, and its warm-up a fraction of them."""
    share = recipe.game.options.get("warm_up", 0) / recipe.images if warm_up is None else warm_up
    lr = replace(recipe.lr, images=images) if isinstance(recipe.lr, Cosine | Linear) else recipe.lr
    recipe = replace(recipe, images=images, lr=lr)
    return recipe.with_options(warm_up=round(share * images)) if share else recipe


def tasks(share: float = 1.0, flags: Sequence[str] = ()) -> dict[str, Task]:
    """Restoration tasks, with `share` of their images. `×4, L1` is the first stage of `×4` alone."""

    def task(data: str, recipe: Recipe, images: int, size: int | None, warm_up: float | None = None) -> Task:
        seen = max(64, round(images * share))
        return Task(data, with_flags(rescheduled(recipe, seen, warm_up), parse_flags(flags)), seen, size)

    def degraded(name: str, degradation: str) -> Recipe:
        return RECIPES[name].with_options(degradations=(degradation,))

    edges = replace(RECIPES["pix2pix"], game=replace(RECIPES["pix2pix"].game, name="restoration"))
    edges = edges.with_options(degradations=("edges",))
    regression = replace(RECIPES["upscale"], selection_metric="")
    found = {
        "mnist hole": task("mnist", degraded("inpaint", "box:0.5"), 300_000, None),
        "mnist noise": task("mnist", degraded("denoise", "noise:0.5"), 350_000, None, 1.0),
    }
    for kind, data in (("eurosat", "eurosat-4k"), ("trashnet", "trashnet-128")):
        found[f"{kind} hole"] = task(data, degraded("inpaint", "box:0.375"), 120_000, 64)
        found[f"{kind} ×4"] = task(data, RECIPES["upscale"], 60_000, 64)
        found[f"{kind} ×4, L1"] = task(data, regression, 60_000, 64, 1.0)
    found["trashnet edges"] = task("trashnet-128", edges, 30_000, 64)
    found["trashnet grey"] = task("trashnet-128", RECIPES["colorize"], 60_000, 64)
    return found


SUPPORT = {"precision": ".3f", "recall": ".3f", "coverage": ".3f"}
LENGTH = {"images": ",", "minutes": ".0f"}

EXPERIMENTS = {
    "field": Experiment(
        """Every image recipe, and dcgan with each technique, on MNIST.

Scores of 10,000 samples against the test split. share left: normalised gap, (score − real) / (median of mlp-gan −
real), as yardstick recorded it. asked: fraction of samples that a second classifier assigns to the requested class
(infogan: best matching of categories to classes). within: lowest coverage in a class, over that of test images.""",
        "images.field",
        {"rows": list(field_recipes()), "data": "mnist", "seeds": [0], "images": 300_000, "precision": "fp32"}
        | {"pictures": None, "record": False},
        {"row": "", "seed": "", "frechet": ".2f", "share_left": ".2f", **SUPPORT, "asked": ".3f", "within": ".3f"},
        choices={"rows": field_recipes(), "data": ["mnist", "fashion-mnist"]},
    ),
    "colour": Experiment(
        """Recipes on one set of images, for equal time.

train: Fréchet distance of 5,000 samples to all training images; of dcgan: divided by that of the row `dcgan` of the
same seed. The other scores are on the test split; real: the distance of real images.""",
        "images.colour",
        {"size": (32, 32), "rows": ["dcgan", "fastgan", "stylegan2", "r3gan"], "minutes": 30.0, "seeds": [0]}
        | {"device": "cpu", "precision": "auto", "pictures": None},
        {"row": "", "seed": "", **LENGTH, "train": ".1f", "of_dcgan": ".2f", "frechet": ".1f", "real": ".1f"}
        | SUPPORT
        | {"copied": ".3f"},
        positional=("out", "data"),
    ),
    "few": Experiment(
        """A hundred training images: augmentation, and fine-tuning another run (--source).

The best and the last weights are scored: the Fréchet distance of 5,000 samples to all images of the training set, and
the fraction of samples too close to a training image, with p by Fisher's test (docs/reference/metrics.md).""",
        "images.few",
        {"size": (32, 32), "count": 100, "recipes": ["dcgan"], "ways": list(AUGMENTATIONS), "images": 100_000}
        | {"source": None, "freeze": 2, "seeds": [0], "pictures": None},
        {"recipe": "", "way": "", "seed": "", "weights": "", "frechet": ".1f", "copied": ".4f", "p": ".2g"},
        positional=("out", "data"),
        choices={"ways": AUGMENTATIONS},
    ),
    "stacked": Experiment(
        """The 1,000 modes of stacked MNIST (Metz et al. 2017, arXiv:1611.02163, section 3.3.1).

A classifier reads 26,000 samples (Lin et al. 2018, arXiv:1712.04086): numbers that occur, numbers with a quarter of
their share, and KL(samples ‖ data). Baselines: new stacks of test digits, and one stack repeated.""",
        "digits.stacked",
        {"recipes": ["r3gan"], "ways": list(STACKED_LOSSES), "seeds": [0], "minutes": 60.0, "threads": 2}
        | {"device": "cpu", "precision": "auto", "pictures": None},
        {"row": "", "seed": "", "modes": ",", "fair": ",", "kl": ".3f", **LENGTH},
        choices={"recipes": RECIPES, "ways": STACKED_LOSSES},
    ),
    "modes": Experiment(
        """Modes of ring and grid found with each loss on the networks of `points`; means and standard deviations.

Trained without alarms or recovery; of the weights at each fifth of the run, those with the best selection score are
scored on 10,000 samples. A sample is of high quality within 3σ of a mode; a mode is found with a quarter of its share
of those.""",
        "points.modes",
        {"sets": ["ring", "grid"], "ways": list(LOSSES), "seeds": list(range(10))}
        | {"images": get_recipe("points").images, "flag": []},
        {"row": "", "modes": ".1f", "± modes": ".1f", "high_quality": ".1%", "± high_quality": ".1%"}
        | {"kl": ".3f", "± kl": ".3f"},
        positional=(),
        choices={"ways": LOSSES},
    ),
    "encoders": Experiment(
        """Reconstructions and samples of recipes with an encoder on MNIST.

kept: fraction of the test digits whose reconstruction a second classifier assigns to their class (target: 80 %); error:
mean squared error, brightness 0 to 1; alone: Fréchet distance of the same networks without the encoder (target: no
lower than `frechet`).""",
        "digits.encoders",
        {"recipes": encoding(), "seeds": [0], "images": 300_000},
        {"name": "", "seed": "", "kept": ".1%", "error": ".4f", "frechet": ".2f", "alone": ".2f"},
        choices={"recipes": encoding()},
    ),
    "pairs": Experiment(
        """CoGAN on digits and their edges, trained without pairs.

agreement: fraction of 10,000 pairs whose second image is nearer (L2) to the edges of the first than to those of 99
others; chance is 1 %. Each domain has Fréchet distances by its own feature extractor.""",
        "digits.pairs",
        {"seeds": [0], "images": 300_000, "pictures": None},
        {"name": "", "seed": "", "agreement": ".1%", "digits": "", "frechet": ".2f", "frechet_edges": ".2f"},
    ),
    "restore": Experiment(
        """Restoration of test images: holes, noise, ×4, edges, grey; compared with classical methods.

inside: PSNR of the lost pixels of all images together; accuracy: fraction of digits that a second classifier
recognises.""",
        "paired.restore",
        {"tasks": list(tasks()), "seeds": [0], "share": 1.0, "threads": 1, "precision": "fp32", "flag": []}
        | {"pictures": None},
        {"task": "", "row": "", "seed": ""}
        | dict.fromkeys(("psnr", "ssim", "inside", "frechet", "feature_distance", "accuracy"), ".3f"),
        choices={"tasks": tasks()},
    ),
    "translate": Experiment(
        """Emoji of one drawing style from another, with pairs and without, on the 169 test pairs.

top1, top5: fraction whose right partner is the nearest, or among the five nearest, of all test images; fooled:
fraction that a classifier of both domains assigns to the target domain.""",
        "paired.translate",
        {"recipes": list(TRANSLATORS), "seeds": [0], "share": 1.0, "threads": 1, "precision": "fp32"}
        | {"pictures": None},
        {"row": "", "seed": ""}
        | dict.fromkeys(("l1", "psnr", "top1", "top5", "feature_distance", "frechet", "fooled"), ".3f"),
    ),
    "tables": Experiment(
        """Synthetic tables compared with real ones: adult, german_credit, diamonds.

Rows are shuffled with seed 0; the last are the test split. Tune with --validation. --asked samples 1,000 rows for each
category: the fraction that has it, and total variation of the other columns from real rows with that category.""",
        "tables.tables",
        {"sets": list(TABLES), "ways": ["table"], "seeds": [0, 1, 2], "images": None, "validation": False}
        | {"asked": False, "flag": []},
        choices={"sets": TABLES},
    ),
    "search": Experiment(
        """Scores of a recipe for several values of one flag: --vary lr 4e-4 2e-3 cosine:4e-3:4e-4.

on the way: selection score at each fifth of the run.""",
        "images.search",
        {"vary": None, "flag": [], "data": "mnist", "images": 60_000, "seeds": [0]},
        {"value": "", "seed": "", "on the way": "", "frechet": ".2f", **SUPPORT},
        positional=("out", "recipe"),
    ),
}
