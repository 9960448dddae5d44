"""Share of training that waits for its batches, at two workers with augmentation, beside MONAI's loader.

    python benchmarks/loader.py [--iterations 20] [--workers 2]

Twenty-four prepared cases of the size of hippocampi in memory, patches of the default recipe's size and batch, its
network. Ours is `prefetch` on the default augmentation. The peer is MONAI's `DataLoader` over `CacheDataset` with
random crops around foreground and as many random transforms (affine, Gaussian noise and smoothing, scaled and shifted
intensity, contrast), with its own worker processes, feeding the same step of the same network. Of each the waits for a
batch are summed, the first left out, and divided by all the time. There is no ceiling but zero.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from row import NO_PEER, Row, installed, parser, report

from univox.data.batches import Batch, Batches
from univox.data.prefetch import prefetch
from univox.data.window import Window
from univox.losses.registry import build_loss
from univox.networks.memory_order import channels_last
from univox.networks.residual_unet import ResidualUNet
from univox.training.step import Step

CLASSES = 3
LEAST = 1e-6
"""A share of nothing is one that the clock does not see."""


@dataclass(frozen=True)
class Ball:
    """A prepared case: a ball in a larger ball, in noise."""

    name: str
    voxels: NDArray[np.float32]
    classes: NDArray[np.uint8]

    def image(self) -> NDArray[np.float32]:
        return self.voxels

    def label(self) -> NDArray[np.uint8]:
        return self.classes

    def foreground(self, class_index: int) -> NDArray[np.int64]:
        return np.flatnonzero(self.classes == class_index)

    def annotated(self) -> None:
        return None


def balls(count: int, shape: tuple[int, ...]) -> list[Ball]:
    random = np.random.default_rng(0)
    grid = np.ogrid[tuple(slice(n) for n in shape)]
    radius = np.sqrt(sum(((axis - n / 2) / n) ** 2 for axis, n in zip(grid, shape, strict=True)))
    label = (radius < 0.4).astype(np.uint8) + (radius < 0.2)
    noise = [random.standard_normal(shape).astype(np.float32) for _ in range(count)]
    return [Ball(f"case{index}", (label + 0.3 * one)[None], label) for index, one in enumerate(noise)]


def network_step(*, quick: bool) -> Step:
    torch.manual_seed(0)
    widths = (4, 4) if quick else (32, 64, 128)
    network = ResidualUNet(1, CLASSES, widths=widths, strides=[(2, 2, 2)] * len(widths))
    channels_last(network.train())
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    loss = build_loss("dice-cross-entropy")
    return Step(network, loss, optimizer, torch.device("cpu"), "auto", gradient_clip=5.0, seed=0)


def share_waiting(batches: Iterable[Batch], step: Step) -> float:
    """Waits for a batch over all the time; the first batch, which nothing could precede, is left out."""
    supply = iter(batches)
    step(next(supply), 0, learning_rate=1e-3)
    waited, began, iteration = 0.0, time.perf_counter(), 1
    while True:
        asked = time.perf_counter()
        batch = next(supply, None)
        if batch is None:
            break
        waited += time.perf_counter() - asked
        step(batch, iteration, learning_rate=1e-3)
        iteration += 1
    return max(LEAST, waited / (time.perf_counter() - began))


def monai_batches(cases: list[Ball], patch: tuple[int, ...], batch_size: int, *, workers: int) -> Iterator[Batch]:
    """Without end."""
    from monai import transforms
    from monai.data import CacheDataset, DataLoader

    keys, smooth = ("image", "label"), ("bilinear", "nearest")
    chain = transforms.Compose(
        [
            transforms.RandCropByPosNegLabeld(keys, "label", patch, pos=1, neg=2, num_samples=1, allow_smaller=True),
            transforms.SpatialPadd(keys, patch),
            transforms.RandAffined(keys, prob=0.3, rotate_range=[0.5] * 3, scale_range=[0.3] * 3, mode=smooth),
            transforms.RandGaussianNoised("image", prob=0.1, std=0.2),
            transforms.RandGaussianSmoothd("image", prob=0.1),
            transforms.RandScaleIntensityd("image", factors=0.25, prob=0.15),
            transforms.RandShiftIntensityd("image", offsets=0.1, prob=0.1),
            transforms.RandAdjustContrastd("image", prob=0.25, gamma=(0.7, 1.5)),
        ]
    )
    data = [{"image": torch.from_numpy(c.voxels), "label": torch.from_numpy(c.classes[None])} for c in cases]
    dataset = CacheDataset(data, chain, progress=False)
    loader: Any = DataLoader(dataset, batch_size=batch_size, num_workers=workers, shuffle=True, drop_last=True)
    window = Window((0,) * len(patch), patch)
    while True:
        for found in loader:
            image, label = (found[key].as_tensor() for key in keys)
            yield Batch(image, label[:, 0].long(), ("case",) * batch_size, (window,) * batch_size)


def rows(asked: Any) -> Iterator[Row]:
    quick, count = asked.quick, 3 if asked.quick else asked.iterations
    cases = balls(4 if quick else 24, (12, 14, 12) if quick else (36, 50, 36))
    patch, batch_size = ((8, 8, 8), 2) if quick else ((32, 48, 32), 8)
    own = Batches(cases=cases, patch_size=patch, batch_size=batch_size, num_classes=CLASSES)
    ours = share_waiting(prefetch(own, 0, count, workers=asked.workers), network_step(quick=quick))
    peer = None
    if installed("monai"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = islice(monai_batches(cases, patch, batch_size, workers=asked.workers), count)
            peer = share_waiting(theirs, network_step(quick=quick))
    yield Row(
        name="waiting for batches",
        unit="% of training",
        ours=100 * ours,
        peer=None if peer is None else 100 * peer,
        peer_name="MONAI",
        to_reach={"what": "ours", "at_most": 2.0},
        shape=f"{batch_size} patches of {'x'.join(map(str, patch))}, {asked.workers} workers",
        threads=asked.threads,
        precision="auto",
        quick=quick,
        note="" if peer is not None else NO_PEER,
    )


def main(argv: list[str] | None = None) -> None:
    made = parser(__doc__, runs=1)
    made.add_argument("--iterations", type=int, default=40)
    made.add_argument("--workers", type=int, default=2)
    asked = made.parse_args(argv)
    torch.set_num_threads(asked.threads)
    report(rows(asked), as_json=asked.json)


if __name__ == "__main__":
    main()
