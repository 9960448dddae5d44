"""From files to label files, in each input's own format and geometry."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from univox.atomic import written_atomically
from univox.errors import FileError, UnivoxError
from univox.image import WRITABLE_SUFFIXES, Image, image_suffix, read_image, write_image, write_label
from univox.inference.inputs import Input, find_inputs
from univox.inference.predictor import Prediction, Predictor
from univox.types import PathLike

__all__ = ["Input", "Outcome", "find_inputs", "output_path", "predict_files"]

PROBABILITIES = "probabilities"
"""Folder inside the output folder, apart from the labels so that these can be evaluated as they lie."""

PICTURE = ".png"
"""Written in place of formats that are only read, all of them pictures."""


@dataclass(frozen=True)
class Outcome:
    """What became of one case.

    Attributes:
        name: Of the case.
        status: `written`, `present` (an earlier output was left alone) or `failed`.
        path: Of the label file.
        seconds: Wall time.
        message: Why it failed; empty otherwise.
    """

    name: str
    status: Literal["written", "present", "failed"]
    path: Path
    seconds: float
    message: str = ""


def predict_files(
    predictor: Predictor,
    inputs: Sequence[Input],
    output_folder: PathLike,
    *,
    overwrite: bool = False,
    save_probabilities: bool = False,
    codes: Literal["dataset", "index"] = "dataset",
    output_suffix: str | None = None,
    on_case: Callable[[Outcome], None] | None = None,
) -> list[Outcome]:
    """Predict cases one after the other; a bad one is reported and does not cost the good ones.

    Args:
        predictor: A loaded model.
        inputs: As `find_inputs` gives them.
        output_folder: Gets NAME with the input's suffix (PNG for formats that are only read).
        overwrite: Compute again what is there already.
        save_probabilities: Write `probabilities/NAME.nii.gz` too (one volume per class, on the image's
            grid), for 2-D images `probabilities/NAME.npy` (classes, rows, columns); float32.
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
    _prepare_folder(folder, inputs, targets)
    outcomes: list[Outcome] = []
    for entry, target in zip(inputs, targets, strict=True):
        started = time.perf_counter()
        extra = _probabilities_path(folder, entry, predictor) if save_probabilities else None
        if not overwrite and _is_present(target, extra):
            outcome = Outcome(entry.name, "present", target, 0.0)
        else:
            message = _attempt(predictor, entry, target, extra, codes)
            status = "failed" if message else "written"
            outcome = Outcome(entry.name, status, target, time.perf_counter() - started, message)
        outcomes.append(outcome)
        if on_case is not None:
            on_case(outcome)
    return outcomes


def output_path(folder: Path, entry: Input, suffix: str | None = None) -> Path:
    """Give the place of a case's label file.

    Raises:
        FileError: No label can be written with that suffix.

    >>> output_path(Path("out"), Input("scan", (Path("in/scan_0000.nii.gz"),))).as_posix()
    'out/scan.nii.gz'
    >>> output_path(Path("out"), Input("cell", (Path("in/cell.jpg"),))).as_posix()
    'out/cell.png'
    """
    if suffix is None:
        suffix = image_suffix(entry.files[0])
        suffix = suffix if suffix in WRITABLE_SUFFIXES else PICTURE
    elif suffix not in WRITABLE_SUFFIXES:
        raise FileError(
            expected=f"a format that can be written ({', '.join(WRITABLE_SUFFIXES)})",
            got=repr(suffix),
            remedy="name one of these suffixes, with its dot",
        )
    # A pair is written, like it is read, through its header.
    return folder / f"{entry.name}{'.hdr' if suffix == '.img' else suffix}"


def _probabilities_path(folder: Path, entry: Input, predictor: Predictor) -> Path:
    suffix = ".npy" if predictor.domain.spatial_dims == 2 else ".nii.gz"
    return folder / PROBABILITIES / f"{entry.name}{suffix}"


def _prepare_folder(folder: Path, inputs: Sequence[Input], targets: Sequence[Path]) -> None:
    read = {path.resolve() for entry in inputs for path in entry.files}
    for target in targets:
        if target.resolve() in read:
            raise FileError(
                expected="an output folder that does not hold the inputs",
                got="an output that would replace its own input",
                remedy="choose another output folder",
                path=target,
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            expected="to make the output folder",
            got=error.strerror or str(error),
            remedy="choose a folder that can be written",
            path=folder,
        ) from error


def _attempt(
    predictor: Predictor,
    entry: Input,
    target: Path,
    probabilities: Path | None,
    codes: Literal["dataset", "index"],
) -> str:
    """Predict and write one case; give the reason why it failed, empty where it did not."""
    try:
        image = read_image(entry.files)
        prediction = predictor.predict(image, probabilities=probabilities is not None)
        if probabilities is not None:
            _write_probabilities(probabilities, prediction, image, predictor.classes.names)
        # The label comes last: where it stands, the case is finished.
        write_label(target, prediction.codes if codes == "dataset" else prediction.label, like=image)
    except (UnivoxError, OSError, MemoryError, RuntimeError) as error:
        reason = _reason(error)
        if reason is None:
            raise
        files = ", ".join(map(str, entry.files))
        return reason if files in reason else f"{files}: {reason}"
    return ""


def _write_probabilities(path: Path, prediction: Prediction, image: Image, class_names: tuple[str, ...]) -> None:
    array = prediction.probabilities
    if array is None:
        return
    if path.suffix != ".npy":
        write_image(path, dataclasses.replace(image, array=array, channel_names=class_names))
        return
    with written_atomically(path) as partial:
        np.save(partial, array, allow_pickle=False)


def _is_present(target: Path, probabilities: Path | None) -> bool:
    parts = [target]
    if target.suffix == ".hdr":
        parts.append(target.with_suffix(".img"))
    if probabilities is not None:
        parts.append(probabilities)
    return all(part.is_file() for part in parts)


def _reason(error: Exception) -> str | None:
    """Put an error that one case can cause into words; None for a fault of the program."""
    if isinstance(error, UnivoxError):
        return str(error)
    if isinstance(error, OSError):
        return error.strerror or str(error)
    # torch reports the end of a CPU's memory as a plain RuntimeError.
    out_of_memory = isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate" in str(error)
    if out_of_memory:
        return "not enough memory for this case; remedy: close other programs, or use a machine with more of it"
    return None
