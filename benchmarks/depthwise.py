"""Forward and backward of depthwise convolutions, beside torch's own.

    python benchmarks/depthwise.py [--batch 4] [--channels 32] [--threads 2] [--runs 5]

Layers of 3-D rows read (batch, channels, 40, 56, 40), those of 2-D rows (batch, channels, 224, 400): as many voxels.
A transposed layer writes such an image. All is channels-last. The backward gives the gradients of image, kernel and
bias. Each figure is the best of several runs, ours and torch's in turn, so that a busy machine slows both alike; the
columns to read are the ratios of the same row.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence

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


def best_seconds(calls: Sequence[Layer], inputs: Sequence[Tensor], runs: int) -> list[tuple[float, float]]:
    """Forward and backward of each call, the calls taking turns; a first run of each is not counted."""
    figures = [(float("inf"), float("inf"))] * len(calls)
    for run in range(runs + 1):
        for index, call in enumerate(calls):
            for tensor in inputs:
                tensor.grad = None
            start = time.perf_counter()
            result = call(*inputs)
            middle = time.perf_counter()
            incoming = torch.ones_like(result)
            ready = time.perf_counter()
            result.backward(incoming)
            end = time.perf_counter()
            if run:
                figures[index] = (min(figures[index][0], middle - start), min(figures[index][1], end - ready))
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--channels", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=5)
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
            calls = layers(dims, stride, padding, transposed)
            (forward, backward), (own_forward, own_backward) = best_seconds(calls, inputs, arguments.runs)
            share = (forward + backward) / (own_forward + own_backward)
            columns = [f"{1e3 * x:.1f}" for x in (forward, backward, own_forward, own_backward)]
            columns.insert(2, f"{backward / forward:.1f}")
            columns.insert(5, f"{own_backward / own_forward:.1f}")
            sys.stdout.write(line.format(name, precision, *columns, f"{share:.2f}"))
            sys.stdout.flush()


if __name__ == "__main__":
    main()
