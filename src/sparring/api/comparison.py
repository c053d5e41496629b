"""Runs, folders of images, data sets and saved reports beside each other, by one judge."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from sparring.data import Dataset, Options
from sparring.errors import UserError
from sparring.errors.bounds import check_bounds
from sparring.metrics.baseline_cache import baseline_cache
from sparring.metrics.features.features import FeatureExtractor
from sparring.metrics.judge import Judge, SampleSet
from sparring.metrics.protocol import current_protocol
from sparring.metrics.report import CachedBaselines, Report, evaluate_samples, merge_reports
from sparring.metrics.second_opinion import add_second_opinion
from sparring.modalities.load import load_dataset
from sparring.modalities.registry import judge, modality_of
from sparring.models.load import load_model
from sparring.training.report.report import write_comparison
from sparring.training.run.data import RunData

HINT = "say what to compare with, by --reference SPEC"


def compare(
    things: Sequence[str | Path],
    reference: str | Path | Dataset | None = None,
    *,
    data_options: Options = Options(),  # noqa: B008  it is frozen
    samples: int | None = None,
    seed: int = 0,
    metrics: Sequence[str] = (),
    features: str | FeatureExtractor | None = None,
    second_opinion: str | FeatureExtractor | None = None,
    intervals: bool = False,
    mixed: bool = False,
    page: str | Path | None = None,
) -> Report:
    """One table of several models, by the same protocol.

    Args:
        things: run folders; folders, zips, … of images; named sets (their test part); or reports that
            `spar evaluate --json` wrote (.json), whose scores are taken as they are.
        reference: the data that is judged by, read with `data_options`; by default that of the first run.
        samples: of each; by default as many as the one with the fewest has, at most what the judge suits.
        metrics, features, second_opinion, intervals: as in `sparring.evaluate`.
        mixed: take scores of different protocols into one table.
        page: an .html file to write, with the table, samples of each, and how the runs among them went.

    Raises:
        UserError: a thing that is none of these, images of another size or fewer than requested, protocols that differ.
    """
    names = [str(thing) for thing in things]
    _check(names, page)
    check_bounds(samples=samples, seed=seed)
    saved = {name: _saved(Path(name)) for name in names if name.endswith(".json")}
    fresh = [name for name in names if name not in saved]
    if not fresh:
        if page is not None:
            raise UserError("a page shows samples, and saved reports have none: name a run or images too")
        return merge_reports(saved, mixed)
    data = _reference(fresh, reference, data_options)
    jury = judge(data, features)
    drawn = _drawn(fresh, data, jury, samples, seed)
    kept = baseline_cache(data.fingerprint)
    scored = _scored(drawn, jury, metrics, intervals, kept)
    if second_opinion is not None:
        other = judge(data, second_opinion)
        scored = {name: add_second_opinion(scored[name], x, other, intervals, kept) for name, x in drawn.items()}
    reports = saved | scored
    report = merge_reports({name: reports[name] for name in names}, mixed)
    if page is not None:
        write_comparison(Path(page), report, {name: x.values for name, x in drawn.items()}, data, jury)
    return report


def _check(names: list[str], page: str | Path | None) -> None:
    if len(set(names)) < len(names):
        raise UserError("the same thing is named twice: name each once")
    if page is not None and not Path(page).absolute().parent.is_dir():
        raise UserError(f"can't write {page}: there is no folder {Path(page).parent}")


def _scored(
    drawn: Mapping[str, SampleSet], jury: Judge, metrics: Sequence[str], intervals: bool, kept: CachedBaselines
):
    """Reports by name, by the metrics that all can be taken by."""
    fewest = min(jury.sample_count("report"), *map(len, drawn.values()))
    possible = [jury.choose_metrics(metrics, x, fewest) for x in drawn.values()]
    shared = [name for name in possible[0] if all(name in others for others in possible)]
    return {name: evaluate_samples(x, jury, shared, intervals=intervals, kept=kept) for name, x in drawn.items()}


def _saved(path: Path) -> Report:
    try:
        report = TypeAdapter(Report).validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(f"can't read {path}: {error.strerror}") from None
    except ValidationError:
        raise UserError(f"{path} is no report: give one that spar evaluate --json wrote") from None
    return replace(report, protocol=current_protocol(report.protocol))


def _reference(names: list[str], reference: str | Path | Dataset | None, data_options: Options) -> Dataset:
    """The data of the scores: the reference, or that of the first run."""
    if reference is not None:
        return reference if isinstance(reference, Dataset) else load_dataset(reference, data_options)
    for name in names:
        if (Path(name) / "run.json").exists():
            return replace(RunData.of_run(name), hint=HINT).load_as_read()
    raise UserError("none of these is a run: say what to compare with (--reference mnist, or a folder)")


def _drawn(names: list[str], data: Dataset, jury: Judge, samples: int | None, seed: int) -> dict[str, SampleSet]:
    """As many of each."""
    given = {name: modality_of(data).read_samples(name, data) for name in names if not _is_model(name)}
    n = samples or min([jury.sample_count("report"), *map(len, given.values())])
    examples = modality_of(data).words.examples
    for name, values in given.items():
        if len(values) < n:
            raise UserError(f"{name} has {len(values):,} {examples}, and {n:,} samples were asked for: ask for fewer")
    return {name: SampleSet(given[name][:n]) if name in given else _sampled(name, data, n, seed) for name in names}


def _is_model(name: str) -> bool:
    return (Path(name) / "run.json").exists() or (Path(name) / "model.json").exists()


def _sampled(name: str, data: Dataset, n: int, seed: int) -> SampleSet:
    model = load_model(name)
    if tuple(model.shape) != tuple(data.shape):
        made, real = ("×".join(map(str, shape)) for shape in (model.shape, data.shape))
        raise UserError(f"{name} makes {made}, and {data.spec} holds {real}: not compared")
    return SampleSet(model.sample(n, seed), model.sampled_labels(n, seed))
