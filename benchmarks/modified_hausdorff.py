"""3D-MHD beside the brute-force matrix of all pairs of lines: seconds, ratio, peak memory.

    python benchmarks/modified_hausdorff.py [--size 128] [--large 256] [--kind organ] [--rows 1024]

Two kinds of masks. `organ`: a ball with an uneven surface, as anatomy is, and as its prediction one whose surface
differs. `noise`: smoothed noise above its median in the whole volume, where nearly every line is distinct: the worst
case. Brute force takes the distance of every pair of lines with scipy's `cdist`, in blocks of lines, since the whole
matrix would take size ** 4 * 8 bytes (2 GiB at 128). With `--rows` it takes that many lines of the label alone, and its
seconds are scaled up and its value not compared. The large volume is measured without brute force, in a process of its
own for its peak memory.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.distance import cdist

from univox.metrics import line_distances, mhd_3d

Mask = NDArray[np.bool_]
LINES_PER_BLOCK = 512


def masks(kind: str, size: int) -> tuple[Mask, Mask]:
    """Label and prediction, cubes."""
    random = np.random.default_rng(0)
    first, second = (ndimage.gaussian_filter(random.standard_normal((size,) * 3, np.float32), 2.0) for _ in range(2))
    if kind == "noise":
        moved = np.roll(first + 0.3 * second, 2, axis=(0, 1, 2))
        return first > np.median(first), moved > np.median(moved)
    middle = (size - 1) / 2
    radius = np.sqrt(sum((axis - middle) ** 2 for axis in np.ogrid[:size, :size, :size]))
    # The noise is one of about a voxel's height.
    unevenness = 1.0 / float(first.std())
    return radius + unevenness * first < 0.3 * size, radius + unevenness * second < 0.3 * size


def brute_force(label: Mask, prediction: Mask, rows: int | None) -> tuple[float, float]:
    """3D-MHD of all pairs and its seconds; with `rows`, the value of nothing and the seconds that all would take."""
    larger: list[float] = []
    seconds = 0.0
    for axis in range(label.ndim):
        start = time.perf_counter()
        here, there = (np.moveaxis(mask, axis, -1).reshape(-1, mask.shape[axis]) for mask in (label, prediction))
        taken = here[:rows].astype(np.float64)
        others = there.astype(np.float64)
        nearest_here, nearest_there = np.empty(len(taken)), np.full(len(others), np.inf)
        for first in range(0, len(taken), LINES_PER_BLOCK):
            pairs = np.sqrt(cdist(taken[first : first + LINES_PER_BLOCK], others, "sqeuclidean"))
            nearest_here[first : first + LINES_PER_BLOCK] = pairs.min(axis=1)
            np.minimum(nearest_there, pairs.min(axis=0), out=nearest_there)
        larger.append(max(float(nearest_here.mean()), float(nearest_there.mean())))
        seconds += (time.perf_counter() - start) * len(here) / len(taken)
    return float(np.mean(larger)), seconds


def measure(label: Mask, prediction: Mask) -> tuple[float, float]:
    """3D-MHD and the best seconds of three."""
    value, best = 0.0, float("inf")
    for _ in range(3):
        start = time.perf_counter()
        value = mhd_3d(label, prediction)
        best = min(best, time.perf_counter() - start)
    return value, best


def compare(arguments: argparse.Namespace) -> None:
    label, prediction = masks(arguments.kind, arguments.size)
    ours, fast = measure(label, prediction)
    sys.stdout.write(f"{arguments.kind}, {arguments.size}^3: 3D-MHD {ours:.12f} in {fast:.3f} s\n")
    sys.stdout.flush()
    theirs, slow = brute_force(label, prediction, arguments.rows)
    share = "all pairs" if arguments.rows is None else f"{arguments.rows} lines against all, scaled up"
    sys.stdout.write(f"brute force ({share}): {slow:.1f} s, {slow / fast:.0f} times as long\n")
    if arguments.rows is None:
        sys.stdout.write(f"brute force value {theirs:.12f}, difference {abs(ours - theirs):.1e}\n")


def measure_large(arguments: argparse.Namespace) -> None:
    label, prediction = masks(arguments.kind, arguments.large)
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
    start = time.perf_counter()
    along = [line_distances(label, prediction, axis=axis).larger for axis in range(3)]
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
    sys.stdout.write(
        f"{arguments.large}^3: 3D-MHD {sum(along) / 3:.12f} in {seconds:.2f} s, peak of the process {peak:.0f} MiB "
        f"({before:.0f} MiB of it while the masks were made)\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--large", type=int, default=256)
    parser.add_argument("--kind", choices=("organ", "noise"), default="organ")
    parser.add_argument("--rows", type=int, default=None)
    parser.add_argument("--only-large", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only_large:
        measure_large(arguments)
        return
    compare(arguments)
    subprocess.run([sys.executable, __file__, *sys.argv[1:], "--only-large"], check=True)


if __name__ == "__main__":
    main()
