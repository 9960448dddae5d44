"""Maps of voxel weights, made once and kept with the prepared cases."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import nn

from univox.atomic import written_atomically
from univox.data.cache import PreparedCase
from univox.data.patches import PatchCase
from univox.errors import FileError
from univox.losses.border_cross_entropy import BorderWeightedCrossEntropy
from univox.losses.deep_supervision import DeepSupervision

VERSION = 1
"""Raised whenever the same label and settings would give another map."""

Weights = Callable[[PatchCase], NDArray[np.float32]]


def voxel_weights(loss: nn.Module, cases: Sequence[PreparedCase]) -> Weights | None:
    """Make the weight map of every case, or find it made; none for a loss that weighs by no map.

    A map is of the whole case, so that a patch knows the cells beyond its edge; where labels number objects these are
    its cells. It lies beside the prepared image under a name that its settings fix.

    Args:
        loss: As `build_loss` gives it.
        cases: That will be trained on.

    Raises:
        FileError: The cache cannot be written.
        LabelError: A class without a weight.
    """
    inner = loss.loss if isinstance(loss, DeepSupervision) else loss
    if not isinstance(inner, BorderWeightedCrossEntropy):
        return None
    settings = json.dumps({"version": VERSION, **inner.map_settings}, sort_keys=True)
    name = f"weights-{hashlib.sha256(settings.encode()).hexdigest()[:16]}.npy"
    for case in cases:
        if not _is_there(case, name):
            _make(case, name, inner)
    folders = {case.name: case.folder for case in cases}

    def weights_of(case: PatchCase) -> NDArray[np.float32]:
        return np.load(folders[case.name] / name, mmap_mode="r", allow_pickle=False)

    return weights_of


def _is_there(case: PreparedCase, name: str) -> bool:
    try:
        found = np.load(case.folder / name, mmap_mode="r", allow_pickle=False)
    except (OSError, EOFError, ValueError):
        return False
    return found.shape == case.geometry.prepared_shape and found.dtype == np.float32


def _make(case: PreparedCase, name: str, loss: BorderWeightedCrossEntropy) -> None:
    label, numbers = np.asarray(case.label()), case.instances()
    # What the label gives to the borders between objects is no cell.
    cells = None if numbers is None else np.where(label == 1, numbers, 0)
    weights = loss.case_weights(label.astype(np.int64), cells).astype(np.float32)
    try:
        with written_atomically(case.folder / name) as partial, partial.open("wb") as stream:
            np.save(stream, weights, allow_pickle=False)
    except OSError as error:
        raise FileError(
            expected="to write weight maps beside the prepared cases",
            got=error.strerror or str(error),
            remedy="free disk space or choose another --cache",
            path=case.folder,
        ) from error
