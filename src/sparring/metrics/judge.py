"""What every judge offers: a fixed protocol, its metrics, baselines and diagnostics."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from sparring.errors import UserError, did_you_mean
from sparring.metrics.metric import Metric, Scores, compute_scores

JudgeSplit = Literal["select", "report"]


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
    def comparison(self, drawn: SampleSet, part: JudgeSplit) -> Any:
        """What metrics are taken of: samples before a part of the real data."""

    @abstractmethod
    def describe_reference(self, part: JudgeSplit, samples: int) -> str:
        """What so many samples are compared with and by, in the words of the protocol."""

    @abstractmethod
    def sample_count(self, part: JudgeSplit) -> int:
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
    def score_names(self) -> tuple[str, ...]:
        """Names of the scores taken in training."""
        return tuple(self.metrics[self.selection_metric].better)

    def select_metrics(self, names: Sequence[str]) -> dict[str, Metric]:
        """Raises UserError for a metric that is not there."""
        for name in names:
            if name not in self.metrics:
                there = ", ".join(self.metrics)
                raise UserError(f"no metric '{name}'{did_you_mean(name, self.metrics)}; there are: {there}, or {ALL}")
        return {name: self.metrics[name] for name in names}

    def choose_metrics(self, names: Sequence[str], drawn: SampleSet, samples: int) -> dict[str, Metric]:
        """The metrics of these names; for "all", and for none, all or the default ones as far as they can be taken.

        Args:
            samples: how many like `drawn` there will be.
        """
        if names and ALL not in names:
            return self.select_metrics(names)
        case = self.comparison(drawn, "report")
        wanted = self.select_metrics(list(self.metrics) if names else self.default)
        return {name: metric for name, metric in wanted.items() if not metric.requirement(case, samples)}

    def scores(
        self, values: Tensor, part: JudgeSplit = "report", metrics: Mapping[str, Metric] | None = None
    ) -> Scores:
        """Of samples; by default those taken in training. Raises UserError when there are too few for a metric."""
        chosen = self.select_metrics([self.selection_metric]) if metrics is None else metrics
        return compute_scores(
            chosen, self.comparison(SampleSet(values), part), min(len(values), self.sample_count(part))
        )

    def protocol(self, part: JudgeSplit, samples: int, metrics: Mapping[str, Metric] | None = None) -> str:
        """How scores were taken; scores with different protocols do not compare."""
        chosen = self.select_metrics([self.selection_metric]) if metrics is None else metrics
        return "; ".join([self.describe_reference(part, samples), *(metric.protocol for metric in chosen.values())])
