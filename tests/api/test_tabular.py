"""Tables from beginning to end: fit, sample, ask, save and load, in Python and on the command line; bad input."""

import json
import signal
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from commands import final, refused, same, spar
from frames import people
from playing import resumed_to_the_bit
from scipy.stats import ks_2samp

import sparring
from sparring.build.game import build_game, build_generator
from sparring.build.overrides import with_flags
from sparring.data.table.columns import Category, Number
from sparring.data.table.load import table_data
from sparring.data.table.schema import Schema
from sparring.errors import Interrupted, UserError
from sparring.modalities.registry import modality_of
from sparring.models.load import load_model
from sparring.models.model import Model
from sparring.models.spec import ModelSpec
from sparring.networks.table import TableGenerator
from sparring.recipes import RECIPES
from sparring.sampling.rows import sample_rows
from sparring.training.loop.loop import Loop
from sparring.training.loop.settings import loop_settings

SMALL = {"batch": "50", "generator.width": "32"}
HELD = ["age <= seen"]


@pytest.fixture(scope="module", params=["table", "ctgan"])
def fitted(request):
    torch.set_num_threads(1)
    recipe = with_flags(RECIPES[request.param], SMALL)
    return sparring.fit(people(), recipe, constraints=HELD, images=100, reports=1, threads=1)


def test_the_schema_that_went_in_comes_out(fitted):
    frame, made = people(), fitted.sample(300)
    assert (made.dtypes == frame.dtypes).all() and list(made.columns) == list(frame.columns) and len(made) == 300
    assert (made["age"] <= made["seen"]).all() and made["age"].between(18, 79).all()
    assert (
        set(made["planet"]) == {"Earth"}
        and made["wage"].dropna().between(frame["wage"].min(), frame["wage"].max()).all()
    )
    assert ((made["wage"] * 100).round() / 100).equals(made["wage"])
    assert made["person"].is_unique and not set(made["person"]) & set(frame["person"])
    assert (made["area"] == made["city"].map({"Rome": "EU", "Oslo": "EU", "Lima": "SA"})).all()
    assert fitted.sample(300).equals(made) and not fitted.sample(300, seed=1).equals(made)
    assert {row.name for row in fitted.report.rows} == {"model", "real", "training copies", "independent columns"}


def test_what_is_asked_for_is_what_comes(fitted):
    for where, right in (
        ({"city": "Lima"}, lambda t: t["city"] == "Lima"),
        ({"area": "SA", "member": True}, lambda t: (t["city"] == "Lima") & t["member"]),
        ({"age": (30, 40)}, lambda t: t["age"].between(30, 40)),
        ({"wage": "900:1100"}, lambda t: t["wage"].between(900, 1100)),
        ({"children": None}, lambda t: t["children"].isna()),
        ({"start": "2020-03-01:2020-04-01"}, lambda t: t["start"].between("2020-03-01", "2020-04-01")),
    ):
        made = fitted.sample(60, where)
        assert len(made) == 60 and right(made).all(), where


def test_rows_are_those_that_the_model_draws_where_constraints_hold(fitted):
    n = fitted.model.chunk + 10
    drawn = fitted.model.sample(n, 3)
    held = drawn[fitted.schema.holds(drawn)]
    made = sample_rows(fitted.model, n, 3)[: len(held)]
    torch.testing.assert_close(made, held, rtol=0, atol=0, equal_nan=True)


def test_options_come_as_often_as_in_the_data(fitted):
    """Though it has hardly learnt."""
    frame, made = people(), fitted.sample(20_000)
    for name in ("city", "member"):
        gaps = made[name].value_counts(normalize=True).sub(frame[name].value_counts(normalize=True), fill_value=0)
        assert gaps.abs().max() < 0.03, name
    assert made["children"].isna().mean() == pytest.approx(frame["children"].isna().mean(), abs=0.03)


def test_saved_and_loaded_it_makes_the_same(fitted, tmp_path):
    fitted.save(tmp_path / "model")
    again = sparring.Synthesizer.load(tmp_path / "model")
    pd.testing.assert_frame_equal(again.sample(20), fitted.sample(20))
    asked = {"city": "Oslo"}
    pd.testing.assert_frame_equal(again.sample(20, asked), fitted.sample(20, asked))
    with pytest.raises(UserError, match="exists already"):
        fitted.save(tmp_path / "model")


