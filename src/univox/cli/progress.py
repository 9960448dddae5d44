"""How a run looks while it goes on: a live bar in a terminal, a few lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from univox.cli.console import say
from univox.training.observer import Observer

SMOOTHING = 0.05


class TrainingProgress(Observer):
    """Shows stages, the loss, the validation Dice, the speed and the time left."""

    def __init__(self) -> None:
        self._live = sys.stdout.isatty()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[facts]}"),
            TimeElapsedColumn(),
            console=Console(),
            disable=not self._live,
        )
        self._bar: TaskID | None = None
        self._stage = ""
        self._total = 0
        self._began = (time.monotonic(), 0)
        self._loss: float | None = None
        self._dice: float | None = None

    def __enter__(self) -> TrainingProgress:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def stage(self, text: str) -> None:
        """Write the stage on a line of its own."""
        self._stage = text
        self._drop_bar()
        if self._live:
            self._progress.console.print(text, markup=False, highlight=False)
        else:
            say(text)

    def advance(self, done: int, total: int) -> None:
        """Move the stage's bar."""
        if self._bar is None:
            self._bar = self._progress.add_task("cases", total=total, facts="")
        self._progress.update(self._bar, completed=done, total=total)

    def planned(self, iterations: int, done: int) -> None:
        """Start the run's bar anew."""
        self._drop_bar()
        self._total = iterations
        self._began = (time.monotonic(), done)
        self._bar = self._progress.add_task("training", total=iterations, completed=done, facts="")

    def event(self, event: dict[str, Any]) -> None:
        """Show an iteration in the bar; a validation on a line."""
        if event["event"] == "iteration":
            loss = float(event["loss"])
            self._loss = loss if self._loss is None else self._loss + SMOOTHING * (loss - self._loss)
            if self._bar is not None:
                self._progress.update(self._bar, completed=event["iteration"], facts=self._facts(event["iteration"]))
            return
        self._dice = event["mean_dice"]
        if self._bar is not None:
            self._progress.update(self._bar, facts=self._facts(event["iteration"]))
        classes = ", ".join(f"{name} {_number(value)}" for name, value in event["dice"].items())
        line = (
            f"iteration {event['iteration']} of {self._total}{_domain(event)}: loss {_number(self._loss)}, "
            f"validation Dice {_number(self._dice)} ({classes}), {self._left(event['iteration'])} left"
        )
        if self._live:
            self._progress.console.print(line, markup=False, highlight=False)
        else:
            say(line)

    def _facts(self, iteration: int) -> str:
        figures = f"loss {_number(self._loss)}  Dice {_number(self._dice)}"
        return f"{figures}  {self._speed(iteration)}  {self._left(iteration)} left"

    def _speed(self, iteration: int) -> str:
        return f"{1 / self._pace(iteration):.2f} it/s"

    def _left(self, iteration: int) -> str:
        seconds = int(self._pace(iteration) * (self._total - iteration))
        return f"{seconds // 60}:{seconds % 60:02d}"

    def _pace(self, iteration: int) -> float:
        began, first = self._began
        return max(time.monotonic() - began, 1e-6) / max(iteration - first, 1)

    def _drop_bar(self) -> None:
        if self._bar is not None:
            self._progress.remove_task(self._bar)
            self._bar = None


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _domain(event: dict[str, Any]) -> str:
    return f", {event['domain']}" if "domain" in event else ""
