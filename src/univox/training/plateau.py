"""The learning rate that waits for the training loss to stop falling."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from univox.errors import CheckpointError
from univox.recipes.recipe import Schedule


@dataclass(frozen=True)
class Plateau:
    """What the rule remembers of the losses so far, and the factor that it has come to.

    A value that a checkpoint holds: the same losses give the same factors, in one process or in several.

    Args:
        factor: On the learning rate; 1 until the loss first stops falling.
        running: Losses of the epoch that is under way.
        epochs: Mean losses of the last epochs, as many as a mean needs.
        averages: Their moving average after each of the last epochs, oldest first, as many as are compared.
        since: Epochs since the last change of the factor, or since the first average.

    >>> halve = Schedule(name="plateau", iterations_per_epoch=1, average="mean", window=1, patience=1, factor=0.5)
    >>> Plateau().after(1.0, halve).after(1.0, halve).factor
    0.5
    """

    factor: float = 1.0
    running: tuple[float, ...] = ()
    epochs: tuple[float, ...] = ()
    averages: tuple[float, ...] = ()
    since: int = 0

    def after(self, loss: float, settings: Schedule) -> Plateau:
        """Take in the loss of one iteration; the factor changes only where an epoch ends."""
        running = (*self.running, loss)
        if len(running) < settings.iterations_per_epoch:
            return replace(self, running=running)
        epochs = (*self.epochs, sum(running) / len(running))[-settings.window :]
        average = self._average(epochs, settings)
        if average is None:
            return replace(self, running=(), epochs=epochs)
        averages = (*self.averages, average)[-(settings.patience + 1) :]
        since = self.since + 1 if self.averages else 0
        # The first average that exists is the first to compare with, not one to compare.
        flat = since >= settings.patience and averages[0] - average < settings.threshold
        return Plateau(
            factor=self.factor * settings.factor if flat else self.factor,
            epochs=epochs,
            averages=averages,
            since=0 if flat else since,
        )

    def is_over(self, settings: Schedule, learning_rate: float) -> bool:
        """Whether the learning rate has fallen below the lowest that is worth an iteration.

        Args:
            settings: The recipe's schedule.
            learning_rate: Of the optimizer, before any factor.
        """
        return learning_rate * self.factor < settings.lowest

    def _average(self, epochs: tuple[float, ...], settings: Schedule) -> float | None:
        if settings.average == "mean":
            return sum(epochs) / len(epochs) if len(epochs) == settings.window else None
        if not self.averages:
            return epochs[-1]
        newest = 2.0 / (settings.window + 1.0)
        return self.averages[-1] + newest * (epochs[-1] - self.averages[-1])

    def to_json(self) -> dict[str, Any]:
        """Give the fields as JSON holds them; numbers come back as they were, to the last bit."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Any) -> Plateau:
        """Read what `to_json` gave.

        Raises:
            CheckpointError: It is something else.
        """
        try:
            lists = {name: tuple(float(loss) for loss in value[name]) for name in ("running", "epochs", "averages")}
            return cls(factor=float(value["factor"]), since=int(value["since"]), **lists)
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(
                expected="the state of a plateau rule", got=repr(value), remedy="start the run anew"
            ) from error
