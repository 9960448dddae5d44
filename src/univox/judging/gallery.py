"""The worst, the median and the best case as pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass

from univox.data.dataset import read_case_image, read_case_label
from univox.errors import UnivoxError
from univox.judging.annotated import background_elsewhere
from univox.judging.evaluate import CaseResult, Evaluation, read_prediction
from univox.judging.overlays import Picture, overlays


@dataclass(frozen=True)
class Gallery:
    """The pictures of one case, or why there are none.

    Args:
        rank: "Worst", "Median" or "Best".
        result: The case.
        pictures: One per plane.
        problem: Why there are none.
    """

    rank: str
    result: CaseResult
    pictures: tuple[Picture, ...]
    problem: str


def galleries(evaluation: Evaluation) -> list[Gallery]:
    """Draw the cases of the lowest, the middle and the highest mean Dice; of two cases the worst and the best."""
    ranked = [result for result in evaluation.results if not math.isnan(result.mean_dice)]
    chosen = {"Worst": 0, "Median": len(ranked) // 2, "Best": len(ranked) - 1}
    wanted = list(chosen.items()) if len(ranked) > 2 else [("Worst", 0), ("Best", 1)][: len(ranked)]
    return [_gallery(evaluation, rank, ranked[index]) for rank, index in wanted]


def _gallery(evaluation: Evaluation, rank: str, result: CaseResult) -> Gallery:
    dataset = evaluation.dataset
    try:
        image, label = read_case_image(dataset, result.case), read_case_label(dataset, result.case)
        prediction = read_prediction(dataset, result.prediction, label)
        pictures = overlays(
            image.array,
            *background_elsewhere(label.array, prediction.array),
            spacing_mm=image.spacing_mm,
            oriented=image.stored.oriented,
        )
    except UnivoxError as error:
        return Gallery(rank, result, (), str(error))
    return Gallery(rank, result, pictures, "")
