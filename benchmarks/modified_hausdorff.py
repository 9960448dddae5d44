"""3D-MHD beside the brute-force matrix of all pairs of lines: seconds, ratio, peak memory.

    python benchmarks/modified_hausdorff.py [--size 128] [--large 256] [--kind organ] [--rows 1024] [--quick] [--json]

Two kinds of masks. `organ`: a ball with an uneven surface, as anatomy is, and as its prediction one whose surface
differs. `noise`: smoothed noise above its median in the whole volume, where nearly every line is distinct: the worst
case. Brute force takes the distance of every pair of lines with scipy's `cdist`, in blocks of lines, since the whole
matrix would take size ** 4 * 8 bytes (2 GiB at 128). With `--rows` it takes that many lines of the label alone, and its
seconds are scaled up and its value not compared. The large volume is measured without brute force, in a process of its
own for its peak memory. With --json there is one row, of the cubes of --size; its ceiling is reading both masks once
per axis at the rate of a copy.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

import numpy as np
from numpy.typing import NDArray
from row import Row, parser, report
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


def as_row(arguments: argparse.Namespace) -> Row:
    """The cubes in the form that all benchmarks share."""
    import torch
    from ceilings import copy_bytes

    torch.set_num_threads(arguments.threads)
    label, prediction = masks(arguments.kind, arguments.size)
    value, ours = measure(label, prediction)
    # All lines of a cube of 128 against all take a minute: a part of them, scaled up, tells as much.
    rows = arguments.rows or min(1024, arguments.size**2)
    _, peer = brute_force(label, prediction, rows)
    return Row(
        name="3D-MHD",
        unit="s",
        ours=ours,
        peer=peer,
        peer_name="all pairs, scaled up",
        ceiling=3 * (label.nbytes + prediction.nbytes) / copy_bytes(quick=arguments.quick),
        shape=f"{arguments.size}^3, {arguments.kind}",
        threads=arguments.threads,
        precision="float64",
        quick=arguments.quick,
        note=f"value {value:.6f}; the peer by {rows} lines against all",
    )


def main(argv: list[str] | None = None) -> None:
    made = parser(__doc__)
    made.add_argument("--size", type=int, default=128)
    made.add_argument("--large", type=int, default=256)
    made.add_argument("--kind", choices=("organ", "noise"), default="organ")
    made.add_argument("--rows", type=int, default=None)
    made.add_argument("--only-large", action="store_true", help=argparse.SUPPRESS)
    arguments = made.parse_args(argv)
    if arguments.quick:
        arguments.size, arguments.large = 16, 24
    if arguments.json:
        report([as_row(arguments)], as_json=True)
        return
    if arguments.only_large:
        measure_large(arguments)
        return
    compare(arguments)
    given = sys.argv[1:] if argv is None else argv
    subprocess.run([sys.executable, __file__, *given, "--only-large"], check=True)


if __name__ == "__main__":
    main()
