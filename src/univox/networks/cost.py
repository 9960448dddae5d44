"""What a network costs on a patch: multiply-adds, memory of activations, patches per second on this machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from univox.errors import DeviceError
from univox.networks.blocks.sizes import size_rule
from univox.networks.entry import CountedForm, NetworkEntry
from univox.networks.memory_order import MEMORY_FORMATS, channels_last
from univox.networks.registry import NETWORKS, build_network, build_without_memory, count_parameters
from univox.parallel import Failure, in_own_process

SMALL = 64
"""Patches below this edge are measured two at a time: batch normalization has nothing to compare in a single voxel."""
TIMED_SECONDS = 1.0
MOST_RUNS = 20


@dataclass(frozen=True)
class Cost:
    """What one network costs on one patch.

    Args:
        name, variant: Of the network and its form.
        parameters: Numbers that training changes.
        patch: Voxels per axis: the sizes asked for, or the next that the network takes.
        multiply_adds: Of one patch forward.
        activation_bytes: What autograd keeps of one patch for the backward, in float32, parameters left out; none
            where the measurement failed.
        predicted_per_second: Patches forward, in bfloat16 where asked for; none where not timed.
        trained_per_second: Patches forward and backward.
        reason: Why a measurement failed; empty where none did.
    """

    name: str
    variant: str
    parameters: int
    patch: tuple[int, ...]
    multiply_adds: int
    activation_bytes: int | None = None
    predicted_per_second: float | None = None
    trained_per_second: float | None = None
    reason: str = ""


def costs(
    edge: int, *, timed: bool = False, names: Sequence[str] | None = None, precision: torch.dtype = torch.bfloat16
) -> Iterable[Cost]:
    """Measure every form of every network on a patch of that edge, a cube in 3-D and a square in 2-D.

    Each is measured in a process of its own, so that one that does not fit into memory loses only its own row. A script
    that calls this needs the usual `if __name__ == "__main__":`.

    Args:
        edge: Voxels per axis.
        timed: Also measure patches per second on the CPU.
        names: Only these networks.
        precision: Of the timing's autocast.

    Yields:
        One cost per network, number of axes and set of arguments, in the registry's order.
    """
    done: set[tuple[str, int, str]] = set()
    for entry in NETWORKS.values():
        for form in entry.forms if names is None or entry.name in names else ():
            key = (entry.name, form.spatial_dims, repr(sorted(form.arguments.items())))
            # Forms that differ only in how they are counted cost the same.
            if key not in done:
                done.add(key)
                yield measure(entry, form, edge, timed=timed, precision=precision)


def measure(entry: NetworkEntry, form: CountedForm, edge: int, *, timed: bool, precision: torch.dtype) -> Cost:
    """Measure one form of a network; see `costs`."""
    # Counting needs no numbers, so it is done here; memory and time are measured elsewhere.
    network = build_without_memory(entry, form)
    patch = size_rule(network, form.spatial_dims).fitting((edge,) * form.spatial_dims)
    batch = 2 if max(patch) < SMALL else 1
    image = torch.empty(batch, form.in_channels, *patch, device="meta")
    counted = Cost(
        name=entry.name,
        variant=form.variant,
        parameters=count_parameters(network),
        patch=patch,
        multiply_adds=multiply_adds(network, image) // batch,
    )
    outcome = in_own_process(partial(_run, entry, form, batch=batch, timed=timed, precision=precision), counted)
    return replace(counted, reason=_reason(outcome)) if isinstance(outcome, Failure) else outcome


def multiply_adds(network: nn.Module, image: Tensor) -> int:
    """Count the multiply-adds of convolutions, matrix products and attention in one forward pass of a batch.

    Args:
        network: Left in evaluation mode.
        image: (B, C, *spatial).
    """
    attention = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention_flops}
    counter = FlopCounterMode(display=False, custom_mapping=attention)
    with torch.no_grad(), counter:
        network.eval()(image)
    return counter.get_total_flops() // 2


def activation_bytes(network: nn.Module, image: Tensor) -> int:
    """Count the bytes that autograd keeps between forward and backward of a batch, parameters left out.

    Args:
        network: Left in training mode.
        image: (B, C, *spatial).
    """
    own = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    kept: dict[int, int] = {}
    alive: list[torch.UntypedStorage] = []

    def keep(tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
            # A freed address would be given out again, and counted once for two.
            alive.append(storage)
        # No backward follows. A node that kept its own output here would keep itself, and the whole network, for good.

    def unpack(_: None) -> Tensor:
        raise AssertionError("no backward follows")

    with torch.autograd.graph.saved_tensors_hooks(keep, unpack):
        network.train()(image)
    return sum(kept.values())


def _run(
    entry: NetworkEntry, form: CountedForm, counted: Cost, *, batch: int, timed: bool, precision: torch.dtype
) -> Cost:
    """Add to what was counted what takes memory and time."""
    torch.manual_seed(0)
    network = build_network(
        entry.name,
        in_channels=form.in_channels,
        num_classes=form.num_classes,
        spatial_dims=form.spatial_dims,
        arguments=form.arguments,
    )
    network = channels_last(network)
    image = torch.randn(batch, form.in_channels, *counted.patch)
    image = image.contiguous(memory_format=MEMORY_FORMATS.get(image.ndim, torch.contiguous_format))
    cost = replace(counted, activation_bytes=activation_bytes(network, image) // batch)
    if not timed:
        return cost
    predicted, trained = _paces(network, image, precision)
    return replace(cost, predicted_per_second=predicted, trained_per_second=trained)


def _reason(failure: Failure) -> str:
    if isinstance(failure.error, DeviceError):
        return "its process ended, most often for lack of memory"
    # torch's own words for it are three lines on its allocator.
    if "can't allocate memory" in str(failure.error):
        return "does not fit into memory"
    return " ".join(str(failure.error).split())


def _attention_flops(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    batch, heads, queries, channels = query
    return 2 * batch * heads * queries * key[2] * (channels + value[3])


def _paces(network: nn.Module, image: Tensor, precision: torch.dtype) -> tuple[float, float]:
    def predict() -> None:
        with torch.inference_mode(), torch.autocast("cpu", precision):
            network(image)

    def train() -> None:
        network.zero_grad(set_to_none=True)
        with torch.autocast("cpu", precision):
            logits = network(image)
        first = logits[0] if isinstance(logits, tuple) else logits
        first.float().square().mean().backward()

    network.eval()
    predicted = image.shape[0] / _seconds(predict)
    network.train()
    return predicted, image.shape[0] / _seconds(train)


def _seconds(run: Callable[[], None]) -> float:
    """Median of the runs that fit into a little time.

    The first, which sets up the libraries, counts only where it alone takes that long.
    """
    began, seconds = time.perf_counter(), list[float]()
    while not seconds or (time.perf_counter() - began < TIMED_SECONDS and len(seconds) <= MOST_RUNS):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:] or seconds)
