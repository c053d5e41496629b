"""A second opinion: the same samples scored by other features, beside the first scores."""

from dataclasses import replace

from sparring.errors import UserError
from sparring.metrics.image.judge import ImageJudge
from sparring.metrics.judge import Judge, SampleSet
from sparring.metrics.metric import Scores
from sparring.metrics.report import CachedBaselines, Report, evaluate_samples


def add_second_opinion(
    report: Report, drawn: SampleSet, judge: Judge, intervals: bool, kept: CachedBaselines
) -> Report:
    """The report of some samples, with the default scores of another judge as "FEATURES:SCORE".

    Raises UserError for the features of the first report.
    """
    assert isinstance(judge, ImageJudge), "other modalities refuse features"
    name, protocol = judge.features.name, judge.describe_reference("report", len(drawn))
    if report.protocol.startswith(protocol):
        raise UserError(f"the second opinion is by {name} features, as the first: choose others")
    other = evaluate_samples(drawn, judge, intervals=intervals, kept=kept)
    return _side_by_side(report, other, name)


def _side_by_side(report: Report, other: Report, name: str) -> Report:
    def renamed(scores: Scores) -> Scores:
        return {f"{name}:{score}": value for score, value in scores.items()}

    rows = [
        replace(row, scores=row.scores | renamed(also.scores), intervals=row.intervals | renamed(also.intervals))
        for row, also in zip(report.rows, other.rows, strict=True)
    ]
    beaten = {
        model: report.outperformed_by.get(model, {})
        | {f"{name}:{score}": rows for score, rows in other.outperformed_by.get(model, {}).items()}
        for model in dict.fromkeys([*report.outperformed_by, *other.outperformed_by])
    }
    return replace(
        report,
        protocol=f"{report.protocol}; second opinion: {other.protocol}",
        rows=rows,
        outperformed_by=beaten,
        better={**report.better, **{f"{name}:{score}": how for score, how in other.better.items()}},
        warnings=[*report.warnings, *other.warnings],
    )
