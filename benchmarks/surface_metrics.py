"""HD95, ASSD and surface Dice of three classes together, beside MONAI's three and DeepMind's surface-distance.

    python benchmarks/surface_metrics.py [--shape 256 256 180]

Each class is a ball with an uneven surface, the prediction another one of it. Each peer gives the same three figures.
The largest difference of HD95 stands in the note; DeepMind's surface is another one (its elements are between
voxels), and its figures differ by up to a voxel. The ceiling is reading both label maps once per class at the rate of
a copy; the distance transform, which reads them many times over, is what costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from ceilings import copy_bytes
from numpy.typing import NDArray
from row import NO_PEER, Row, best_seconds, installed, parser, report
from scipy import ndimage

from univox.metrics.surface import surface_distances

CLASSES = 3
SPACING_MM = (1.0, 1.0, 1.5)
TOLERANCE_MM = 2.0
Figures = list[tuple[float, float, float]]
Masks = list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]


def masks(shape: tuple[int, ...]) -> Masks:
    """Label and prediction of each class, beside each other along the first axis."""
    random = np.random.default_rng(0)
    coarse = [max(2, n // 8) for n in shape]
    pairs: Masks = []
    for index in range(CLASSES):
        center = [n * (index + 1) / (CLASSES + 1) if axis == 0 else n / 2 for axis, n in enumerate(shape)]
        grid = np.ogrid[tuple(slice(n) for n in shape)]
        radius = np.sqrt(sum((axis - middle) ** 2 for axis, middle in zip(grid, center, strict=True)))
        both: list[NDArray[np.bool_]] = []
        for _ in range(2):
            zoom = [n / c for n, c in zip(shape, coarse, strict=True)]
            uneven = ndimage.zoom(random.standard_normal(coarse).astype(np.float32), zoom, order=1)
            both.append(radius + uneven < shape[0] / (2.2 * (CLASSES + 1)))
        pairs.append((both[0], both[1]))
    return pairs


def ours(pairs: Masks) -> Figures:
    found: Figures = []
    for label, prediction in pairs:
        distances = surface_distances(label, prediction, spacing_mm=SPACING_MM)
        found.append((distances.hausdorff(95.0), distances.average_symmetric(), distances.dice(TOLERANCE_MM)))
    return found


def monai(pairs: Masks) -> Figures:
    from monai.metrics.hausdorff_distance import compute_hausdorff_distance
    from monai.metrics.surface_dice import compute_surface_dice
    from monai.metrics.surface_distance import compute_average_surface_distance

    label, prediction = (torch.from_numpy(np.stack([pair[side] for pair in pairs]))[None] for side in (0, 1))
    hd95 = compute_hausdorff_distance(prediction, label, True, percentile=95, spacing=SPACING_MM)
    assd = compute_average_surface_distance(prediction, label, True, symmetric=True, spacing=SPACING_MM)
    dice = compute_surface_dice(prediction, label, [TOLERANCE_MM] * CLASSES, True, spacing=SPACING_MM)
    return [(float(a), float(b), float(c)) for a, b, c in zip(hd95[0], assd[0], dice[0], strict=True)]


def deepmind(pairs: Masks) -> Figures:
    import surface_distance

    found: Figures = []
    for label, prediction in pairs:
        distances = surface_distance.compute_surface_distances(label, prediction, SPACING_MM)
        average = surface_distance.compute_average_surface_distance(distances)
        hd95 = surface_distance.compute_robust_hausdorff(distances, 95)
        dice = surface_distance.compute_surface_dice_at_tolerance(distances, TOLERANCE_MM)
        found.append((hd95, sum(average) / 2, dice))
    return found


PEERS: dict[str, tuple[str, Callable[[Masks], Figures]]] = {
    "MONAI": ("monai", monai),
    "DeepMind": ("surface_distance", deepmind),
}


def rows(shape: tuple[int, ...], *, threads: int, runs: int, quick: bool) -> Iterator[Row]:
    pairs = masks(shape)
    figures = ours(pairs)
    seconds: dict[str, float] = {}
    notes: list[str] = []
    best_of_ours = best_seconds(lambda: ours(pairs), runs)
    for name, (module, call) in PEERS.items():
        if not installed(module):
            notes.append(f"{name}: {NO_PEER}")
            continue
        theirs = call(pairs)
        seconds[name] = best_seconds(lambda call=call: call(pairs), 1)
        difference = max(abs(a[0] - b[0]) for a, b in zip(figures, theirs, strict=True))
        notes.append(f"{name} {seconds[name]:.3g} s, HD95 differs by {difference:.1e} mm")
    best = min(seconds, key=seconds.__getitem__, default=None)
    yield Row(
        name="HD95, ASSD and surface Dice",
        unit="s",
        ours=best_of_ours,
        peer=None if best is None else seconds[best],
        peer_name=best or "",
        ceiling=sum(label.nbytes + prediction.nbytes for label, prediction in pairs) / copy_bytes(quick=quick),
        to_reach={"what": "ours", "at_most": 1.0},
        shape="x".join(map(str, shape)) + f", {CLASSES} classes",
        threads=threads,
        precision="float64 distances",
        quick=quick,
        note="; ".join(notes),
    )


def main(argv: list[str] | None = None) -> None:
    made = parser(__doc__)
    made.add_argument("--shape", type=int, nargs=3, default=None)
    asked = made.parse_args(argv)
    torch.set_num_threads(asked.threads)
    shape = tuple(asked.shape or ((64, 32, 24) if asked.quick else (256, 256, 180)))
    report(rows(shape, threads=asked.threads, runs=asked.runs, quick=asked.quick), as_json=asked.json)


if __name__ == "__main__":
    main()
