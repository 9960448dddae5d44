"""Parts of a network: which of its tensors are the encoder, and how a part is kept as it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from univox.errors import RecipeError

if TYPE_CHECKING:
    from torch import nn


def encoder_parts(network: nn.Module) -> tuple[str, ...]:
    """Give the names of the modules that make up a network's encoder, as its `encoder_parts` lists them.

    Raises:
        RecipeError: The network does not say, or lists something that it does not have.
    """
    parts: tuple[str, ...] | None = getattr(network, "encoder_parts", None)
    kind = type(network).__name__
    if not parts:
        raise RecipeError(
            expected="a network that says which of its parts are the encoder",
            got=f"{kind}, which does not",
            remedy="take the whole network and freeze nothing, or give its class an attribute encoder_parts",
        )
    names = tuple(network.state_dict())
    empty = [part for part in parts if not names_under(names, [part])]
    if empty:
        raise RecipeError(
            expected=f"encoder_parts of {kind} to list parts that have parameters",
            got=repr(empty[0]),
            remedy="mend the network's list",
        )
    return tuple(parts)


def names_under(names: Iterable[str], parts: Sequence[str]) -> tuple[str, ...]:
    """Give the names that are one of `parts` or lie below one, in their order.

    >>> names_under(["stem.weight", "stem2.weight", "encoder.0.weight"], ["stem", "encoder"])
    ('stem.weight', 'encoder.0.weight')
    """
    return tuple(name for name in names if any(name == part or name.startswith(f"{part}.") for part in parts))


def freeze(network: nn.Module, parts: Sequence[str]) -> int:
    """Take parts out of the training: no gradient is computed for their parameters.

    Their normalization and dropout are a matter of mode: `train_all_but` keeps it.

    Returns:
        The number of values frozen.
    """
    parameters = dict(network.named_parameters())
    frozen = [parameters[name].requires_grad_(False) for name in names_under(parameters, parts)]
    return sum(parameter.numel() for parameter in frozen)


def train_all_but(network: nn.Module, parts: Sequence[str]) -> None:
    """Put a network into training mode, and `parts` of it into evaluation mode.

    Frozen normalization so uses its running statistics and leaves them as they are; frozen dropout does nothing.
    """
    network.train()
    modules = dict(network.named_modules())
    for name in names_under(modules, parts):
        modules[name].eval()
