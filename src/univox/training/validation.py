"""Dice of held-out cases by the true sliding window, while a run goes on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from univox.data.cache import PreparedCase
from univox.inference.sliding_window import sliding_window
from univox.metrics.overlap import count, dice
from univox.recipes.inference_settings import InferenceSettings


@dataclass(frozen=True)
class Score:
    """Mean Dice per foreground class over the cases that hold it, and the mean of those; none where no case counts."""

    dice: dict[str, float | None]

    @property
    def mean(self) -> float | None:
        """Mean over the foreground classes that could be scored."""
        known = [value for value in self.dice.values() if value is not None]
        return sum(known) / len(known) if known else None


@dataclass(frozen=True)
class Validator:
    """Scores a network on prepared cases, on their prepared grid.

    Args:
        cases: Prepared held-out cases with labels.
        class_names: All classes, background first.
        window_size: Window edges in voxels.
        settings: Step, blending, precision.
        standardize_windows: Whether intensities are standardized window by window.
        device: Where the network is.
    """

    cases: Sequence[PreparedCase]
    class_names: tuple[str, ...]
    window_size: tuple[int, ...]
    settings: InferenceSettings
    standardize_windows: bool
    device: torch.device

    def score(self, network: nn.Module, cases: Sequence[PreparedCase] | None = None) -> Score:
        """Predict every case and compare with its label; the network is left in training mode."""
        network.eval()
        rows = [self._case(network, case) for case in (self.cases if cases is None else cases)]
        network.train()
        means = [_mean([row[index] for row in rows]) for index in range(1, len(self.class_names))]
        return Score(dict(zip(self.class_names[1:], means, strict=True)))

    def _case(self, network: nn.Module, case: PreparedCase) -> list[float]:
        probabilities = sliding_window(
            network,
            torch.from_numpy(np.array(case.image())),
            window_size=self.window_size,
            num_classes=len(self.class_names),
            settings=self.settings,
            standardize_windows=self.standardize_windows,
            device=self.device,
        )
        prediction = probabilities.argmax(0).numpy().astype(np.uint8)
        return list(dice(count(np.asarray(case.label()), prediction, len(self.class_names))))


def _mean(values: list[float]) -> float | None:
    known = [float(value) for value in values if math.isfinite(value)]
    return sum(known) / len(known) if known else None
