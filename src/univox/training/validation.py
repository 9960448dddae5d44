"""Dice of held-out cases by the true sliding window, while a run goes on."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from univox.data.cache import PreparedCase
from univox.data.classes import NOT_ANNOTATED
from univox.data.window import regular_grid
from univox.inference.sliding_window import sliding_window
from univox.metrics.overlap import count, dice
from univox.networks.blocks.sizes import size_rule
from univox.recipes.inference_settings import InferenceSettings

TIMED_WINDOWS = 8


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
    """Scores a network on prepared cases, on their prepared grid, where somebody labelled them.

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

    def score(self, network: nn.Module) -> Score:
        """Predict every case and compare with its label."""
        rows = [self._case(network, case) for case in self.cases]
        means = [_mean([row[index] for row in rows]) for index in range(1, len(self.class_names))]
        return Score(dict(zip(self.class_names[1:], means, strict=True)))

    def estimated_seconds(self, network: nn.Module) -> float:
        """Give the time of one validation, from that of a few windows."""
        inner = size_rule(network, len(self.window_size)).inner(self.window_size)
        steps = self.settings.steps(inner)
        image = self.cases[0].image()
        # A row of windows along the last axis: whole cases would cost the budget that is being planned.
        row = (*inner[:-1], inner[-1] + (TIMED_WINDOWS - 1) * steps[-1])
        noise = torch.randn((image.shape[0], *row), generator=torch.Generator().manual_seed(0))
        seconds = 0.0
        for _ in range(2):  # the first pays for the libraries' set-up
            began = time.perf_counter()
            self._probabilities(network, noise)
            seconds = time.perf_counter() - began
        shapes = [case.label().shape for case in self.cases]
        covering = [tuple(map(max, shape, inner)) for shape in shapes]
        windows = sum(len(regular_grid(shape, inner, steps)) for shape in covering)
        return seconds / TIMED_WINDOWS * windows

    def _probabilities(self, network: nn.Module, image: torch.Tensor) -> torch.Tensor:
        return sliding_window(
            network,
            image,
            window_size=self.window_size,
            num_classes=len(self.class_names),
            settings=self.settings,
            standardize_windows=self.standardize_windows,
            device=self.device,
        )

    def _case(self, network: nn.Module, case: PreparedCase) -> list[float]:
        probabilities = self._probabilities(network, torch.from_numpy(np.array(case.image())))
        prediction = probabilities.argmax(0).numpy().astype(np.uint8)
        label = np.asarray(case.label())
        annotated = label != NOT_ANNOTATED
        return list(dice(count(label[annotated], prediction[annotated], len(self.class_names))))


def _mean(values: list[float]) -> float | None:
    known = [float(value) for value in values if math.isfinite(value)]
    return sum(known) / len(known) if known else None
