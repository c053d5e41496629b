"""What stands in a report: the samples' scores beside what trivial samplers get in their place, and the protocol."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

from torch import Tensor

Part = Literal["select", "report"]
Scores = dict[str, float]


class Judge(Protocol):
    """A fixed protocol. Stopping and the choice of the best weights use one part of the real data, reports another."""

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of the scores; the first one, of which less is better, selects."""
        ...

    def scores(self, values: Tensor, part: Part = "report") -> Scores:
        """Of samples as the medium keeps them, (n, …), n ≥ 2."""
        ...

    def protocol(self, part: Part, samples: int) -> str:
        """How scores were taken; scores with different protocols do not compare."""
        ...

    def suits(self, part: Part) -> int:
        """How many samples to score."""
        ...

    def trivial(self, n: int) -> Mapping[str, Tensor]:
        """n real test examples, and n from each of some samplers that learnt nothing, by name."""
        ...


@dataclass(frozen=True)
class Row:
    name: str
    scores: Scores
    samples: int


@dataclass(frozen=True)
class Report:
    protocol: str
    rows: list[Row]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def table(self) -> str:
        measures = list(self.rows[0].scores)
        lines = [f"{'':<12}" + "".join(f"{name:>14}" for name in measures) + f"{'samples':>10}"]
        for row in self.rows:
            numbers = "".join(f"{row.scores[name]:>14,.3f}" for name in measures)
            lines.append(f"{row.name:<12}{numbers}{row.samples:>10,}")
        return "\n".join([*lines, self.protocol])


def evaluate(samples: Tensor, judge: Judge) -> Report:
    """Scores samples on the report part, beside the trivial rows."""
    n = len(samples)
    rows = [Row(name, judge.scores(x), len(x)) for name, x in {"model": samples, **judge.trivial(n)}.items()]
    return Report(judge.protocol("report", n), rows)
