"""The loop of one run, from the first iteration or from a checkpoint."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from univox.data.prefetch import prefetch
from univox.networks.parts import train_all_but
from univox.networks.sharing import SharedNetworks
from univox.recipes.recipe import Recipe
from univox.training.budget import RESERVE, Pace
from univox.training.checkpoint import (
    Progress,
    read_checkpoint,
    read_tensors,
    write_checkpoint,
    write_tensors,
)
from univox.training.cycles import drop_cycles_after, keep_cycle
from univox.training.domain_course import BatchesInTurn, CourseBatch, DomainCourse, measure_courses
from univox.training.log import Sink
from univox.training.observer import Observer
from univox.training.schedule import Horizon, learning_rate_factor
from univox.training.turns import Turns
from univox.training.validation import Score, Validator
from univox.training.weight_average import WeightAverage

CHECKPOINT_SECONDS = 20.0
SLOWER = 1.1
"""A machine this much slower than planned makes the rest be planned anew."""


@dataclass
class Fit:
    """One run's loop and its parts, ready-made.

    Args:
        networks: Of all domains.
        courses: Of each domain, in the order of the networks.
        turns: Whose batch an iteration takes.
        optimizer: Over the parameters of all networks; the courses' steps use it.
        recipe: Schedule, averaging, validations.
        folder: Where checkpoint.safetensors and best.safetensors live.
        sinks: Takers of every event.
        observer: Whoever watches.
        budget_seconds: Time for the whole run, or none to take `iterations`.
        iterations: Length without a budget.
        workers: Threads that prepare batches ahead.
        seconds_before: Time of the command already spent when the loop starts.
        frozen: Modules of the networks that stay as they are.
    """

    networks: SharedNetworks
    courses: Sequence[DomainCourse]
    turns: Turns
    optimizer: torch.optim.Optimizer
    recipe: Recipe
    folder: Path
    sinks: list[Sink]
    observer: Observer
    budget_seconds: float | None
    iterations: int
    workers: int
    seconds_before: float
    frozen: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.average = WeightAverage(self.networks.tensors(), self.recipe.training.weight_average)
        self.progress = Progress()
        self._began = time.monotonic() - self.seconds_before
        self._validation_seconds = 0.0

    @property
    def checkpoint(self) -> Path:
        """The resumable state."""
        return self.folder / "checkpoint.safetensors"

    def run(self) -> Progress:
        """Train to the planned end; the best validated weights are in best.safetensors, the last in the average.

        Raises:
            CheckpointError: There is a checkpoint that cannot be resumed.
            FileError: The disk is full or cannot be written; the last checkpoint stays whole.
            RecipeError: The loss is not finite.
        """
        for _, network in self.networks.items():
            train_all_but(network, self.frozen)
        if self.checkpoint.exists():
            self._resume()
        else:
            self._plan()
        self.observer.planned(self.progress.horizon.total, self.progress.iteration)
        while self.progress.iteration < self.progress.horizon.total:
            self._until_replanned()
        self._save()
        return self.progress

    def _until_replanned(self) -> None:
        horizon = self.progress.horizon
        kept_every = self.recipe.training.kept_every
        saved = time.monotonic()
        measured = (self.progress.iteration, saved)
        source = BatchesInTurn(self.courses, self.turns)
        batches = prefetch(source, self.progress.iteration, horizon.total, workers=self.workers)
        for iteration, batch in enumerate(batches, start=self.progress.iteration):
            self._iterate(iteration, batch)
            if kept_every and (iteration + 1) % kept_every == 0:
                keep_cycle(self.folder, iteration + 1, self.average.weights)
            if self.progress.horizon.is_point(iteration, self.progress.validations):
                pace = (time.monotonic() - measured[1]) / (iteration + 1 - measured[0])
                self._validate()
                self._replan(pace)
                self._save()
                saved = time.monotonic()
                measured = (iteration + 1, saved)
            elif time.monotonic() - saved > CHECKPOINT_SECONDS:
                self._save()
                saved = time.monotonic()
            if self.progress.horizon != horizon:
                batches.close()
                self.observer.planned(self.progress.horizon.total, self.progress.iteration)
                return

    def _iterate(self, iteration: int, taken: CourseBatch) -> None:
        began = time.perf_counter()
        share = self.progress.horizon.progress(iteration + 0.5)
        schedule = self.recipe.schedule
        factor = learning_rate_factor(schedule, share, iteration=iteration) * self.progress.plateau.factor
        rate = self.recipe.optimizer.lr * factor
        course = self.courses[taken.domain]
        loss = course.step(taken.batch, iteration, learning_rate=rate)
        self.average.update(iteration)
        self.progress.iteration = iteration + 1
        seconds = round(time.perf_counter() - began, 4)
        event = {"event": "iteration", "iteration": iteration + 1, "loss": loss, "lr": rate, "seconds": seconds}
        self._tell(event, course)
        if schedule.name == "plateau":
            self._follow_plateau(loss)

    def _follow_plateau(self, loss: float) -> None:
        schedule, lr, done = self.recipe.schedule, self.recipe.optimizer.lr, self.progress.iteration
        before = self.progress.plateau
        after = self.progress.plateau = before.after(loss, schedule)
        if after.factor == before.factor:
            return
        fact: dict[str, Any] = {"iteration": done, "average": after.averages[-1], "lr": lr * after.factor}
        self._log({"event": "plateau", **fact})
        if after.is_over(schedule, lr) and done < self.progress.horizon.total:
            self.progress.horizon = self.progress.horizon.ended(done)
            reason = f"the learning rate has fallen to {lr * after.factor:.1e}, below {schedule.lowest:.1e}"
            self._log({"event": "end", "iteration": done, "reason": reason})
            self.observer.stage(f"ended after {done} iterations: {reason}")

    def _validate(self) -> None:
        began = time.perf_counter()
        with self.average.applied():
            scores = {c.name: self._score(c, c.validator) for c in self.courses if c.validator is not None}
        self._validation_seconds = time.perf_counter() - began
        means = [score.mean for score in scores.values() if score.mean is not None]
        if not means:
            return
        mean = sum(means) / len(means)
        if self.progress.best is None or mean > self.progress.best:
            self.progress.best = mean
            self.progress.best_iteration = self.progress.iteration
            self.progress.best_dice = {name: score.dice for name, score in scores.items()}
            # Before the checkpoint that names it: a kill between the two repeats both, to the same bytes.
            facts = {"iteration": self.progress.iteration, "mean_dice": mean}
            write_tensors(self.folder / "best.safetensors", self.average.weights, facts)

    def _score(self, course: DomainCourse, validator: Validator) -> Score:
        began = time.perf_counter()
        score = validator.score(course.step.network)
        seconds = round(time.perf_counter() - began, 3)
        event: dict[str, Any] = {"event": "validation", "iteration": self.progress.iteration, "mean_dice": score.mean}
        self._tell({**event, "dice": score.dice, "seconds": seconds}, course)
        return score

    def _plan(self) -> None:
        wanted = self.recipe.training.validations
        if self.budget_seconds is None:
            self.progress = Progress(horizon=Horizon.of(self.iterations), validations=min(wanted, self.iterations))
        else:
            pace = measure_courses(self.courses, self.turns)
            left = self.budget_seconds * (1 - RESERVE) - self._elapsed()
            validations = pace.validations(left, wanted)
            total = pace.iterations(left, validations)
            self.progress = Progress(
                horizon=Horizon.of(total), validations=validations, seconds_per_iteration=pace.iteration
            )
            self.observer.stage(
                f"the budget of {self.budget_seconds:.0f} s buys {total} iterations of {pace.iteration:.3f} s "
                f"and {validations} validations of about {pace.validation:.1f} s"
            )
        # Stored before the first of them counts: from here on the clock decides nothing.
        self._save()

    def _replan(self, pace: float) -> None:
        planned = self.progress.seconds_per_iteration
        left = self.progress.horizon.total - self.progress.iteration
        if self.budget_seconds is None or planned is None or left <= 0 or pace <= planned * SLOWER:
            return
        share_left = 1.0 - self.progress.horizon.progress(self.progress.iteration)
        validations = max(1, round(share_left * self.progress.validations))
        seconds = self.budget_seconds * (1 - RESERVE) - self._elapsed()
        fits = Pace(pace, self._validation_seconds).iterations(seconds, validations)
        if fits < left:
            self.progress.horizon = self.progress.horizon.replanned(
                self.progress.iteration, self.progress.iteration + fits
            )
            self.progress.seconds_per_iteration = pace
            self.observer.stage(f"the machine has slowed to {pace:.3f} s an iteration: {fits} more instead of {left}")

    def _elapsed(self) -> float:
        return time.monotonic() - self._began

    def _save(self) -> None:
        self.progress.seconds = self._elapsed()
        write_checkpoint(
            self.checkpoint,
            weights=self.networks.tensors(),
            average=self.average.weights,
            optimizer=self.optimizer,
            progress=self.progress,
        )

    def _resume(self) -> None:
        self.progress = read_checkpoint(
            self.checkpoint,
            weights=self.networks.tensors(),
            average=self.average.weights,
            optimizer=self.optimizer,
        )
        self._began -= self.progress.seconds
        drop_cycles_after(self.folder, self.progress.iteration)
        self.observer.stage(f"resumed at iteration {self.progress.iteration} of {self.progress.horizon.total}")

    def _log(self, event: dict[str, Any]) -> None:
        for sink in self.sinks:
            sink.write(event)

    def _tell(self, event: dict[str, Any], course: DomainCourse) -> None:
        if len(self.courses) > 1:
            event = {**event, "domain": course.name}
        self._log(event)
        self.observer.event(event)


def best_weights(fit: Fit) -> dict[str, torch.Tensor]:
    """Give the best validated weights, or the last where nothing was validated.

    Raises:
        CheckpointError: best.safetensors is missing or cut short.
    """
    if fit.progress.best is None:
        return fit.average.weights
    return read_tensors(fit.folder / "best.safetensors")[0]
