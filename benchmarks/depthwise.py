"""Forward and backward of depthwise convolutions, beside torch's own.

    python benchmarks/depthwise.py [--batch 4] [--channels 32] [--threads 2] [--runs 9]

Layers of 3-D rows read (batch, channels, 40, 56, 40), those of 2-D rows (batch, channels, 224, 400): as many voxels.
A transposed layer writes such an image. All is channels-last. The backward gives the gradients of image, kernel and
bias. Milliseconds are the best of the runs; backward to forward is the median of the runs' own ratios. On a
shared machine set GOMP_SPINCOUNT=1000, as the command line does.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median

import torch
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


def row(calls: Sequence[Layer], inputs: Sequence[Tensor], runs: int) -> list[str]:
    """Best forward and backward and their ratio, ours and torch's, and the ratio of both."""
    columns: list[str] = []
    totals: list[float] = []
    for call in calls:
        seconds(call, inputs)  # sets up threads and kernels
        # Not in turn with the other call: memory that it has just given back would cost the next one page faults.
        figures = [seconds(call, inputs) for _ in range(runs)]
        forward, backward = (min(part) for part in zip(*figures, strict=True))
        ratio = median(last / first for first, last in figures)
        columns += [f"{1e3 * forward:.1f}", f"{1e3 * backward:.1f}", f"{ratio:.1f}"]
        totals.append(forward + backward)
    return [*columns, f"{totals[0] / totals[1]:.2f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--channels", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=9)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    header = ("milliseconds", "", "ours: fwd", "bwd", "bwd/fwd", "torch: fwd", "bwd", "bwd/fwd", "ours/torch")
    line = "{:24} {:5} {:>9} {:>8} {:>8} {:>11} {:>8} {:>8} {:>11}\n"
    sys.stdout.write(line.format(*header))
    for dtype, precision in ((torch.bfloat16, "bf16"), (torch.float32, "fp32")):
        for name, dims, kernel, stride, padding, transposed in ROWS:
            edges = [size // stride if transposed else size for size in SHAPES[dims]]
            image = torch.randn(arguments.batch, arguments.channels, *edges).to(dtype, memory_format=LAST[dims])
            weight = torch.randn(arguments.channels, 1, *[kernel] * dims).to(dtype)
            bias = torch.randn(arguments.channels).to(dtype)
            inputs = [tensor.requires_grad_() for tensor in (image, weight, bias)]
            columns = row(layers(dims, stride, padding, transposed), inputs, arguments.runs)
            sys.stdout.write(line.format(name, precision, *columns))
            sys.stdout.flush()


if __name__ == "__main__":
    main()
