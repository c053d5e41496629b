"""Base class of judges: evaluation protocol, metrics, baselines, diagnostics."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from sparring.errors import UserError, did_you_mean
from sparring.metrics.metric import Metric, Scores, compute_scores

JudgeSplit = Literal["select", "report"]
"""Real data that samples are compared with: the validation split, for stopping and checkpoint selection, or the test
split, for reports."""
ALL = "all"
"""Selects all metrics."""
MAX_SAMPLES = 10_000
"""Samples per score, at most."""


MIN_EXAMPLES = 16
"""Samples, and real examples, below which scores tell nothing."""


def few_examples_warning(count: int) -> str:
    """Why scores of so few samples or real examples tell nothing; "" if there are enough."""
    if count >= MIN_EXAMPLES:
        return ""
    return (
        f"too few to tell: scores need {MIN_EXAMPLES} samples and {MIN_EXAMPLES} held-out examples, and there are "
        f"{count}: look at the samples, and ignore the scores (in parentheses)"
    )


@dataclass(frozen=True, eq=False)
class SampleSet:
    """Decoded samples with their requested classes."""

    values: Tensor
    """Decoded values (n, …)."""
    labels: Tensor | None = None
    """Requested classes, int64 (n,)."""

    def __len__(self) -> int:
        return len(self.values)


class Judge(ABC):
    """A fixed evaluation protocol, with separate real data for checkpoint selection and for reports."""

    metrics: Mapping[str, Metric]
    """Available metrics by name."""
    selection_metric: str
    """The metric computed in training; checkpoints are selected by its first score, lower is better."""
    default: Sequence[str]
    """Metrics of a report."""

    @abstractmethod
    def comparison(self, drawn: SampleSet, part: JudgeSplit) -> Any:
        """The input of metrics: samples and the real data of a split."""

    @abstractmethod
    def describe_reference(self, part: JudgeSplit, samples: int) -> str:
        """The protocol's description of the real data and features."""

    @abstractmethod
    def sample_count(self, part: JudgeSplit) -> int:
        """Number of samples to score."""

    @property
    @abstractmethod
    def test_count(self) -> int:
        """Number of real test examples."""

    @abstractmethod
    def baselines(self, n: int) -> Iterator[tuple[str, SampleSet]]:
        """Yields named baselines: up to n real test examples ("real"), then n samples of each trivial baseline."""

    @property
    def warnings(self) -> list[str]:
        """Reasons to distrust scores, and scores that are left out."""
        return []

    @property
    def warnings_before_training(self) -> list[str]:
        """The same, and whether there are enough held-out examples."""
        few = few_examples_warning(min(self.sample_count("report"), self.test_count))
        return [few, *self.warnings] if few else list(self.warnings)

    def nearest_training(self, values: Tensor) -> Tensor | None:
        """The samples closest to training examples, each followed by its nearest training example; None if unknown."""
        return None

    def diagnostics(self, values: Tensor) -> Scores:
        """Quick diagnostics for training health (see `SampleDiagnostics`), relative to real examples; may be empty."""
        return {}

    def copy_test(self, values: Tensor) -> Scores:
        """Test for copies of training examples: `copied`, their share, and `copied_p`, its p-value; may be empty."""
        return {}

    @property
    def score_names(self) -> tuple[str, ...]:
        """Names of the scores computed in training."""
        return tuple(self.metrics[self.selection_metric].better)

    def select_metrics(self, names: Sequence[str]) -> dict[str, Metric]:
        """The metrics of these names. Raises UserError for an unknown name."""
        for name in names:
            if name not in self.metrics:
                known = ", ".join(self.metrics)
                raise UserError(f"unknown metric '{name}'{did_you_mean(name, self.metrics)}; use {known} or {ALL}")
        return {name: self.metrics[name] for name in names}

    def choose_metrics(self, names: Sequence[str], drawn: SampleSet, samples: int) -> dict[str, Metric]:
        """The metrics of these names. For "all", or without names, all or the default ones that can be computed.

        Args:
            samples: number of samples that will be scored.
        """
        if names and ALL not in names:
            return self.select_metrics(names)
        case = self.comparison(drawn, "report")
        wanted = self.select_metrics(list(self.metrics) if names else self.default)
        return {name: metric for name, metric in wanted.items() if not metric.requirement(case, samples)}

    def scores(
        self, values: Tensor, part: JudgeSplit = "report", metrics: Mapping[str, Metric] | None = None
    ) -> Scores:
        """Scores of decoded samples (n, …), by default of the selection metric. Raises UserError for too few."""
        chosen = self.select_metrics([self.selection_metric]) if metrics is None else metrics
        return compute_scores(
            chosen, self.comparison(SampleSet(values), part), min(len(values), self.sample_count(part))
        )

    def training_scores(self, values: Tensor, model: Any) -> Scores:
        """Scores during training, of samples (n, …) and of the model that made them; weights are selected by the
        first."""
        return self.scores(values, "select")

    def warnings_about(self, model: Scores, real: Scores) -> list[str]:
        """Reasons to distrust a model, by its scores and those of real examples."""
        return []

    def protocol(self, part: JudgeSplit, samples: int, metrics: Mapping[str, Metric] | None = None) -> str:
        """How scores are computed; scores of different protocols are not comparable."""
        chosen = self.select_metrics([self.selection_metric]) if metrics is None else metrics
        return "; ".join([self.describe_reference(part, samples), *(metric.protocol for metric in chosen.values())])
