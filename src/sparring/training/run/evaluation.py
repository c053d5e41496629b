"""Scoring a run's model: the closing scores of a run, and what `sparring.evaluate` shares with them."""

import json
import sys
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

from sparring.data import Dataset, Split
from sparring.metrics.baseline_cache import baseline_cache
from sparring.metrics.image.paired_judge import PairedJudge
from sparring.metrics.judge import Judge, SampleSet
from sparring.metrics.report import Report, evaluate_samples
from sparring.models.load import load_model
from sparring.models.model import Model
from sparring.models.translator import ImageToImageModel
from sparring.storage.atomic import from_json, write_bytes
from sparring.training.report.report import write_report
from sparring.training.run.data import DataRecord
from sparring.training.run.run import Run

SCORES = "scores.json"
"""Written last: a run that has it is complete."""


def closing_scores(run: Run, judge: Judge) -> Report:
    """Scores the model of a finished run, and writes its scores, report page and model card."""
    players = {name: deepcopy(player) for name, player in run.model.players.items()}
    model = load_model(run.folder, networks=players)  # of the user's own networks too
    report = evaluate_samples(draw_samples(model, judge), judge, kept=baseline_cache(run.data.fingerprint))
    if earlier := DataRecord.load(run.folder).earlier:
        remark = f"trained on other data before (fingerprint {', '.join(earlier)})"
        report = replace(report, protocol=f"{report.protocol}; {remark}")
    for warning in report.warnings:
        if warning not in judge.warnings:  # those were printed before training
            print(f"warning: {warning}", file=sys.stderr)
    write_report(run.folder, run.config, run.data, model, judge, report)
    scores = report.to_dict() | {"examples": run.loop.seen}
    write_bytes(run.folder / SCORES, json.dumps(scores, indent=1).encode())
    return report


def examples_at_closing(folder: Path) -> int | None:
    """Examples seen when the closing scores were taken; None without them."""
    try:
        scores = from_json((folder / SCORES).read_bytes())
        return scores["examples"] if "examples" in scores else scores["images"]  # the key of version 1
    except (OSError, ValueError, LookupError, TypeError):
        return None


def draw_samples(model: Model, judge: Judge, samples: int | None = None, seed: int = 0) -> SampleSet:
    """Samples to score, by default as many as suit the judge."""
    n = samples or judge.sample_count("report")
    if isinstance(model, ImageToImageModel) and isinstance(judge, PairedJudge):
        held = judge.references["report"]
        model.validation = Split(held.truth, held.labels, held.condition, held.mask_known)
    return SampleSet(model.sample(n, seed), model.sampled_labels(n, seed))


def flag_changed_data(report: Report, data: Dataset, fingerprint: str) -> Report:
    """The report, with a remark where the data's fingerprint is not that of the training data."""
    if data.fingerprint == fingerprint:
        return report
    remark = f"by data that is not what the run was trained on: the fingerprint of {data.spec} has changed"
    return replace(report, protocol=f"{report.protocol}; {remark}")
