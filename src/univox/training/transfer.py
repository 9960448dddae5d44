"""Weights of another network as the start of this one, by name and shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from univox.errors import ModelError
from univox.model.weights import Weights
from univox.networks.parts import encoder_parts, names_under

Part = Literal["network", "encoder"]

SHOWN = 6
"""Names in one line for a reader; the record has all."""
LONGEST_START = 3
"""Components of a name that may be another program's wrapping."""


@dataclass(frozen=True)
class Transfer:
    """What a network took of another's weights; every name is this network's.

    Args:
        source: Name of the file or folder.
        sha256: Of the file.
        part: What was to be filled.
        removed, added: What the names there began with in place of what they begin with here, mostly nothing.
        taken: Parameters and buffers that were taken.
        other_shape: Those that are there in another shape: the shape here, the shape there.
        missing: Those that are not there.
        without_place: Number of tensors there that have no place in the part.
        values: Number of values taken.
    """

    source: str
    sha256: str
    part: Part
    removed: str
    added: str
    taken: tuple[str, ...]
    other_shape: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]
    missing: tuple[str, ...]
    without_place: int
    values: int

    def to_json(self) -> dict[str, Any]:
        """Give the record as JSON holds it."""
        return asdict(self)

    def lines(self) -> list[str]:
        """Say it, one fact a line."""
        whole = len(self.taken) + len(self.other_shape) + len(self.missing)
        first = (
            f"took {len(self.taken)} of the {self.part}'s {whole} tensors ({self.values:,} values) from {self.source}"
        )
        if self.removed or self.added:
            first += f"; names there begin with '{self.removed}' where they begin with '{self.added}' here"
        lines = [first]
        if self.other_shape:
            shapes = [
                f"{name} ({_by(here)} here, {_by(there)} there)" for name, (here, there) in self.other_shape.items()
            ]
            lines.append(f"not taken, for another shape: {_some(shapes)}")
        if self.missing:
            lines.append(f"not found there: {_some(self.missing)}")
        if self.without_place:
            lines.append(f"{self.without_place} tensors there have no place in the {self.part}")
        return lines


def transfer(network: nn.Module, weights: Weights, *, part: Part = "network") -> Transfer:
    """Copy into a network every tensor of the same name and shape, and say what was copied.

    Names are compared as they are. Files of other programs often have a start before every name ("module.",
    "model."), or lack one that this network has: where more parameters fit with such a start removed from the
    names there, or with the start that all names of the part share put before them, that is done, and said.

    Args:
        network: Changed in place.
        weights: What to take from.
        part: The whole network, or its encoder.

    Raises:
        ModelError: Not one parameter fits.
        RecipeError: The encoder is wanted of a network that does not say which part that is.
    """
    state = network.state_dict()
    names = state if part == "network" else names_under(state, encoder_parts(network))
    wanted = {name: state[name] for name in names}
    parameters = {name: wanted[name] for name, _ in network.named_parameters() if name in wanted}
    removed, added = _renaming(weights.tensors, parameters, wanted)
    found = _renamed(weights.tensors, removed, added)
    taken = tuple(name for name, value in wanted.items() if name in found and found[name].shape == value.shape)
    if not any(name in parameters for name in taken):
        raise ModelError(
            expected=f"weights for the {part}: {_some(_described(parameters))}",
            got=_some(_described(weights.tensors)),
            remedy="give weights of the same network with the same widths, or leave --init-from out",
            path=weights.name,
        )
    with torch.no_grad():
        for name in taken:
            wanted[name].copy_(found[name])
    return Transfer(
        source=weights.name,
        sha256=weights.sha256,
        part=part,
        removed=removed,
        added=added,
        taken=taken,
        other_shape={
            name: (tuple(value.shape), tuple(found[name].shape))
            for name, value in wanted.items()
            if name in found and name not in taken
        },
        missing=tuple(name for name in wanted if name not in found),
        without_place=len(weights.tensors) - sum(name in wanted for name in found),
        values=sum(parameters[name].numel() for name in taken if name in parameters),
    )


def _renaming(found: Mapping[str, Tensor], parameters: Mapping[str, Tensor], wanted: Iterable[str]) -> tuple[str, str]:
    """Give what to remove from the names of `found`, and what to put there, so that most parameters fit."""
    names = list(wanted)
    shared = [start for start in _starts(names[:1]) if all(name.startswith(start) for name in names)]
    choices = [(removed, added) for added in shared for removed in _starts(found)]
    # The first of the best: names as they are, where nothing is better.
    choices.sort(key=lambda choice: choice[0].count(".") + choice[1].count("."))

    def fits(choice: tuple[str, str]) -> int:
        renamed = _renamed(found, *choice)
        return sum(name in renamed and renamed[name].shape == value.shape for name, value in parameters.items())

    return max(choices, key=fits)


def _starts(names: Iterable[str]) -> list[str]:
    """Give nothing, and every start of a name that ends in a dot."""
    starts = {"": None}
    for name in names:
        components = name.split(".")[:-1]
        for count in range(1, min(len(components), LONGEST_START) + 1):
            starts[".".join(components[:count]) + "."] = None
    return list(starts)


def _renamed(tensors: Mapping[str, Tensor], removed: str, added: str) -> dict[str, Tensor]:
    return {added + name.removeprefix(removed): value for name, value in tensors.items() if name.startswith(removed)}


def _described(tensors: Mapping[str, Tensor]) -> list[str]:
    return [f"{name} ({_by(tuple(value.shape))})" for name, value in tensors.items()]


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "one value"


def _some(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
