"""The progress display on standard error: a bar with the time left, and each report's scores, losses and alarms."""

import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from sparring.training.health.alarms import RaisedAlarm
from sparring.training.journal import Entry


class Progress:
    def __init__(self, examples: int, seen: int, quiet: bool = False):
        self.console = Console(stderr=True, quiet=quiet)
        self._bar = Bar(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("examples · {task.fields[speed]:,.0f}/s · elapsed"),
            TimeElapsedColumn(),
            TextColumn("· left"),
            TimeRemainingColumn(elapsed_when_finished=False),
            console=self.console,
        )
        self._task = self._bar.add_task("", total=examples, completed=seen, speed=0.0)
        self._from, self._start = seen, time.monotonic()

    def __enter__(self) -> "Progress":
        self._bar.start()
        return self

    def __exit__(self, *_) -> None:
        self._bar.stop()

    def update(self, seen: int) -> None:
        speed = (seen - self._from) / (time.monotonic() - self._start)
        self._bar.update(self._task, completed=seen, speed=speed)

    def report(self, entry: Entry) -> None:
        scores = "  ".join(f"{name} {value:.4g}" for name, value in entry["scores"].items())
        losses = "  ".join(f"{name} {value:.3f}" for name, value in entry["losses"].items())
        self.console.print(f"{entry['examples']:>9,} examples  {scores}  {losses}", highlight=False)
        for raised in entry["alarms"]:
            self.console.print(RaisedAlarm(**raised).text(), highlight=False, style="yellow")
