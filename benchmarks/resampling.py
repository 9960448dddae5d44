"""Resampling an image (cubic) and its label (linear, three classes), beside SimpleITK and nnU-Net.

    python benchmarks/resampling.py [--shape 200 512 512]

A volume of 2.5 x 0.75 x 0.75 mm goes to 1.5 mm. The image is a sum of waves and the label a ball in a ball, both known
at every point, so that each way's error is against the truth: the root mean square of the image's, in the
middle half of each axis, and the share of wrong voxels of the label. The ceiling is reading both arrays once and
writing both results once at the rate of a copy. Memory is what the process grew by while ours ran.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from ceilings import copy_bytes
from numpy.typing import NDArray
from row import NO_PEER, Row, best_seconds, grown_mib, installed, parser, report

from univox.image.resample import resample, resample_label, resampled_shape

SPACING_MM, TARGET_MM = (2.5, 0.75, 0.75), (1.5, 1.5, 1.5)
CLASSES = 3
Pair = tuple[NDArray, NDArray]


def truth(shape: tuple[int, ...], extent_mm: tuple[float, ...]) -> Pair:
    """Image and label of the analytic volume on a grid over an extent."""
    axes = [(np.arange(n, dtype=np.float32) + 0.5) * (mm / n) for n, mm in zip(shape, extent_mm, strict=True)]
    waves = [np.sin(2 * np.pi * axis / 24.0) for axis in axes]
    image = waves[0][:, None, None] + waves[1][:, None] + waves[2]
    ranges = [((a - mm / 2) / (mm / 2)) ** 2 for a, mm in zip(axes, extent_mm, strict=True)]
    radius = ranges[0][:, None, None] + ranges[1][:, None] + ranges[2]
    return image, (radius < 0.64).astype(np.uint8) + (radius < 0.16)


def error(found: Pair, exact: Pair) -> tuple[float, float]:
    middle = tuple(slice(n // 4, n - n // 4) for n in exact[0].shape)
    image = float(np.sqrt(np.mean((found[0][middle].astype(np.float64) - exact[0][middle]) ** 2)))
    return image, float(np.mean(found[1] != exact[1]))


def simpleitk(image: NDArray, label: NDArray, shape: tuple[int, ...], extent_mm: tuple[float, ...]) -> Pair:
    import SimpleITK

    def moved(array: NDArray, way: int) -> NDArray:
        source = SimpleITK.GetImageFromArray(array)
        old = [mm / n for mm, n in zip(extent_mm, array.shape, strict=True)]
        new = [mm / n for mm, n in zip(extent_mm, shape, strict=True)]
        source.SetSpacing(old[::-1])
        origin = [(b - a) / 2 for a, b in zip(old, new, strict=True)]
        still = SimpleITK.Transform(3, SimpleITK.sitkIdentity)
        inside = (way, origin[::-1], new[::-1], source.GetDirection(), 0.0, source.GetPixelID(), True)
        return SimpleITK.GetArrayFromImage(SimpleITK.Resample(source, shape[::-1], still, *inside))

    return moved(image, SimpleITK.sitkBSpline), moved(label, SimpleITK.sitkLabelLinear)


def nnunet(image: NDArray, label: NDArray, shape: tuple[int, ...], _: tuple[float, ...]) -> Pair:
    from nnunetv2.preprocessing.resampling.default_resampling import resample_data_or_seg

    moved = resample_data_or_seg(image[None], shape, is_seg=False, order=3, do_separate_z=False)
    votes = resample_data_or_seg(label[None], shape, is_seg=True, order=1, do_separate_z=False)
    return np.asarray(moved)[0], np.asarray(votes)[0]


PEERS: dict[str, tuple[str, Callable[..., Pair]]] = {
    "SimpleITK": ("SimpleITK", simpleitk),
    "nnU-Net": ("nnunetv2", nnunet),
}


def peers(
    inputs: Pair, shape: tuple[int, ...], extent_mm: tuple[float, ...], exact: Pair
) -> tuple[dict[str, float], str]:
    """Seconds of each peer that is installed, and what there is to say of them."""
    seconds: dict[str, float] = {}
    notes: list[str] = []
    for name, (module, call) in PEERS.items():
        if not installed(module):
            notes.append(f"{name}: {NO_PEER}")
            continue
        call(*(array[:8, :8, :8] for array in inputs), (6, 6, 6), extent_mm)  # imports, and sets up threads
        start = time.perf_counter()
        found = call(*inputs, shape, extent_mm)
        seconds[name] = time.perf_counter() - start
        image, label = error(found, exact)
        notes.append(f"{name} {seconds[name]:.3g} s, error {image:.1e} and {label:.1e}")
    return seconds, "; ".join(notes)


def rows(shape: tuple[int, ...], *, threads: int, runs: int, quick: bool) -> Iterator[Row]:
    extent_mm = tuple(n * mm for n, mm in zip(shape, SPACING_MM, strict=True))
    target = resampled_shape(shape, SPACING_MM, TARGET_MM)
    inputs, exact = truth(shape, extent_mm), truth(target, extent_mm)
    results: list[Pair] = []

    def run() -> None:
        results[:] = [(resample(inputs[0], target), resample_label(inputs[1], target, CLASSES))]

    grown = grown_mib(run)
    ours = best_seconds(run, runs)
    image, label = error(results[0], exact)
    moved = sum(array.nbytes for array in (*inputs, *results[0]))
    seconds, note = peers(inputs, target, extent_mm, exact)
    best = min(seconds, key=seconds.__getitem__, default=None)
    common = {"shape": f"{'x'.join(map(str, shape))} to {'x'.join(map(str, target))}", "threads": threads}
    common |= {"precision": "fp32", "quick": quick}
    yield Row(
        name="resampling, image and label",
        unit="s",
        ours=ours,
        peer=None if best is None else seconds[best],
        peer_name=best or "",
        ceiling=moved / copy_bytes(quick=quick),
        to_reach={"what": "ours", "at_most": 1.5},
        note=f"ours: error {image:.1e} of the image, {label:.1e} of the label's voxels; {note}",
        **common,
    )
    yield Row(
        name="resampling, memory",
        unit="MiB",
        ours=grown,
        ceiling=sum(array.nbytes for array in results[0]) / 2**20,
        to_reach={"what": "ours", "at_most": 0.5e9 / 2**20},
        note="growth of the peak while ours runs, results included; the ceiling is the results alone",
        **common,
    )


def main(argv: list[str] | None = None) -> None:
    made = parser(__doc__)
    made.add_argument("--shape", type=int, nargs=3, default=None)
    asked = made.parse_args(argv)
    torch.set_num_threads(asked.threads)
    shape = tuple(asked.shape or ((12, 20, 18) if asked.quick else (200, 512, 512)))
    report(rows(shape, threads=asked.threads, runs=asked.runs, quick=asked.quick), as_json=asked.json)


if __name__ == "__main__":
    main()
