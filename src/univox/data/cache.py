"""Prepared cases on disk: made once, in parallel, found again by what they were made of."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from univox.atomic import write_json
from univox.data.case import Case
from univox.data.classes import NOT_ANNOTATED, Classes
from univox.data.dataset import Dataset, read_case_codes, read_case_image, read_case_label
from univox.data.every_case import every_case
from univox.data.plan import Plan
from univox.data.preprocess import CaseGeometry, prepare_image, prepare_instances, prepare_label
from univox.data.preprocess_settings import Preprocessing
from univox.data.source_digests import source_digests
from univox.errors import FileError
from univox.parallel import OnProgress

CACHE_VERSION = 1
"""Raised whenever the same sources and settings would be prepared or stored otherwise."""
ANNOTATED = "annotated.npy"
"""In the entry of a case that is annotated in part."""
INDICES_PER_CLASS = 10_000
"""Voxels remembered of each class, from which patches are centred on foreground."""
ABANDONED_AFTER_S = 24 * 3600
"""A half-written case of this age was left by a process that was killed."""
_PARTIAL = ".partial-"


@dataclass(frozen=True)
class PreparedCase:
    """A case as a network is trained on it; arrays stay on disk until they are asked for.

    Attributes:
        name: The case's name.
        folder: Where it lies.
        geometry: Its place in the image.
        indices_per_class: Remembered voxels of each class, from class index 1 on.
        is_partly_annotated: Whether the label has voxels that nobody labelled.
    """

    name: str
    folder: Path
    geometry: CaseGeometry
    indices_per_class: tuple[int, ...]
    is_partly_annotated: bool = False

    def image(self) -> NDArray[np.float32]:
        """The image (C, *spatial), mapped from disk, read-only."""
        return np.load(self.folder / "image.npy", mmap_mode="r", allow_pickle=False)

    def label(self) -> NDArray[np.uint8]:
        """The label (*spatial), class indices or `NOT_ANNOTATED`, mapped from disk, read-only."""
        return np.load(self.folder / "label.npy", mmap_mode="r", allow_pickle=False)

    def instances(self) -> NDArray[np.int32] | None:
        """The numbers of the objects (*spatial), 0 for none, mapped from disk; None where labels hold classes."""
        path = self.folder / "instances.npy"
        return np.load(path, mmap_mode="r", allow_pickle=False) if path.is_file() else None

    def foreground(self, class_index: int) -> NDArray[np.int64]:
        """Flat indices (C order) into the label of at most 10,000 voxels of a class, ascending.

        Args:
            class_index: 1 or more; the background's voxels are not remembered.
        """
        if not 1 <= class_index <= len(self.indices_per_class):
            return np.zeros(0, dtype=np.int64)
        start = sum(self.indices_per_class[: class_index - 1])
        indices = np.load(self.folder / "foreground.npy", allow_pickle=False)
        return indices[start : start + self.indices_per_class[class_index - 1]]

    def annotated(self) -> NDArray[np.int64] | None:
        """Flat indices of at most 10,000 voxels that somebody labelled, ascending; None where all of them are."""
        return np.load(self.folder / ANNOTATED, allow_pickle=False) if self.is_partly_annotated else None


def default_cache_dir() -> Path:
    """The folder where this platform keeps what can be made again."""
    home = Path.home()
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "univox"
    if sys.platform == "win32":
        return home / "AppData" / "Local" / "univox" / "Cache"
    return home / ".cache" / "univox"


def prepare_cases(
    dataset: Dataset,
    cases: Sequence[Case],
    plan: Plan,
    *,
    cache_dir: Path,
    jobs: int = 1,
    on_progress: OnProgress | None = None,
) -> list[PreparedCase]:
    """Prepare cases, or find them prepared.

    A case is kept under the sha256 of its files' bytes, the preprocessing and the classes: a changed
    file or setting makes another entry, and datasets that share cases share entries. An entry appears
    whole or not at all, so an interrupted preparation goes on where it stopped; one that does not load
    is made anew.

    Args:
        dataset: That the cases are of.
        cases: Each with a label.
        plan: Whose preprocessing is applied.
        cache_dir: Made if missing.
        jobs: Cases at once.
        on_progress: Called after each case, found or made.

    Returns:
        In the order of `cases`.

    Raises:
        DatasetError: Cases that cannot be prepared; names them all, after the others were.
        FileError: The cache folder cannot be made.
    """
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(cache_dir)
    except OSError as error:
        raise _unwritable(cache_dir, error) from error
    prepare = functools.partial(prepare_case, preprocessing=plan.preprocessing, cache_dir=cache_dir)
    return every_case(prepare, dataset, cases, done="prepared", jobs=jobs, on_progress=on_progress)


def prepare_case(case: Case, *, dataset: Dataset, preprocessing: Preprocessing, cache_dir: Path) -> PreparedCase:
    """Prepare one case, or find it prepared.

    Raises:
        UnivoxError: It cannot be read or prepared, or the entry cannot be written.
    """
    folder = cache_dir / entry_name(case, preprocessing, dataset.classes)
    found = _load(folder, case.name)
    if found is not None:
        return found
    image, geometry = prepare_image(read_case_image(dataset, case), preprocessing)
    num_classes = dataset.classes.num_classes
    label = prepare_label(read_case_label(dataset, case).array, geometry, num_classes)
    foreground = [_drawn(label == index, index) for index in range(1, num_classes)]
    annotated = label != NOT_ANNOTATED
    counts = tuple(len(indices) for indices in foreground)
    description: dict[str, Any] = {"geometry": geometry.to_json(), "channels": len(image), "indices_per_class": counts}
    arrays: dict[str, NDArray[Any]] = {
        "image": image,
        "label": label,
        "foreground": np.concatenate([np.zeros(0, dtype=np.int64), *foreground]),
    }
    if dataset.classes.instances:
        numbers = read_case_codes(case).array
        numbers = np.where(np.isin(numbers, dataset.classes.ignored), 0, numbers)
        arrays["instances"] = prepare_instances(numbers, geometry)
    if not annotated.all():
        description["partly_annotated"] = True
        arrays[Path(ANNOTATED).stem] = _drawn(annotated, 0)
    try:
        _store(folder, arrays, description)
    except OSError as error:
        raise _unwritable(folder, error) from error
    return PreparedCase(case.name, folder, geometry, counts, not annotated.all())


def entry_name(case: Case, preprocessing: Preprocessing, classes: Classes) -> str:
    """Name a case's entry by what it is made of.

    Raises:
        FileError: A source file cannot be read.
    """
    made_of = {
        "version": CACHE_VERSION,
        "preprocessing": preprocessing.model_dump(mode="json"),
        "classes": [list(label_class.codes) for label_class in classes.classes],
        # Only where labels number objects: the entries of all others keep their names.
        "instances": f"borders: {classes.borders}" if classes.instances else False,
        "images": [source_digests(path) for path in case.images],
        "label": None if case.label is None else source_digests(case.label),
        **({"ignored": list(classes.ignored)} if classes.ignored else {}),
    }
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:40]


def _drawn(mask: NDArray[np.bool_], seed: int) -> NDArray[np.int64]:
    indices = np.flatnonzero(mask).astype(np.int64)
    if len(indices) <= INDICES_PER_CLASS:
        return indices
    # Seeded by the case itself: the draw is the same in any order and any process.
    draw = np.random.default_rng((seed, len(indices)))
    return np.sort(draw.choice(indices, INDICES_PER_CLASS, replace=False))


def _load(folder: Path, name: str) -> PreparedCase | None:
    """Find an entry, if it is there and whole."""
    try:
        description = json.loads((folder / "case.json").read_text(encoding="utf-8"))
        geometry = CaseGeometry.from_json(description["geometry"])
        counts = tuple(int(count) for count in description["indices_per_class"])
        prepared = PreparedCase(name, folder, geometry, counts, bool(description.get("partly_annotated")))
        prepared.annotated()
        image, label = prepared.image(), prepared.label()
        indices = np.load(folder / "foreground.npy", allow_pickle=False)
        numbers = prepared.instances()
        image_shape = (int(description["channels"]), *geometry.prepared_shape)
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        return None
    whole = (
        (image.shape, image.dtype) == (image_shape, np.float32)
        and (label.shape, label.dtype) == (geometry.prepared_shape, np.uint8)
        and (numbers is None or numbers.shape == label.shape)
        and (indices.shape, indices.dtype) == ((sum(counts),), np.int64)
    )
    return prepared if whole else None


def _store(folder: Path, arrays: dict[str, NDArray[Any]], description: dict[str, Any]) -> None:
    partial = folder.parent / f"{_PARTIAL}{uuid.uuid4().hex}"
    try:
        partial.mkdir()
        for name, array in arrays.items():
            with (partial / f"{name}.npy").open("wb") as stream:
                np.save(stream, array, allow_pickle=False)
                stream.flush()
                os.fsync(stream.fileno())
        write_json(partial / "case.json", description)
        _rename(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _rename(partial: Path, folder: Path) -> None:
    try:
        partial.rename(folder)
    except OSError:
        if not folder.exists():
            raise
        # Either another process was faster, and its entry is as good, or the entry there is broken.
        if _load(folder, "") is None:
            shutil.rmtree(folder)
            partial.rename(folder)


def _remove_abandoned(cache_dir: Path) -> None:
    for partial in cache_dir.glob(f"{_PARTIAL}*"):
        if time.time() - partial.stat().st_mtime > ABANDONED_AFTER_S:
            shutil.rmtree(partial, ignore_errors=True)


def _unwritable(path: Path, error: OSError) -> FileError:
    return FileError(
        expected="to write prepared cases here",
        got=error.strerror or str(error),
        remedy="free disk space or choose another cache folder",
        path=path,
    )
