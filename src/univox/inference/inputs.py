"""What to predict: cases found among files, folders and datasets."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from univox.data.image_files import is_image_file, split_channel
from univox.data.layouts import open_dataset
from univox.errors import DatasetError, FileError
from univox.image import IMAGE_SUFFIXES, image_stem
from univox.types import PathLike


@dataclass(frozen=True)
class Input:
    """One case to predict.

    Attributes:
        name: Of the output file, without suffix.
        files: One file, or one per channel in the model's order.
    """

    name: str
    files: tuple[Path, ...]


def find_inputs(paths: Iterable[PathLike], channel_names: Sequence[str]) -> list[Input]:
    """Find the cases that paths stand for.

    A path may be an image file; a dataset in a layout that univox knows (all its cases, then its test
    cases), or a CSV file of one; or a folder of images. Among loose files, `NAME_0000`, `NAME_0001`, ...
    (nnU-Net) and `NAME-T1`, `NAME-T2` (any of the model's channel names) are the channels of one case; to
    name one of them is enough. Numbers that go beyond the model's channels make a series of cases.

    Args:
        paths: As the user gave them.
        channel_names: The model's.

    Returns:
        In the order of the paths; a folder's in the order of their names.

    Raises:
        FileError: A path does not exist, or is no image.
        DatasetError: A folder without images, or two cases of one name.
    """
    grouped = functools.cache(functools.partial(_grouped, channel_names=tuple(channel_names)))
    found: list[Input] = []
    for path in map(Path, paths):
        if path.is_dir():
            found += _in_folder(path, grouped)
        elif path.suffix.lower() == ".csv" and path.is_file():
            found += _in_dataset(path)
        else:
            found += _of_file(path, grouped)
    # Two channels of one case may both have been named.
    found = list(dict.fromkeys(found))
    _check_names(found)
    return found


def _in_folder(folder: Path, grouped: Callable[[Path], list[Input]]) -> list[Input]:
    try:
        return _in_dataset(folder)
    except DatasetError as error:
        found = grouped(folder)
        if found:
            return found
        raise DatasetError(
            expected="a folder of images or a dataset",
            got=f"no image in it, and as a dataset: {error}",
            remedy="give the folder that holds the images",
            path=folder,
        ) from error


def _of_file(path: Path, grouped: Callable[[Path], list[Input]]) -> list[Input]:
    if not is_image_file(path):
        raise FileError(
            expected=f"an image ({', '.join(IMAGE_SUFFIXES)}), a folder or a dataset",
            got="another file" if path.is_file() else "nothing",
            remedy="check the path",
            path=path,
        )
    if _is_voxels(path):
        path = path.with_suffix(".hdr")
    return [entry for entry in grouped(path.parent) if path in entry.files] or [Input(image_stem(path), (path,))]


def _in_dataset(path: Path) -> list[Input]:
    dataset = open_dataset(path)
    return [Input(case.name, case.images) for case in (*dataset.cases, *dataset.test_cases)]


def _is_voxels(path: Path) -> bool:
    """Tell the second file of a .hdr/.img pair, which is read through the first."""
    return path.suffix.lower() == ".img" and path.with_suffix(".hdr").exists()


def _grouped(folder: Path, channel_names: tuple[str, ...]) -> list[Input]:
    """Put the image files of a folder together that are channels of one case; sorted by file name."""
    files = sorted(path for path in folder.iterdir() if is_image_file(path) and not _is_voxels(path))
    numbered = filter(None, (split_channel(image_stem(path)) for path in files))
    series = {case for case, number in numbered if number >= len(channel_names)}
    cases: dict[str, dict[int, Path]] = {}
    for path in files:
        name, channel = _case_and_channel(image_stem(path), channel_names)
        if channel is None or name in series:
            name, channel = image_stem(path), 0
        if cases.setdefault(name, {}).setdefault(channel, path) != path:
            raise _twins(name, cases[name][channel], path)
    # iSeg keeps the label beside the channels of its subject.
    labels = {f"{name}-label" for name, channels in cases.items() if len(channels) > 1}
    return [
        Input(name, tuple(path for _, path in sorted(channels.items())))
        for name, channels in cases.items()
        if name not in labels
    ]


def _case_and_channel(stem: str, channel_names: Sequence[str]) -> tuple[str, int | None]:
    """Read case and channel off a file's name; the channel is None where the name says nothing of it."""
    numbered = split_channel(stem)
    if numbered is not None:
        return numbered
    if len(channel_names) > 1:
        for channel, channel_name in enumerate(channel_names):
            case = stem[: -len(channel_name) - 1]
            if case and stem[len(case) :].lower() in (f"-{channel_name}".lower(), f"_{channel_name}".lower()):
                return case, channel
    return stem, None


def _check_names(inputs: Sequence[Input]) -> None:
    first: dict[str, Input] = {}
    for entry in inputs:
        other = first.setdefault(entry.name, entry)
        if other is not entry:
            raise _twins(entry.name, other.files[0], entry.files[0])


def _twins(name: str, one: Path, other: Path) -> DatasetError:
    return DatasetError(
        expected="cases of different names",
        got=f"two called '{name}': {one} and {other}",
        remedy="predict them into two output folders, one after the other",
    )
