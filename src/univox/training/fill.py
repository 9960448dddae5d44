"""One volume, annotated in part: a network learns from that part and fills in the rest."""

from __future__ import annotations

import csv
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from univox.atomic import write_text
from univox.data.image_files import stem_of
from univox.data.selection import ignored_codes
from univox.data.source import DatasetSource
from univox.errors import FileError, LabelError
from univox.image import WRITABLE_SUFFIXES, Label, image_suffix, read_image, read_label, write_label
from univox.inference.predictor import Predictor
from univox.training.observer import Observer
from univox.training.request import TrainRequest
from univox.training.run import train
from univox.types import PathLike


@dataclass(frozen=True)
class Filled:
    """What came of filling a label in.

    Args:
        path: The whole label.
        annotated: Share of the volume's voxels that somebody had labelled.
        agreement: Share of those on which the network, which learned from them, says the same.
        iterations: Of the training.
    """

    path: Path
    annotated: float
    agreement: float
    iterations: int


def fill(
    volume: PathLike,
    label: PathLike,
    output: PathLike,
    *,
    ignore: str,
    everywhere: bool = False,
    model: PathLike | None = None,
    observer: Observer | None = None,
    **training: Any,
) -> Filled:
    """Train on what is annotated of one volume, and label the rest of it.

    Args:
        volume: The image, with all channels in one file; a picture will do.
        label: On its grid; `ignore` where nobody labelled.
        output: The whole label, on the volume's stored grid, in the label's codes. Annotated voxels keep their label.
        ignore: Codes that stand for "labelled by nobody", separated by commas.
        everywhere: Write the network's answer on annotated voxels too.
        model: Keep the trained model in this new folder; none: it is not kept.
        observer: Hears of the run.
        training: Fields of `TrainRequest`: `budget_seconds` or `iterations`, `recipe`, `overrides`, `seed`, `device`.

    Raises:
        DatasetError: The pair is not sound, or nothing of it is annotated as foreground.
        FileError: The output's format cannot be written, or a file cannot be read.
        LabelError: No voxel has a code of `ignore`.
        CheckpointError: The model's folder holds a model.

    Source: Cicek et al., MICCAI 2016 (3D U-Net): the semi-automated use.
    """
    volume, label, output = Path(volume), Path(label), Path(output)
    stored = read_label(label)
    annotated = ~np.isin(stored.array, ignored_codes(ignore, {}))
    _refuse(stored, annotated, label, ignore, output)
    with tempfile.TemporaryDirectory() as folder:
        settings: dict[str, Any] = {"holdout": 0.0, "validation": 0.0, "cache": Path(folder) / "cache", **training}
        source = DatasetSource(path=_table(Path(folder), volume, label), labels_are="classes", ignore=ignore)
        where = Path(folder) / "model" if model is None else Path(model)
        request = TrainRequest(datasets=(source,), output=where, **settings)
        trained = train(request, observer=observer)
        image = read_image(volume)
        codes = Predictor(trained.model, device=request.device).predict(image).codes
    write_label(output, codes if everywhere else np.where(annotated, stored.array, codes), like=image)
    agreement = float((codes == stored.array)[annotated].mean())
    return Filled(output, float(annotated.mean()), agreement, trained.iterations)


def _table(folder: Path, volume: Path, label: Path) -> Path:
    """Write the dataset of the one case."""
    stream = io.StringIO()
    csv.writer(stream).writerows([("case", "image", "label"), ("volume", volume.resolve(), label.resolve())])
    path = folder / f"{stem_of(volume)}.csv"
    write_text(path, stream.getvalue())
    return path


def _refuse(label: Label, annotated: NDArray[np.bool_], path: Path, ignore: str, output: Path) -> None:
    """Refuse before any training what could not be written, or has nothing to fill in."""
    if image_suffix(output) not in WRITABLE_SUFFIXES:
        raise FileError(
            expected=f"a format that can be written ({', '.join(WRITABLE_SUFFIXES)})",
            got=output.name,
            remedy="give the output another suffix",
            path=output,
        )
    if annotated.all():
        found = np.unique(label.array)
        raise LabelError(
            expected=f"voxels of code {ignore}, which nobody labelled",
            got=f"none; the codes are {', '.join(map(str, found[:12]))}{' ...' if len(found) > 12 else ''}",
            remedy="say by --ignore which code stands for what is to be filled in",
            path=path,
        )
