"""Where a network computes, and in which precision."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import Any

import torch
from torch import nn

from univox.errors import DeviceError


def pick_device(name: str | torch.device = "auto") -> torch.device:
    """Give the device of that name; `auto` prefers CUDA, then MPS, then the CPU.

    Raises:
        DeviceError: There is no such device here.

    >>> pick_device("cpu")
    device(type='cpu')
    """
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name == "auto":
        return torch.device("cuda" if cuda else "mps" if mps else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(
            expected="auto, cpu, cuda, cuda:N or mps", got=repr(name), remedy="name one of these"
        ) from error
    present = {"cpu": True, "cuda": cuda, "mps": mps}.get(device.type, False)
    if present and device.type == "cuda":
        present = (device.index or 0) < torch.cuda.device_count()
    if not present:
        raise DeviceError(
            expected=f"a machine with the device {device}",
            got="none that torch can use",
            remedy="use --device auto, or install the torch build for this device",
        )
    return device


def computes_bfloat16(device: torch.device) -> bool:
    """Tell whether the device has instructions for bfloat16, so that it is faster than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    # torch has no public name for these two on every version that univox takes.
    names = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return any(bool(getattr(torch.cpu, name, lambda: False)()) for name in names)


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager[Any]:
    """Give the context in which a network computes.

    Args:
        device: Where it computes.
        precision: "fp32", "bf16", or "auto": bfloat16 where the device has instructions for it.
    """
    wanted = precision == "bf16" or (precision == "auto" and computes_bfloat16(device))
    if not wanted:
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)


@contextlib.contextmanager
def evaluation_mode(network: nn.Module) -> Generator[None]:
    """Put every part of a network into evaluation mode, and back into its own mode afterwards."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training
