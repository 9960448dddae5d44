"""From files to label files, in each input's own format and geometry."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from univox.image import read_image
from univox.inference.case_output import (
    CaseOutput,
    Codes,
    Failure,
    Outcome,
    attempted,
    check_targets,
    make_output_folder,
    output_path,
    probabilities_path,
    uncertainty_path,
)
from univox.inference.case_predictor import CasePredictor
from univox.inference.inputs import Input, find_inputs
from univox.types import PathLike

__all__ = ["Input", "Outcome", "find_inputs", "output_path", "predict_files"]


def predict_files(  # noqa: PLR0913 - each is a choice of its own
    predictor: CasePredictor,
    inputs: Sequence[Input],
    output_folder: PathLike,
    *,
    overwrite: bool = False,
    save_probabilities: bool = False,
    uncertainty: bool = False,
    codes: Codes = "dataset",
    output_suffix: str | None = None,
    on_case: Callable[[Outcome], None] | None = None,
) -> list[Outcome]:
    """Predict cases one after the other; a bad one is reported and does not cost the good ones.

    Args:
        predictor: A loaded model, or several that predict as one.
        inputs: As `find_inputs` gives them.
        output_folder: Gets NAME with the input's suffix (PNG for formats that are only read).
        overwrite: Compute again what is there already.
        save_probabilities: Write `probabilities/NAME.nii.gz` too (one volume per class, on the image's
            grid), for 2-D images `probabilities/NAME.npy` (classes, rows, columns); float32.
        uncertainty: Write `uncertainty/NAME` too: the entropy of every voxel, 0 to 1 (see `Prediction`), in the format
            and on the grid of the label; .tif beside a label that is .png, which holds no fractions.
        codes: The codes of the dataset, or class indices 0..K-1.
        output_suffix: Write this format whatever the input's, such as ".nii.gz".
        on_case: Called after each case.

    Returns:
        An outcome per input, in their order.

    Raises:
        FileError: The output folder cannot be made, an output would replace its own input, or the suffix
            is of no format that can be written.
    """
    folder = Path(output_folder)
    targets = [output_path(folder, entry, output_suffix) for entry in inputs]
    check_targets(inputs, targets)
    make_output_folder(folder)
    outcomes: list[Outcome] = []
    for entry, target in zip(inputs, targets, strict=True):
        dims = predictor.domain.spatial_dims
        output = CaseOutput(
            target,
            probabilities_path(folder, entry, dims) if save_probabilities else None,
            uncertainty_path(folder, target) if uncertainty else None,
        )
        if not overwrite and output.is_present:
            outcome = Outcome(entry.name, "present", target, 0.0)
        else:
            outcome = _written(predictor, entry, output, codes)
        outcomes.append(outcome)
        if on_case is not None:
            on_case(outcome)
    return outcomes


def _written(predictor: CasePredictor, entry: Input, output: CaseOutput, codes: Codes) -> Outcome:
    def write() -> None:
        image = read_image(entry.files)
        prediction = predictor.predict(
            image, probabilities=output.probabilities is not None, uncertainty=output.uncertainty is not None
        )
        output.write(prediction, image, predictor.classes, codes)

    started = time.perf_counter()
    failure = attempted(write, entry.files)
    seconds = time.perf_counter() - started
    if isinstance(failure, Failure):
        return Outcome(entry.name, "failed", output.label, seconds, failure.message)
    return Outcome(entry.name, "written", output.label, seconds)
