"""Full precision for the few convolutions whose bfloat16 gradient cannot be trusted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

_AFFECTED = (functional.conv2d, functional.conv3d)


class ShallowConvolutionsInFloat32(TorchFunctionMode):
    """Within it, a 2-D or 3-D convolution of an image thinner than its kernel computes in float32 on a CPU.

    oneDNN's kernel gradient in bfloat16 leaves part of the result unwritten there (seen with torch 2.13 on a
    processor with AVX-512 and bfloat16 instructions; images of 2 slices and kernels of 3, among others). The gradient
    then holds whatever the memory held, and a run diverges at random. Such images are the smallest of a network, so
    the detour is free.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call `func`, in float32 where it is such a convolution."""
        if func in _AFFECTED and _is_shallow(*args[:2]):
            with torch.autocast("cpu", enabled=False):
                full = [x.float() if isinstance(x, Tensor) and x.dtype == torch.bfloat16 else x for x in args]
                return func(*full, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def _is_shallow(image: Tensor, weight: Tensor) -> bool:
    thin = any(size < edge for size, edge in zip(image.shape[2:], weight.shape[2:], strict=True))
    # Grouped convolutions are right, and a depthwise one has a backward of its own, which keeps its precision.
    return thin and weight.shape[1] == image.shape[1] and image.device.type == "cpu"
