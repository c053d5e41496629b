"""What stands in a report: the samples' scores beside what trivial samplers get in their place, and the protocol."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from torch import Tensor

from sparring.errors import UserError, did_you_mean
from sparring.metrics.jackknife import half_widths
from sparring.metrics.metric import Better, Metric, Scores, compute, is_better

Part = Literal["select", "report"]
ALL = "all"
"""In place of names."""


@dataclass(frozen=True, eq=False)
class SampleSet:
    """Samples."""

    values: Tensor
    """As the medium keeps them, (n, …)."""
    labels: Tensor | None = None
    """The classes they were asked for, int64 (n,)."""

    def __len__(self) -> int:
        return len(self.values)


class Judge(ABC):
    """A fixed protocol. Stopping and the choice of the best weights use one part of the real data, reports another."""

    metrics: Mapping[str, Metric]
    """That can be asked for."""
    selection_metric: str
    """Of these, the one that is taken in training; its first score, of which less is better, selects."""
    default: Sequence[str]
    """Those of a report."""

    @abstractmethod
    def case(self, drawn: SampleSet, part: Part) -> Any:
        """What metrics are taken of: samples before a part of the real data."""

    @abstractmethod
    def describe_reference(self, part: Part, samples: int) -> str:
        """What so many samples are compared with and by, in the words of the protocol."""

    @abstractmethod
    def sample_count(self, part: Part) -> int:
        """How many samples to score."""

    @property
    @abstractmethod
    def test_count(self) -> int:
        """How many real test examples there are."""

    @abstractmethod
    def baselines(self, n: int) -> Iterator[tuple[str, SampleSet]]:
        """n real test examples, "real", or as many as there are, and n from each of some samplers that learnt nothing,
        by name; one at a time, for each is as large as what the model drew."""

    def nearest_training(self, values: Tensor) -> Tensor | None:
        """The samples most like copies, each followed by the training example it is like; None where none is told."""
        return None

    def diagnostics(self, values: Tensor) -> Scores:
        """What a quick look at samples tells, for those who watch over training (see `quick_check.py`), as
        shares of what real examples get; nothing where there is no such look."""
        return {}

    def copy_test(self, values: Tensor) -> Scores:
        """Whether some samples are copies of training examples: `copied`, a share, and `copied_p`, of chance."""
        return {}

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of the scores taken in training."""
        return tuple(self.metrics[self.selection_metric].better)

    def named(self, names: Sequence[str]) -> dict[str, Metric]:
        """Raises UserError for a metric that is not there."""
        for name in names:
            if name not in self.metrics:
                there = ", ".join(self.metrics)
                raise UserError(f"no metric '{name}'{did_you_mean(name, self.metrics)}; there are: {there}, or {ALL}")
        return {name: self.metrics[name] for name in names}

    def chosen(self, names: Sequence[str], drawn: SampleSet, samples: int) -> dict[str, Metric]:
        """The metrics of these names; for "all", and for none, all or the default ones as far as they can be taken.

        Args:
            samples: how many like `drawn` there will be.
        """
        if names and ALL not in names:
            return self.named(names)
        case = self.case(drawn, "report")
        wanted = self.named(list(self.metrics) if names else self.default)
        return {name: metric for name, metric in wanted.items() if not metric.lacks(case, samples)}

    def scores(self, values: Tensor, part: Part = "report", metrics: Mapping[str, Metric] | None = None) -> Scores:
        """Of samples; by default those taken in training. Raises UserError when there are too few for a metric."""
        chosen = self.named([self.selection_metric]) if metrics is None else metrics
        return compute(chosen, self.case(SampleSet(values), part), min(len(values), self.sample_count(part)))

    def protocol(self, part: Part, samples: int, metrics: Mapping[str, Metric] | None = None) -> str:
        """How scores were taken; scores with different protocols do not compare."""
        chosen = self.named([self.selection_metric]) if metrics is None else metrics
        return "; ".join([self.describe_reference(part, samples), *(metric.estimator for metric in chosen.values())])


@dataclass(frozen=True)
class Row:
    name: str
    scores: Scores
    samples: int
    intervals: Scores = field(default_factory=dict)
    """Half the 95 % interval of each score, if it was asked for."""