def test_arrow_in_arrow_out():
    table = pa.Table.from_pandas(people(60))
    made = sparring.fit(table, with_flags(RECIPES["table"], SMALL), images=50, reports=1, threads=1).sample(5)
    assert made.schema.equals(table.schema) and made.num_rows == 5


@pytest.mark.parametrize("name", ["table", "ctgan"])
def test_resumed_to_the_bit(name):
    torch.manual_seed(0)
    data = table_data("people", people())
    recipe = with_flags(RECIPES[name], SMALL).with_layout(data.layout)

    def loop():
        torch.manual_seed(0)
        game = build_game(recipe, data.shape, {}, 0, data.attributes)
        return Loop(
            game, modality_of(data).source(data, torch.device("cpu"), recipe.conditional), loop_settings(recipe)
        )

    _, parts = resumed_to_the_bit(loop)
    assert ("generator.asked" in parts) == (name == "ctgan")
    assert ("generator.likelihood" in parts) == (name == "table")


def test_rows_are_given_the_column_and_the_category_that_they_have():
    """The upstream fault: there, what is given stands in the place of another column."""
    data = table_data("people", people())
    schema, rows = data.facts, modality_of(data).source(data, torch.device("cpu"), conditional=True)
    shown, given = rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))]
    options = sum(schema.choices)
    assert ((shown[:, :options] * given).sum(1) == 1).all() and (given.sum(1) == 1).all()
    by_column = [part.sum(1) for part in given.split(schema.choices, 1)]
    counts = {schema.names[i]: int(n.sum()) for i, n in zip(schema.learnt, by_column, strict=True)}
    assert {name for name, n in counts.items() if n} == {"city", "member"}
    assert counts["city"] == counts["member"] == len(data.train)
    city = schema.learnt.index(schema.names.index("city"))
    start = sum(schema.choices[:city])
    drawn = given[:, start : start + schema.choices[city]].sum(0)
    real = torch.tensor(schema.option_shares[city]) * len(data.train)
    torch.testing.assert_close(drawn / drawn.sum(), (1 + real).log() / (1 + real).log().sum(), atol=0.06, rtol=0)


def untrained(name: str) -> Model:
    data = table_data("people", people())
    recipe = with_flags(RECIPES[name], SMALL).with_layout(data.layout)
    torch.manual_seed(0)
    G = build_generator(recipe, data.shape, sum(data.facts.choices) * recipe.conditional)
    return Model(ModelSpec(recipe, data.shape, facts=data.facts), G)


def test_unasked_ctgan_is_given_true_frequencies():
    model = untrained("ctgan")
    _, given = model.draw_inputs(0)
    schema = model.spec.facts
    start = 0
    for shares, width in zip(schema.option_shares, schema.choices, strict=True):
        part = given[:, start : start + width]
        start += width
        if shares:
            torch.testing.assert_close(part.sum(0) / part.sum(), torch.tensor(shares), atol=0.03, rtol=0)
        else:
            assert not part.any()


def test_conditions_keep_the_distribution_of_the_other_columns():
    """Rows that are asked for are those that would have come by themselves."""
    model = untrained("table")
    for head in model.G.heads:
        head[-1].weight *= 100  # columns tell of each other
    schema = model.spec.facts
    city, member, age = (schema.names.index(name) for name in ("city", "member", "age"))
    plain = model.sample(40_000)
    for column, value, where in ((city, 1, {"city": schema.columns[city].values[1]}), (member, 0, {"member": False})):
        if column == member:
            value = schema.columns[member].index[False]
        mine, made = plain[plain[:, column] == value], sample_rows(model, 3_000, 0, where)
        for other in {city, member, age} - {column}:
            a, b = mine[:, other].double().mean(), made[:, other].double().mean()
            spread = mine[:, other].double().std()
            assert abs(a - b) < 5 * spread / min(len(mine), 3_000) ** 0.5, (column, other)


@pytest.mark.parametrize("low, high", [(950, 1050), (1000, 1010), (990, 1300)])
def test_numbers_asked_for_fill_their_range_as_they_do_unasked(low, high):
    """Within bins, too: no heap where the range cuts one."""
    model = untrained("table")
    wage = model.spec.facts.names.index("wage")
    plain = model.sample(150_000)[:, wage]
    mine, made = plain[(plain >= low) & (plain <= high)], sample_rows(model, 2_000, 0, {"wage": (low, high)})[:, wage]
    assert len(mine) > 150 and ks_2samp(mine, made).pvalue > 1e-3


