"""What stands in a report: the samples' scores beside what trivial samplers get in their place, and the protocol."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from torch import Tensor

from sparring.errors import UserError
from sparring.metrics.jackknife import half_widths
from sparring.metrics.judge import Judge, SampleSet
from sparring.metrics.metric import Better, Metric, Scores, compute_scores, is_better


@dataclass(frozen=True)
class ReportRow:
    name: str
    scores: Scores
    samples: int
    intervals: Scores = field(default_factory=dict)
    """Half the 95 % interval of each score, if it was asked for."""


@dataclass(frozen=True)
class Report:
    protocol: str
    rows: list[ReportRow]
    outperformed_by: dict[str, dict[str, list[str]]] = field(default_factory=dict)
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
        for model, won in self.outperformed_by.items():
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


def _number(row: ReportRow, name: str) -> str:
    if name not in row.scores:
        return ""
    value, margin = row.scores[name], row.intervals.get(name)
    text = f"{value:,.3f}" if abs(value) >= 0.1 or value == 0 else f"{value:.2g}"
    return text if margin is None else f"{text} ± {margin:.2g}"


CachedBaselines = Callable[[str, Callable[[], list[ReportRow]]], list[ReportRow]]


def evaluate_samples(
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
    case = judge.comparison(samples, "report")
    chosen = judge.choose_metrics(metrics, samples, fewest) | dict(own)
    model = ReportRow("model", compute_scores(chosen, case, fewest), len(samples))
    protocol = judge.protocol("report", len(samples), chosen)

    def score() -> list[ReportRow]:
        others = judge.baselines(len(samples))
        return [
            ReportRow(name, compute_scores(chosen, judge.comparison(x, "report"), fewest), len(x)) for name, x in others
        ]

    rows = score() if own else kept(protocol, score)
    won = _better_baselines(chosen, model, rows)
    if intervals:
        counting = {name: metric for name, metric in chosen.items() if _comparable({name: metric})}
        margins = half_widths(lambda kept: compute_scores(counting, case.of(kept), fewest), len(samples))
        model = replace(model, intervals={name: margins[name] for name in _comparable(chosen)})
    return Report(protocol, [model, *rows], {"model": won} if won else {})


def merge_reports(reports: Mapping[str, Report], mixed: bool = False) -> Report:
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
    won = {
        name: report.outperformed_by["model"] for name, report in reports.items() if "model" in report.outperformed_by
    }
    return Report(protocol, rows, won, len(models))


def _comparable(metrics: Mapping[str, Metric]) -> dict[str, Better]:
    contested: dict[str, Better] = {}
    for metric in metrics.values():
        contested |= {name: better for name, better in metric.better.items() if better != "neither"}
    return contested


def _better_baselines(metrics: Mapping[str, Metric], model: ReportRow, rows: list[ReportRow]) -> dict[str, list[str]]:
    """By score, the rows of trivial samplers that beat the model."""
    real = next(row for row in rows if row.name == "real").scores
    won = {}
    for name, better in _comparable(metrics).items():
        winners = [row.name for row in rows if is_better(better, row.scores[name], model.scores[name], real[name])]
        won[name] = [winner for winner in winners if winner != "real"]
    return {name: winners for name, winners in won.items() if winners}
