"""The files that one predicted case leaves in an output folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import torch

from univox.atomic import written_atomically
from univox.data.classes import Classes
from univox.data.prediction_folder import UNCERTAINTY, probabilities_file
from univox.errors import FileError, UnivoxError
from univox.image import WRITABLE_SUFFIXES, Image, image_suffix, write_image, write_label
from univox.inference.inputs import Input
from univox.inference.predictor import Prediction

PICTURE = ".png"
"""Written in place of formats that are only read, all of them pictures."""

FLOAT_PICTURE = ".tif"
"""Written beside a label that is a PNG, which holds no fractions."""

Codes = Literal["dataset", "index"]
"""The codes of the dataset, or class indices 0..K-1."""

Result = TypeVar("Result")


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


@dataclass(frozen=True)
class CaseOutput:
    """Where a case's files go.

    Attributes:
        label: The label file.
        probabilities: The file of every class's probability; None where it is not wanted.
        uncertainty: The file of the entropy; None where it is not wanted.
    """

    label: Path
    probabilities: Path | None = None
    uncertainty: Path | None = None

    @property
    def is_present(self) -> bool:
        """Whether all the files are there already."""
        parts = [part for part in (self.label, self.probabilities, self.uncertainty) if part is not None]
        parts += [part.with_suffix(".img") for part in parts if part.suffix == ".hdr"]
        return all(part.is_file() for part in parts)

    def write(self, prediction: Prediction, image: Image, classes: Classes, codes: Codes) -> None:
        """Write a prediction; the label comes last: where it stands, the case is finished.

        Raises:
            FileError: A file cannot be written.
        """
        if self.probabilities is not None:
            _write_probabilities(self.probabilities, prediction, image, classes.names)
        if self.uncertainty is not None and prediction.uncertainty is not None:
            array = prediction.uncertainty[None]
            write_image(self.uncertainty, dataclasses.replace(image, array=array, channel_names=(UNCERTAINTY,)))
        write_label(self.label, prediction.codes if codes == "dataset" else prediction.label, like=image)


@dataclass(frozen=True)
class Failure:
    """Why something that one case can spoil did not come about."""

    message: str


def attempted(action: Callable[[], Result], files: Sequence[Path]) -> Result | Failure:
    """Do something for one case; an error that a case can cause becomes its reason, which names the case's files."""
    try:
        return action()
    except (UnivoxError, OSError, MemoryError, RuntimeError) as error:
        reason = _reason(error)
        if reason is None:
            raise
        names = ", ".join(map(str, files))
        return Failure(reason if names in reason else f"{names}: {reason}")


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


def probabilities_path(folder: Path, entry: Input, spatial_dims: int) -> Path:
    """Give the place of a case's probabilities."""
    return probabilities_file(folder, entry.name, spatial_dims)


def uncertainty_path(folder: Path, label: Path) -> Path:
    """Give the place of a case's entropy, in the format of its label or in one that holds fractions.

    >>> uncertainty_path(Path("out"), Path("out/scan.nii.gz")).as_posix()
    'out/uncertainty/scan.nii.gz'
    >>> uncertainty_path(Path("out"), Path("out/cell.v2.png")).as_posix()
    'out/uncertainty/cell.v2.tif'
    """
    name = f"{label.stem}{FLOAT_PICTURE}" if label.suffix == PICTURE else label.name
    return folder / UNCERTAINTY / name


def check_targets(inputs: Sequence[Input], targets: Sequence[Path]) -> None:
    """Prove that no output would replace an input.

    Raises:
        FileError: One would.
    """
    read = {path.resolve() for entry in inputs for path in entry.files}
    for target in targets:
        if target.resolve() in read:
            raise FileError(
                expected="an output folder that does not hold the inputs",
                got="an output that would replace its own input",
                remedy="choose another output folder",
                path=target,
            )


def make_output_folder(folder: Path) -> None:
    """Make the folder of the outputs, before any work.

    Raises:
        FileError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            expected="to make the output folder",
            got=error.strerror or str(error),
            remedy="choose a folder that can be written",
            path=folder,
        ) from error


def _write_probabilities(path: Path, prediction: Prediction, image: Image, class_names: tuple[str, ...]) -> None:
    array = prediction.probabilities
    if array is None:
        return
    if path.suffix != ".npy":
        write_image(path, dataclasses.replace(image, array=array, channel_names=class_names))
        return
    with written_atomically(path) as partial:
        np.save(partial, array, allow_pickle=False)


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
