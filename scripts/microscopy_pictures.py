"""Draw the pictures of docs/microscopy.md from nuclei_2d_dsb2018 (CC0) and predictions of its test cases.

python scripts/microscopy_pictures.py DATASET PREDICTIONS docs/images
"""

import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from univox.data.classes import Classes
from univox.data.instance_borders import between_instances
from univox.image import read_image, read_label
from univox.losses.border_weights import border_weights

WINDOW = 128


def colored(numbers: np.ndarray) -> np.ndarray:
    """Objects in colors that neighbors seldom share, background black."""
    wheel = plt.get_cmap("tab20")(np.arange(20))[:, :3]
    return np.where((numbers > 0)[..., None], wheel[numbers * 7 % 20], 0.0)


def busiest(numbers: np.ndarray) -> tuple[slice, slice]:
    """The window with the most voxels between touching objects."""
    touching = np.pad(between_instances(numbers).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    height, width = (min(WINDOW, size) for size in numbers.shape)
    sums = touching[height:, width:] - touching[:-height, width:] - touching[height:, :-width]
    row, column = np.unravel_index(np.argmax(sums + touching[:-height, :-width]), sums.shape)
    return slice(row, row + height), slice(column, column + width)


def gray(image: np.ndarray) -> np.ndarray:
    """Mean of the channels, stretched to what is there."""
    flat = image.astype(float).mean(0)
    low, high = np.percentile(flat, (0.5, 99.8))
    return np.clip((flat - low) / max(high - low, 1e-9), 0, 1)


def panels(path: Path, rows: list[list[tuple[str, np.ndarray]]]) -> None:
    """Write rows of pictures with a title each."""
    figure, axes = plt.subplots(
        len(rows), len(rows[0]), figsize=(2.6 * len(rows[0]), 2.8 * len(rows)), squeeze=False, layout="constrained"
    )
    for row, line in zip(axes, rows, strict=True):
        for axis, (title, picture) in zip(row, line, strict=True):
            drawn = axis.imshow(picture, cmap="magma" if picture.max() > 1 else "gray", interpolation="nearest")
            if picture.max() > 1:
                figure.colorbar(drawn, ax=axis, shrink=0.75)
            axis.set_title(title, fontsize=9)
            axis.set_axis_off()
    figure.savefig(path, dpi=110)


def main() -> None:
    dataset, predictions, pictures = map(Path, sys.argv[1:4])
    names = sorted(path.stem for path in (predictions / "instances").glob("*.png"))
    labels = {name: read_label(dataset / "labels" / f"{name}.png").array.astype(np.int64) for name in names}
    images = {name: gray(read_image(dataset / "images" / f"{name}.png").array) for name in names}
    names.sort(key=lambda name: -int(between_instances(labels[name])[busiest(labels[name])].sum()))
    first = names[0]
    window = busiest(labels[first])
    parted = Classes.of_instances(borders="background").to_index(labels[first]).astype(np.int64)
    weights = border_weights(parted, instances=labels[first] * parted)
    map_row = [
        ("image", images[first][window]),
        ("label: numbered nuclei", colored(labels[first][window])),
        ("class map, borders background", parted[window].astype(float)),
        ("weight map", weights[window]),
    ]
    panels(pictures / "nuclei-weight-map.png", [map_row])
    rows = []
    for name in (first, names[len(names) // 3], names[len(names) // 2]):
        found = read_label(predictions / "instances" / f"{name}.png").array.astype(np.int64)
        place = busiest(labels[name])
        rows.append(
            [
                (name, images[name][place]),
                ("label", colored(labels[name][place])),
                ("prediction", colored(found[place])),
            ]
        )
    panels(pictures / "nuclei-instances.png", rows)


if __name__ == "__main__":
    main()