@dataclass(frozen=True)
class Report:
    protocol: str
    rows: list[Row]
    won: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    """By model, the scores in which trivial samplers beat it, and which ones."""
    models: int = 1
    """How many rows at the top are models; the others are trivial."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def cells(self) -> list[list[str]]:
        """Line by line, the names of the scores first."""
        measures = list(self.rows[0].scores)
        lines = [[row.name, *(_number(row, name) for name in measures), f"{row.samples:,}"] for row in self.rows]
        return [["", *measures, "samples"], *lines]

    def notes(self) -> list[str]:
        """The protocol, and what a reader has to know of these scores."""
        told = [self.protocol]
        for model, won in self.won.items():
            scores = "; ".join(f"{name} ({', '.join(rows)})" for name, rows in won.items())
            told.append(f"trivial samplers beat {model} in {scores}")
        return told

    def table(self) -> str:
        cells = self.cells()
        widths = [max(len(line[i]) for line in cells) + 2 for i in range(len(cells[0]))]
        lines = [
            line[0].ljust(widths[0])
            + "".join(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))
            for line in cells
        ]
        return "\n".join([*lines, *self.notes()])


def _number(row: Row, name: str) -> str:
    if name not in row.scores:
        return ""
    value, margin = row.scores[name], row.intervals.get(name)
    text = f"{value:,.3f}" if abs(value) >= 0.1 or value == 0 else f"{value:.2g}"
    return text if margin is None else f"{text} ± {margin:.2g}"


CachedBaselines = Callable[[str, Callable[[], list[Row]]], list[Row]]


def evaluate(
    drawn: Tensor | SampleSet,
    judge: Judge,
    metrics: Sequence[str] = (),
    own: Mapping[str, Metric] = {},
    intervals: bool = False,
    kept: CachedBaselines = lambda protocol, score: score(),
) -> Report:
    """Scores samples on the report part, beside the trivial rows.

    Args:
        drawn: as the medium keeps them, (n, …), with the classes they were asked for if there are.
        metrics: names; by default the judge's own choice, as far as there are samples enough.
        own: the user's, by name, besides.
        intervals: also 95 % intervals of the model's scores, at ten times the cost.
        kept: gives the trivial rows of a protocol, scored by the function it is handed or known from before.

    Raises:
        UserError: an unknown metric, or too few samples for one that was asked for.
    """
    samples = drawn if isinstance(drawn, SampleSet) else SampleSet(drawn)
    fewest = min(judge.sample_count("report"), len(samples), judge.test_count)
    case = judge.case(samples, "report")
    chosen = judge.chosen(metrics, samples, fewest) | dict(own)
    model = Row("model", compute(chosen, case, fewest), len(samples))
    protocol = judge.protocol("report", len(samples), chosen)

    def score() -> list[Row]:
        others = judge.baselines(len(samples))
        return [Row(name, compute(chosen, judge.case(x, "report"), fewest), len(x)) for name, x in others]

    rows = score() if own else kept(protocol, score)
    won = _baseline_wins(chosen, model, rows)
    if intervals:
        counting = {name: metric for name, metric in chosen.items() if _contested({name: metric})}
        margins = half_widths(lambda kept: compute(counting, case.of(kept), fewest), len(samples))
        model = replace(model, intervals={name: margins[name] for name in _contested(chosen)})
    return Report(protocol, [model, *rows], {"model": won} if won else {})


def merged(reports: Mapping[str, Report], mixed: bool = False) -> Report:
    """The models of several reports in one table, by name, above the first one's trivial rows.

    Raises UserError for reports of different protocols, unless `mixed`, and for those without a score in common.
    """
    first = next(iter(reports.values()))
    for name, report in reports.items():
        if report.protocol != first.protocol and not mixed:
            raise UserError(
                f"{name} was scored otherwise than {next(iter(reports))}, and their scores do not compare: "
                f"score both anew, or look at them all the same with --mixed ({report.protocol})"
            )
    shared = [score for score in first.rows[0].scores if all(score in r.rows[0].scores for r in reports.values())]
    if not shared:
        raise UserError(f"{', '.join(reports)} have no score in common: score them by the same metrics")
    models = [replace(report.rows[0], name=name) for name, report in reports.items()]
    all_rows = [*models, *first.rows[1:]]
    rows = [replace(row, scores={name: row.scores[name] for name in shared if name in row.scores}) for row in all_rows]
    protocols = dict.fromkeys(report.protocol for report in reports.values())
    protocol = first.protocol
    if len(protocols) > 1:
        protocol = "MIXED, scores do not compare: " + " | ".join(protocols)
    won = {name: report.won["model"] for name, report in reports.items() if "model" in report.won}
    return Report(protocol, rows, won, len(models))


def _contested(metrics: Mapping[str, Metric]) -> dict[str, Better]:
    contested: dict[str, Better] = {}
    for metric in metrics.values():
        contested |= {name: better for name, better in metric.better.items() if better != "neither"}
    return contested


def _baseline_wins(metrics: Mapping[str, Metric], model: Row, rows: list[Row]) -> dict[str, list[str]]:
    """By score, the rows of trivial samplers that beat the model."""
    real = next(row for row in rows if row.name == "real").scores
    won = {}
    for name, better in _contested(metrics).items():
        winners = [row.name for row in rows if is_better(better, row.scores[name], model.scores[name], real[name])]
        won[name] = [winner for winner in winners if winner != "real"]
    return {name: winners for name, winners in won.items() if winners}
