"""Which prediction file belongs to which case."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from univox.data.case import Case
from univox.data.image_files import is_image_file
from univox.data.prediction_folder import BESIDE_THE_LABELS
from univox.errors import FileError
from univox.image import image_stem

FILE_NAMES_IN_A_CASE_FOLDER = ("prediction", "label", "segmentation", "seg", "mask")
"""Preferred where a case's own folder holds several readable files."""


@dataclass(frozen=True)
class Pairing:
    """Predictions by case.

    Args:
        found: Prediction file of each case name that has exactly one.
        ambiguous: The candidates of each case name that has several.
        extra: Readable files that belong to no case.
    """

    found: dict[str, Path]
    ambiguous: dict[str, tuple[Path, ...]]
    extra: tuple[Path, ...]


def pair_predictions(predictions: Path | Sequence[Path], cases: Iterable[Case]) -> Pairing:
    """Find the prediction of each case.

    It is a file with the name of the case, or of its label file, and any readable suffix. A folder with the
    name of the case is looked into as well: its only readable file counts, or the one that is called like
    the case, "prediction", "label", "segmentation", "seg" or "mask". Probabilities that `univox predict` saved
    beside the labels are passed over.

    Args:
        predictions: A folder (searched to any depth), or files and folders.
        cases: Labelled cases.

    Returns:
        What was found, what is ambiguous, what belongs to no case.

    Raises:
        FileError: A path does not exist.
    """
    files = _readable_files([predictions] if isinstance(predictions, Path) else predictions)
    index = _Index(files)
    found: dict[str, Path] = {}
    ambiguous: dict[str, tuple[Path, ...]] = {}
    used: set[Path] = set()
    for case in cases:
        candidates = index.candidates(case)
        used.update(candidates, index.by_folder.get(case.name, ()))
        if len(candidates) == 1:
            found[case.name] = candidates[0]
        elif candidates:
            ambiguous[case.name] = tuple(candidates)
    return Pairing(found, ambiguous, tuple(path for path in files if path not in used))


class _Index:
    """Files by path without suffix, by name alone, and by folder; all relative to the root."""

    def __init__(self, files: dict[Path, Path]) -> None:
        self.by_path: dict[str, list[Path]] = {}
        self.by_name: dict[str, list[Path]] = {}
        self.by_folder: dict[str, list[Path]] = {}
        for path, root in files.items():
            folder = path.relative_to(root).parent
            self.by_path.setdefault((folder / image_stem(path)).as_posix(), []).append(path)
            self.by_name.setdefault(image_stem(path), []).append(path)
            self.by_folder.setdefault(folder.as_posix(), []).append(path)

    def candidates(self, case: Case) -> list[Path]:
        """Files for a case by the first rule that finds any."""
        label_stem = image_stem(case.label) if case.label is not None else case.name
        return (
            self.by_path.get(case.name)
            or self._in_folder(case.name)
            or self.by_name.get(case.name)
            or self.by_name.get(label_stem)
            or []
        )

    def _in_folder(self, name: str) -> list[Path]:
        files = self.by_folder.get(name, [])
        by_name = {image_stem(path): path for path in files}
        preferred = [by_name[stem] for stem in (name, *FILE_NAMES_IN_A_CASE_FOLDER) if stem in by_name]
        return preferred[:1] or files


def _readable_files(roots: Sequence[Path]) -> dict[Path, Path]:
    """Every readable file, sorted, with the folder that it was given by."""
    files: dict[Path, Path] = {}
    for root in map(Path, roots):
        if not root.exists():
            raise FileError(
                expected="a folder or file of predictions",
                got="nothing there",
                remedy="give the folder that `univox predict` wrote to",
                path=root,
            )
        inside = sorted(root.rglob("*")) if root.is_dir() else [root]
        folder = root if root.is_dir() else root.parent
        files.update((path, folder) for path in inside if _is_readable(path, folder))
    return files


def _is_readable(path: Path, root: Path) -> bool:
    inside = path.relative_to(root).parts
    if any(part.startswith(".") for part in inside) or any(part in BESIDE_THE_LABELS for part in inside[:-1]):
        return False
    # The voxels of a .hdr lie in the .img beside it: one image, two files.
    is_second_file = path.suffix.lower() == ".img" and path.with_suffix(".hdr").exists()
    return is_image_file(path) and not is_second_file
