"""Runs, folders of images, data sets and saved reports beside each other, by one judge."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from sparring.data import Dataset, Options
from sparring.data import load_dataset as load_data
from sparring.data.image.read import read_headers
from sparring.data.load import file_source, is_ready, read_unsplit
from sparring.errors import UserError
from sparring.metrics.features.features import FeatureExtractor
from sparring.metrics.judge import Judge, SampleSet
from sparring.metrics.report import CachedBaselines, Report, evaluate_samples, merge_reports
from sparring.models.load import load_model
from sparring.training.config.config import Config
from sparring.training.feed.selection_split import for_recipe
from sparring.training.report.judges import judge, shelf
from sparring.training.report.report import write_comparison
from sparring.training.run.evaluation import flag_changed_data


def compare(
    things: Sequence[str | Path],
    reference: str | Path | Dataset | None = None,
    *,
    data_options: Options = Options(),  # noqa: B008  it is frozen
    samples: int | None = None,
    seed: int = 0,
    metrics: Sequence[str] = (),
    features: str | FeatureExtractor | None = None,
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
        metrics, features, intervals: as in `sparring.evaluate`.
        mixed: take scores of different protocols into one table.
        page: an .html file to write, with the table, samples of each, and how the runs among them went.

    Raises:
        UserError: a thing that is none of these, images of another size or fewer than asked for, protocols that differ.
    """
    names = [str(thing) for thing in things]
    _check(names, page)
    if samples is not None and samples < 2:
        raise UserError(f"can't score {samples} samples: ask for 2 or more")
    saved = {name: _saved(Path(name)) for name in names if name.endswith(".json")}
    fresh = [name for name in names if name not in saved]
    if not fresh:
        if page is not None:
            raise UserError("a page shows samples, and saved reports have none: name a run or images too")
        return merge_reports(saved, mixed)
    data, fingerprint = _reference(fresh, reference, data_options)
    jury = judge(data, features)
    drawn = _drawn(fresh, data, jury, samples, seed)
    reports = saved | _scored(drawn, jury, metrics, intervals, shelf(data))
    report = flag_changed_data(merge_reports({name: reports[name] for name in names}, mixed), data, fingerprint)
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
        return TypeAdapter(Report).validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(f"can't read {path}: {error.strerror}") from None
    except ValidationError:
        raise UserError(f"{path} is no report: give one that spar evaluate --json wrote") from None


def _reference(names: list[str], reference: str | Path | Dataset | None, data_options: Options) -> tuple[Dataset, str]:
    """What is judged by, and the fingerprint it should have: the one it had when the run was trained, if it is that
    of a run."""
    if reference is not None:
        data = reference if isinstance(reference, Dataset) else load_data(reference, data_options)
        return data, data.fingerprint
    for name in names:
        if (Path(name) / "run.json").exists():
            config, fingerprint = Config.load(Path(name))
            data = load_data(config.data, config.data_options)
            trained = for_recipe(data, config.recipe).fingerprint
            return data, data.fingerprint if trained == fingerprint else fingerprint
    raise UserError("none of these is a run: say what to compare with (--reference mnist, or a folder)")


def _drawn(names: list[str], data: Dataset, jury: Judge, samples: int | None, seed: int) -> dict[str, SampleSet]:
    """As many of each."""
    given = {name: _images(name, data) for name in names if not _is_model(name)}
    n = samples or min([jury.sample_count("report"), *map(len, given.values())])
    for name, images in given.items():
        if len(images) < n:
            raise UserError(f"{name} has {len(images):,} images, and {n:,} samples were asked for: ask for fewer")
    return {name: SampleSet(given[name][:n]) if name in given else _sampled(name, data, n, seed) for name in names}


def _is_model(name: str) -> bool:
    return (Path(name) / "run.json").exists() or (Path(name) / "model.json").exists()


def _sampled(name: str, data: Dataset, n: int, seed: int) -> SampleSet:
    model = load_model(name)
    if tuple(model.shape) != tuple(data.shape):
        raise UserError(f"{name} makes {_told(model.shape)}, and {data.spec} holds {_told(data.shape)}: not compared")
    return SampleSet(model.sample(n, seed), model.sampled_labels(n, seed))


def _images(name: str, data: Dataset) -> Tensor:
    """Images of a folder, a file, or the test part of a set that is ready, of the size they have: to resize would
    move scores."""
    values = load_data(name).test.values if is_ready(name) else _found(name, data.shape)
    if tuple(values.shape[1:]) != tuple(data.shape):
        raise UserError(f"{name} holds {_told(values.shape[1:])}, and {data.spec} {_told(data.shape)}: not compared")
    if len(values) < 2:
        raise UserError(f"{name} has {len(values)} usable images: give 2 or more")
    return values


def _found(name: str, shape: Sequence[int]) -> Tensor:
    source = file_source(name)
    if source is None:
        return read_unsplit(name, Options()).examples.values
    sizes = {header.size for header in read_headers(source) if header}
    if sizes - {tuple(shape[1:])}:
        raise UserError(
            f"{name} holds pictures of {', '.join(_told(size) for size in sorted(sizes)[:3])}: "
            f"bring all to {_told(shape[1:])}, that of the reference, first; resizing is a part of the protocol"
        )
    # Colours that happen to be grey everywhere stay three channels where the reference has three.
    channels = {3: "rgb", 4: "rgba"}.get(shape[0], "auto")
    return read_unsplit(name, Options(size=(shape[1], shape[2]), channels=channels)).examples.values


def _told(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape))
