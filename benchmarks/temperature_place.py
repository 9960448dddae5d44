"""A temperature in each window, against one after blending and resampling.

    python benchmarks/temperature_place.py MODEL DATASET [--domain NAME] [--part validation] [--most 6] [--at T ...]

For each temperature: the mean negative log-likelihood and the expected calibration error over all voxels that the
network sees, either way, and how many labels change when each window's logits are divided (after blending none does).
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from torch import Tensor, nn

from univox.data.crop import box_slices
from univox.data.dataset import read_case_image, read_case_label
from univox.data.layouts import open_dataset
from univox.data.preprocess import prepare_image
from univox.data.restore import restore_all_probabilities, restore_probabilities
from univox.inference import Predictor
from univox.metrics import Calibration, measure_calibration, negative_log_likelihood, tempered


class Sums:
    """Figures of all cases so far."""

    def __init__(self) -> None:
        self.cost, self.voxels, self.calibration = 0.0, 0, None

    def add(self, probabilities: np.ndarray, label: np.ndarray) -> None:
        found: Calibration = measure_calibration(probabilities, label)
        self.cost += label.size * negative_log_likelihood(probabilities, label)
        self.voxels += label.size
        self.calibration = found if self.calibration is None else self.calibration + found

    def __str__(self) -> str:
        return f"{self.cost / self.voxels:.5f} {self.calibration.expected_error:.5f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("dataset")
    parser.add_argument("--domain")
    parser.add_argument("--labels")
    parser.add_argument("--part", default="validation")
    parser.add_argument("--most", type=int, default=6)
    parser.add_argument("--at", type=float, nargs="+", default=[1, 1.25, 1.5, 2])
    asked = parser.parse_args()
    dataset = open_dataset(asked.dataset, labels=asked.labels)
    predictor = Predictor(asked.model, domain=asked.domain, device="cpu")
    divided_by = 1.0

    def divide(_: nn.Module, __: object, logits: Tensor) -> Tensor:
        return logits.float() / divided_by

    predictor.network.register_forward_hook(divide)
    sums = {(at, way): Sums() for at in asked.at for way in ("window", "after")}
    changed = dict.fromkeys(asked.at, 0)
    for name in predictor.domain.split[asked.part][: asked.most]:
        case = dataset.case(name)
        prepared, geometry = prepare_image(read_case_image(dataset, case), predictor.preprocessing)
        inside = box_slices(geometry.box)
        label = read_case_label(dataset, case).array[inside].ravel()
        divided_by = 1.0
        votes = predictor.votes(prepared)
        plain = restore_all_probabilities(votes, geometry)[(slice(None), *inside)].reshape(len(votes), -1)
        classes = restore_probabilities(votes, geometry)
        for at in asked.at:
            divided_by = at
            votes = predictor.votes(prepared)
            windows = restore_all_probabilities(votes, geometry)[(slice(None), *inside)].reshape(len(votes), -1)
            sums[at, "window"].add(windows, label)
            sums[at, "after"].add(tempered(plain, at), label)
            changed[at] += int(np.count_nonzero(restore_probabilities(votes, geometry) != classes))
    print("T, NLL and ECE in windows, NLL and ECE after, labels changed by windows, of voxels")
    for at in asked.at:
        print(f"{at:g}", sums[at, "window"], sums[at, "after"], changed[at], sums[at, "after"].voxels, flush=True)


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
