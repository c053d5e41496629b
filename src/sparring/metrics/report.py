"""Evaluation reports: model scores compared with baselines, and the protocol."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Any

from pydantic import Field
from torch import Tensor

from sparring.errors import UserError
from sparring.metrics.jackknife import GROUPS, half_widths
from sparring.metrics.judge import Judge, SampleSet, few_examples_warning
from sparring.metrics.metric import ARROWS, Better, Metric, Scores, compute_scores, is_better


@dataclass(frozen=True)
class ReportRow:
    name: str
    scores: Scores
    samples: int
    intervals: Scores = field(default_factory=dict)
    """Half width of the 95 % confidence interval of each score, if requested."""


@dataclass(frozen=True)
class Report:
    protocol: str
    rows: list[ReportRow]
    outperformed_by: Annotated[dict[str, dict[str, list[str]]], Field(validation_alias="won")] = field(
        default_factory=dict
    )
    """For each model, the scores in which baselines are better, and their names; "won" in JSON."""
    models: int = 1
    """Number of rows at the top that are models; the others are baselines."""
    better: Mapping[str, Better] = field(default_factory=dict)
    """Direction of each score."""
    too_few: str = ""
    """Why the scores are of too few examples to tell anything, if so; tables show them in parentheses."""
    warnings: Sequence[str] = ()
    """Other reasons to distrust scores, and scores that were left out."""

    def to_dict(self) -> dict[str, Any]:
        rows = [asdict(row) for row in self.rows]
        scored = {"protocol": self.protocol, "rows": rows, "won": self.outperformed_by, "models": self.models}
        return scored | {"too_few": self.too_few, "warnings": list(self.warnings)}

    def cells(self) -> list[list[str]]:
        """Table cells; the first line holds the names of the scores, with ↓ or ↑ for the better direction."""
        names = list(self.rows[0].scores)
        mark = "({})" if self.too_few else "{}"
        numbers = [[_number(row, name, mark) for name in names] for row in self.rows]
        lines = [[row.name, *cells, f"{row.samples:,}"] for row, cells in zip(self.rows, numbers, strict=True)]
        return [["", *(name + ARROWS.get(self.better.get(name, "neither"), "") for name in names), "samples"], *lines]

    def notes(self) -> list[str]:
        """The protocol, warnings, and the baselines that outperform a model."""
        notes = [self.protocol, *(f"warning: {text}" for text in (self.too_few, *self.warnings) if text)]
        for model, better in self.outperformed_by.items():
            scores = "; ".join(f"{name} ({', '.join(rows)})" for name, rows in better.items())
            notes.append(f"baselines that outperform {model}: {scores}")
        return notes

    def table(self) -> str:
        cells = self.cells()
        widths = [max(len(line[i]) for line in cells) + 2 for i in range(len(cells[0]))]
        lines = [
            line[0].ljust(widths[0])
            + "".join(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))
            for line in cells
        ]
        return "\n".join([*lines, *self.notes()])


def _number(row: ReportRow, name: str, mark: str) -> str:
    """A score, with its interval if it has one, in the format `mark`."""
    if name not in row.scores:
        return ""
    value, margin = row.scores[name], row.intervals.get(name)
    text = f"{value:,.3f}" if abs(value) >= 0.1 or value == 0 else f"{value:.2g}"
    return mark.format(text if margin is None else f"{text} ± {margin:.2g}")


CachedBaselines = Callable[[str, Callable[[], list[ReportRow]]], list[ReportRow]]


def evaluate_samples(
    drawn: Tensor | SampleSet,
    judge: Judge,
    metrics: Sequence[str] = (),
    own: Mapping[str, Metric] = {},
    intervals: bool = False,
    kept: CachedBaselines = lambda protocol, score: score(),
) -> Report:
    """Scores samples against the test split and compares them with baselines.

    Args:
        drawn: decoded samples (n, …), with their requested classes, if any.
        metrics: names; by default those of the judge that can be computed.
        own: additional metrics by name.
        intervals: also compute 95 % confidence intervals, at ten times the cost, of metrics that nine tenths of the
            samples suffice for.
        kept: returns the baseline scores of a protocol, cached or by calling the given function.

    Raises:
        UserError: an unknown metric, or too few samples for a requested one.
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
    too_few = few_examples_warning(fewest)
    won = {} if too_few else _better_baselines(chosen, model, rows)
    if intervals:
        fewer = fewest - -(-len(samples) // GROUPS)
        counting = {
            name: metric
            for name, metric in chosen.items()
            if _comparable({name: metric}) and not metric.requirement(case, fewer)
        }
        margins = half_widths(lambda kept: compute_scores(counting, case.of(kept), fewer), len(samples))
        model = replace(model, intervals={name: margins[name] for name in _comparable(counting)})
    beaten = {"model": won} if won else {}
    real = next(row.scores for row in rows if row.name == "real")
    warnings = [*judge.warnings, *judge.warnings_about(model.scores, real)]
    return Report(protocol, [model, *rows], beaten, 1, _comparable(chosen), too_few, warnings)


def merge_reports(reports: Mapping[str, Report], mixed: bool = False) -> Report:
    """One report with the models of several, by name, and the baselines of the first.

    Raises UserError for reports of different protocols, unless `mixed`, and for reports without a common score.
    """
    first = next(iter(reports.values()))
    for name, report in reports.items():
        if report.protocol != first.protocol and not mixed:
            raise UserError(
                f"{name} was scored by another protocol than {next(iter(reports))}, so their scores are not "
                f"comparable: score both again, or use --mixed ({report.protocol})"
            )
    shared = [score for score in first.rows[0].scores if all(score in r.rows[0].scores for r in reports.values())]
    if not shared:
        raise UserError(f"{', '.join(reports)} have no score in common: use the same metrics for all")
    models = [replace(report.rows[0], name=name) for name, report in reports.items()]
    all_rows = [*models, *first.rows[1:]]
    rows = [replace(row, scores={name: row.scores[name] for name in shared if name in row.scores}) for row in all_rows]
    protocols = dict.fromkeys(report.protocol for report in reports.values())
    protocol = first.protocol
    if len(protocols) > 1:
        protocol = "MIXED PROTOCOLS, scores are not comparable: " + " | ".join(protocols)
    won = {
        name: report.outperformed_by["model"] for name, report in reports.items() if "model" in report.outperformed_by
    }
    too_few = next((report.too_few for report in reports.values() if report.too_few), "")
    warnings = list(dict.fromkeys(text for report in reports.values() for text in report.warnings))
    return Report(protocol, rows, won, len(models), first.better, too_few, warnings)


def _comparable(metrics: Mapping[str, Metric]) -> dict[str, Better]:
    contested: dict[str, Better] = {}
    for metric in metrics.values():
        contested |= {name: better for name, better in metric.better.items() if better != "neither"}
    return contested


def _better_baselines(metrics: Mapping[str, Metric], model: ReportRow, rows: list[ReportRow]) -> dict[str, list[str]]:
    """Names of the baselines that are better than the model, by score; without "real"."""
    real = next(row for row in rows if row.name == "real").scores
    won = {}
    for name, better in _comparable(metrics).items():
        winners = [row.name for row in rows if is_better(better, row.scores[name], model.scores[name], real[name])]
        won[name] = [winner for winner in winners if winner != "real"]
    return {name: winners for name, winners in won.items() if winners}
