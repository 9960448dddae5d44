"""Forward and backward of depthwise convolutions, beside torch's own.

    python benchmarks/depthwise.py [--batch 4] [--channels 32] [--threads 2] [--runs 9] [--quick] [--json]

Layers of 3-D rows read (batch, channels, 40, 56, 40), those of 2-D rows (batch, channels, 224, 400): as many voxels.
A transposed layer writes such an image. All is channels-last. The backward gives the gradients of image, kernel and
bias. Milliseconds are the best of the runs; backward to forward is the median of the runs' own ratios. On a
shared machine set GOMP_SPINCOUNT=1000, as the command line does. With --json a row is the backward, and its ceiling
reading image and incoming gradient and writing the image's gradient, once each, at the rate of a copy.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import Any

import torch
from ceilings import copy_bytes
from row import Row, parser, report
from torch import Tensor
from torch.nn import functional

from univox.networks.blocks import convolve_channels, spread_channels

Layer = Callable[[Tensor, Tensor, Tensor], Tensor]

SHAPES = {2: (224, 400), 3: (40, 56, 40)}
LAST = {2: torch.channels_last, 3: torch.channels_last_3d}
# Name, axes, kernel, stride, padding, whether transposed.
ROWS = [
    ("3-D, kernel 3", 3, 3, 1, 1, False),
    ("3-D, kernel 3, stride 2", 3, 3, 2, 1, False),
    ("3-D, up by 2, kernel 2", 3, 2, 2, 0, True),
    ("3-D, up by 2, kernel 3", 3, 3, 2, 1, True),
    ("2-D, kernel 3", 2, 3, 1, 1, False),
    ("2-D, kernel 3, stride 2", 2, 3, 2, 1, False),
    ("2-D, up by 2, kernel 2", 2, 2, 2, 0, True),
]


def layers(dims: int, stride: int, padding: int, transposed: bool) -> tuple[Layer, Layer]:
    """Ours and torch's."""
    strides, paddings, shape = (stride,) * dims, (padding,) * dims, SHAPES[dims]
    convolve = {2: functional.conv2d, 3: functional.conv3d}[dims]
    transpose = {2: functional.conv_transpose2d, 3: functional.conv_transpose3d}[dims]

    def ours(image: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        if transposed:
            return spread_channels(image, weight, bias, stride=strides, padding=paddings, spatial_shape=shape)
        return convolve_channels(image, weight, bias, stride=strides, padding=paddings)

    def own_call(image: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        groups = len(weight)
        if transposed:
            odd = weight.shape[-1] % 2
            return transpose(image, weight, bias, stride=strides, padding=paddings, output_padding=odd, groups=groups)
        return convolve(image, weight, bias, stride=strides, padding=paddings, groups=groups)

    return ours, own_call


def seconds(call: Layer, inputs: Sequence[Tensor]) -> tuple[float, float]:
    """Forward and backward, once."""
    for tensor in inputs:
        tensor.grad = None
    start = time.perf_counter()
    result = call(*inputs)
    forward = time.perf_counter() - start
    incoming = torch.ones_like(result)
    start = time.perf_counter()
    result.backward(incoming)
    return forward, time.perf_counter() - start


Figures = tuple[float, float, float]


def measure(calls: Sequence[Layer], inputs: Sequence[Tensor], runs: int) -> list[Figures]:
    """Best forward and backward and their ratio, ours and torch's."""
    found: list[Figures] = []
    for call in calls:
        seconds(call, inputs)  # sets up threads and kernels
        # Not in turn with the other call: memory that it has just given back would cost the next one page faults.
        figures = [seconds(call, inputs) for _ in range(runs)]
        forward, backward = (min(part) for part in zip(*figures, strict=True))
        found.append((forward, backward, median(last / first for first, last in figures)))
    return found


def columns(found: Sequence[Figures]) -> list[str]:
    """The figures, and the ratio of both sums."""
    shown = [text for f, b, ratio in found for text in (f"{1e3 * f:.1f}", f"{1e3 * b:.1f}", f"{ratio:.1f}")]
    (f, b, _), (their_f, their_b, _) = found
    return [*shown, f"{(f + b) / (their_f + their_b):.2f}"]


def as_row(name: str, precision: str, found: Sequence[Figures], inputs: Sequence[Tensor], **facts: Any) -> Row:
    """The backward of a layer in the form that all benchmarks share."""
    (_, ours, ratio), (_, peer, peer_ratio) = found
    image, dims = inputs[0], inputs[0].dim() - 2
    # What a strided layer writes is smaller than what it reads, and a transposed one's larger.
    written = image.shape[0] * image.shape[1] * math.prod(facts.pop("incoming"))
    moved = (2 * image.numel() + written) * image.element_size()
    return Row(
        name=f"depthwise backward, {name}, {precision}",
        unit="ms",
        ours=1e3 * ours,
        peer=1e3 * peer,
        peer_name="torch",
        ceiling=1e3 * moved / copy_bytes(quick=facts["quick"]),
        # Of a 3-D layer the backward is to take at most eight times the forward, without a compiler.
        to_reach={"what": "ours", "at_most": 1e3 * 8 * ours / ratio} if dims == 3 else None,
        shape="x".join(map(str, image.shape)),
        precision=precision,
        note=f"times the forward: ours {ratio:.1f}, torch {peer_ratio:.1f}",
        **facts,
    )


def layers_measured(asked: Any) -> Iterator[tuple[str, str, list[Figures], list[Tensor], tuple[int, ...]]]:
    """Name, precision, figures, inputs and output edges of each layer, as they are measured."""
    torch.manual_seed(0)
    for dtype, precision in ((torch.bfloat16, "bf16"), (torch.float32, "fp32")):
        for name, dims, kernel, stride, padding, transposed in ROWS[:: 3 if asked.quick else 1]:
            edges = [size // stride if transposed else size for size in SHAPES[dims]]
            image = torch.randn(asked.batch, asked.channels, *edges).to(dtype, memory_format=LAST[dims])
            weight = torch.randn(asked.channels, 1, *[kernel] * dims).to(dtype)
            bias = torch.randn(asked.channels).to(dtype)
            inputs = [tensor.requires_grad_() for tensor in (image, weight, bias)]
            found = measure(layers(dims, stride, padding, transposed), inputs, asked.runs)
            outgoing = SHAPES[dims] if transposed else tuple(size // stride for size in SHAPES[dims])
            yield name, precision, found, inputs, outgoing


def main(argv: list[str] | None = None) -> None:
    made = parser(__doc__, runs=9)
    made.add_argument("--batch", type=int, default=4)
    made.add_argument("--channels", type=int, default=32)
    asked = made.parse_args(argv)
    torch.set_num_threads(asked.threads)
    if asked.quick:
        asked.batch, asked.channels, asked.runs = 1, 2, 1
    if asked.json:
        facts = {"threads": asked.threads, "quick": asked.quick}
        found = layers_measured(asked)
        report((as_row(*one[:4], incoming=one[4], **facts) for one in found), as_json=True)
        return
    header = ("milliseconds", "", "ours: fwd", "bwd", "bwd/fwd", "torch: fwd", "bwd", "bwd/fwd", "ours/torch")
    line = "{:24} {:5} {:>9} {:>8} {:>8} {:>11} {:>8} {:>8} {:>11}\n"
    sys.stdout.write(line.format(*header))
    for name, precision, figures, *_ in layers_measured(asked):
        sys.stdout.write(line.format(name, precision, *columns(figures)))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