def test_learnt_and_rare_values_asked_for_at_once_come_as_often_as_unasked():
    counts = [400, 300, *([2] * 150)]
    column = Category("city", tuple(f"city {i}" for i in range(152)), tuple(counts), learnt=2)
    schema = Schema((column, Number("x", (0.0, 1.0, 2.0), ())), "", target="x")
    G = TableGenerator(schema.shape, schema.choices, schema.places, z=8).eval()
    recipe = replace(RECIPES["table"], z=8)
    model = Model(ModelSpec(recipe, schema.shape, facts=schema), G)
    plain, wanted = model.sample(60_000)[:, 0], [1, 5, 90, 91]
    mine = torch.tensor([(plain == i).sum() for i in wanted]).double()
    made = sample_rows(model, 4_000, 0, {"city": [f"city {i}" for i in wanted]})[:, 0]
    assert set(made.tolist()) == set(wanted)
    share = float((made == 1).double().mean())
    assert share == pytest.approx(float(mine[0] / mine.sum()), abs=0.02)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("table")
    people().to_csv(folder / "people.csv", index=False, sep=";")
    flags = [word for name, value in SMALL.items() for word in (f"--{name}", value)]
    words = ["--columns", "planet=drop", "--constraints", *HELD, "--target", "wage", "--threads", 1, "--reports", 2]
    given = ["--data", folder / "people.csv", "--out", folder / "run", "--images", 200, *words, *flags]
    assert spar("train", "table", *given) == 0
    return folder / "run"


def test_the_command_line_trains_and_leaves_what_every_run_leaves(run):
    for name in ("run.json", "journal.jsonl", "scores.json", "report.html", "samples/beside.png", "model/README.md"):
        assert (run / name).stat().st_size > 0, name
    scores = json.loads((run / "scores.json").read_text())["rows"][0]["scores"]
    assert set(scores) == {"detection", "shapes", "trends", "r2", "linear_r2", "rare", "closest", "copied"}


def test_the_command_line_samples_what_is_asked(run, tmp_path):
    for form, read in ((".parquet", pd.read_parquet), (".csv", pd.read_csv)):
        out = tmp_path / f"rows{form}"
        assert spar("sample", run, "--n", 40, "--where", "city=Oslo", "age=20:30", "--out", out) == 0
        made = read(out)
        assert len(made) == 40 and set(made["city"]) == {"Oslo"} and made["age"].between(20, 30).all()
        assert "planet" not in made and (made["age"] <= made["seen"]).all()


def test_a_run_is_resumed_to_the_bit(run, tmp_path):
    import shutil

    out = tmp_path / "run"
    shutil.copytree(run, out)
    max((out / "checkpoints").glob("*")).unlink()
    assert spar("resume", out) == 0 and same(final(out), final(run))
    assert torch.equal(load_model(out).sample(9).nan_to_num(), load_model(run).sample(9).nan_to_num())


def test_bad_asking_gets_one_line(run, tmp_path, capsys):
    out = tmp_path / "x.csv"
    for words, expected in (
        (("--where", "city=Atlantis"), "has no value 'Atlantis'"),
        (("--where", "town=Oslo"), "no column 'town'"),
        (("--where", "city"), "write NAME=VALUE"),
        (("--n", "0"), "n is 0: it must be 1 or more"),
        (("--label", "3"), "have no seeds, labels or truncation"),
    ):
        assert expected in refused(capsys, "sample", run, "--out", out, *words)
    assert "'.npz'" in refused(capsys, "sample", run, "--out", tmp_path / "x.npz")
    with pytest.raises(UserError, match="makes images, but"):
        sparring.train("dcgan", table_data("people", people()), tmp_path / "run", images=64)


def test_constraints_that_hardly_ever_hold_say_so(fitted):
    from dataclasses import replace

    description = fitted.model.spec
    unlikely = replace(description.facts.constraints[0], left="seen", right="age", sense="<")
    schema = replace(description.facts, constraints=(*description.facts.constraints, unlikely))
    model = type(fitted.model)(replace(description, facts=schema), fitted.model.G)
    with pytest.raises(UserError, match="only 0 of 5 rows satisfy all constraints"):
        sample_rows(model, 5)


