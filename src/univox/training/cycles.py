"""Weights kept along the way, one file for the end of each cycle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from univox.errors import FileError
from univox.training.checkpoint import write_tensors

NAME = "weights-{:06d}.safetensors"


def keep_cycle(folder: Path, iteration: int, weights: Mapping[str, Tensor]) -> None:
    """Write the weights of an iteration as weights-NNNNNN.safetensors; the same ones make the same bytes.

    Raises:
        FileError: The file cannot be written.
    """
    write_tensors(folder / NAME.format(iteration), dict(weights), {"iteration": iteration})


def drop_cycles_after(folder: Path, iteration: int) -> None:
    """Remove kept weights that lie ahead of the checkpoint at `iteration`: a resumed run makes them anew.

    Raises:
        FileError: A file cannot be removed.
    """
    for path in folder.glob("weights-*.safetensors"):
        number = path.stem.removeprefix("weights-")
        if number.isdecimal() and int(number) > iteration:
            try:
                path.unlink()
            except OSError as error:
                raise FileError(
                    expected="to replace this file", got=str(error), remedy="make the folder writable", path=path
                ) from error
