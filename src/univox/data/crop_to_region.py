"""A dataset cropped to what one segmentation would point out to the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from univox.atomic import folder_written_atomically, write_json
from univox.data.dataset import Dataset, read_case_image, read_case_label
from univox.data.derived import description, written_codes
from univox.data.msd import DESCRIPTION, IMAGES, LABELS
from univox.data.region import Region
from univox.errors import DatasetError
from univox.image import image_box, write_image, write_label

NOTE = "Each case is the part of its volume around a region; every voxel lies where it lay in the world."


def crop_to_region(
    dataset: Dataset,
    regions: Dataset,
    output: Path,
    *,
    region: Region,
    cases: Sequence[str],
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write cases cropped to the box around their labelled region, in the layout of the Decathlon.

    Whatever the label has of the region lies inside: no piece is too small, none is bridged or filled. A case without
    any stays whole, as it does in prediction.

    Args:
        dataset: Of volumes, with the classes that the second stage learns. It is only read.
        regions: The same cases, their labels read as the classes of which the region is made.
        output: The new dataset's folder, which appears whole or not at all.
        region: Its classes and its margin.
        cases: Names of those wanted.
        on_progress: Called with the cases done and all.

    Raises:
        DatasetError: The images are no volumes, or the region is of a class that is not there.
        FileError: The output is there already, or a file cannot be read or written.
        LabelError: A label holds a code that the dataset does not declare.
    """
    if dataset.spatial_dims != 3:
        raise DatasetError(
            expected="a dataset of volumes",
            got=f"{dataset.spatial_dims}-D images",
            remedy="train one network on whole pictures",
            path=dataset.root,
        )
    labelled = region.model_copy(update={"least_piece": 0.0, "closing_mm": 0.0, "fill": False})
    codes = written_codes(dataset.classes)
    with folder_written_atomically(output) as folder:
        for name in (IMAGES, LABELS):
            (folder / name).mkdir()
        facts: dict[str, list[list[int]]] = {}
        for name in cases:
            case = dataset.case(name)
            image, label = read_case_image(dataset, case), read_case_label(dataset, case)
            where = read_case_label(regions, regions.case(name))
            box = labelled.box(where.array, regions.classes.names, image.spacing_mm)
            part = image_box(image, box)
            inside = label.array[tuple(slice(start, stop) for start, stop in box)]
            write_image(folder / IMAGES / f"{name}.nii.gz", part)
            write_label(folder / LABELS / f"{name}.nii.gz", codes[inside], like=part)
            facts[name] = [list(edge) for edge in box]
            if on_progress is not None:
                on_progress(len(facts), len(cases))
        write_json(folder / DESCRIPTION, description(dataset, codes, list(cases), note=NOTE, cropped=facts))