def small_fit(frame, recipe="table", **settings):
    return sparring.fit(frame, with_flags(RECIPES[recipe], SMALL), images=50, reports=1, threads=1, **settings)


def test_labels_and_index_come_back():
    frame = people(60)[["age", "seen", "city"]].set_axis([0, 1, "two"], axis=1)
    for index in (pd.RangeIndex(60), pd.Index([*range(1000, 1060)], name="key"), pd.date_range("2020", periods=60)):
        model = small_fit(frame.set_axis(index), columns={0: "number"}, constraints="0 <= 1", target=1)
        made = model.sample(20, {0: [20, 30, 40, *frame[0]]})
        assert list(made.columns) == [0, 1, "two"] and model.schema.target == "1"
        assert made.index.dtype == index.dtype and made.index.name == index.name and (made[0] <= made[1]).all()
        assert made.index.equals(pd.RangeIndex(20)) == (index.name is None and index.dtype == int)


def test_an_index_that_is_left_out_is_named(capsys):
    frame = people(80)[["age", "city"]]
    small_fit(frame[frame["age"] > 30])
    assert "index of the table is unnamed whole numbers: it is left out" in capsys.readouterr().err
    small_fit(frame)
    assert "index" not in capsys.readouterr().err


def test_names_of_every_kind_come_back(recwarn):
    names = ["", " ", "a\nb", r"$x_{$\frac$", "$5-$10", "x" * 300, 1.5, None, ("a", 1), pd.Timestamp("2020"), "名\x07"]
    g = np.random.default_rng(0)
    frame = pd.DataFrame({name: g.choice([f"{name}", "$a_$", r"\$$^"], 60) for name in names})
    made = small_fit(frame).sample(5)
    assert [str(name) for name in made.columns] == [str(name) for name in names] and 1.5 in made.columns
    assert not [str(each.message) for each in recwarn]


def test_intervals_come_back(tmp_path):
    frame = people(60)[["age", "city"]].assign(band=lambda t: pd.cut(t["age"], [0, 30, 50, 90]))
    small_fit(frame.drop(columns="age"), target="band").save(tmp_path / "model")
    made = sparring.Synthesizer.load(tmp_path / "model").sample(20, {"band": pd.Interval(30, 50)})
    assert (made["band"] == pd.Interval(30, 50)).all() and made["band"].dtype == frame["band"].dtype


@pytest.mark.parametrize("recipe", ["table", "ctgan"])
def test_columns_that_tell_nothing(recipe):
    keys = pd.DataFrame({"key": [f"k{i}" for i in range(60)], "y": ["a", "b", "b"] * 20})
    made = small_fit(keys, recipe).sample(30)
    assert made["key"].is_unique and set(made["y"]) <= {"a", "b"}
    for nothing in (pd.DataFrame({"a": [1] * 60, "b": "x"}), keys[["key"]]):
        with pytest.raises(UserError, match="every column is constant or an identifier"):
            small_fit(nothing, recipe)
    numbers = pd.DataFrame({"x": range(60), "y": [i * i % 60 for i in range(60)]})
    if recipe == "table":
        assert len(small_fit(numbers, recipe, columns={"x": "number"}).sample(5)) == 5
    else:
        with pytest.raises(UserError, match="ctgan needs a column of categories"):
            small_fit(numbers, recipe, columns={"x": "number"})


def test_the_world_of_the_caller_is_left_alone(recwarn):
    torch.manual_seed(5)
    expected, threads = torch.rand(3), torch.get_num_threads()
    torch.manual_seed(5)
    small_fit(people(60)).sample(5)
    assert torch.equal(torch.rand(3), expected) and torch.get_num_threads() == threads
    assert not [str(each.message) for each in recwarn]


@pytest.mark.parametrize("keep", [True, False])
def test_an_interrupted_fit_raises(tmp_path, keep):
    class Interrupting:
        def report(self, *_):
            signal.raise_signal(signal.SIGTERM)

        def close(self):
            pass

    out = {"out": tmp_path / "run"} if keep else {}
    with pytest.raises(Interrupted, match=str(tmp_path) if keep else "nothing is kept without out=FOLDER"):
        recipe = with_flags(RECIPES["table"], SMALL)
        sparring.fit(people(), recipe, images=200, reports=4, threads=1, watchers=[Interrupting()], **out)
