"""Networks by name. Nothing here imports torch before a network is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from univox.errors import RecipeError
from univox.networks.entries import (
    attention_networks,
    fully_convolutional,
    library_networks,
    lightweight,
    neurite_networks,
    nonlocal_networks,
    own_networks,
    residual_attention,
    unets,
    universal_networks,
)
from univox.networks.entry import CountedForm, NetworkEntry

if TYPE_CHECKING:
    from torch import nn


# In the order of listing.
_FAMILIES = (
    own_networks.ENTRIES,
    unets.ENTRIES,
    fully_convolutional.ENTRIES,
    neurite_networks.ENTRIES,
    attention_networks.ENTRIES,
    universal_networks.ENTRIES,
    nonlocal_networks.ENTRIES,
    residual_attention.ENTRIES,
    lightweight.ENTRIES,
    library_networks.ENTRIES,
)

NETWORKS: dict[str, NetworkEntry] = {entry.name: entry for family in _FAMILIES for entry in family}


def build_network(
    name: str,
    *,
    in_channels: int,
    num_classes: int,
    spatial_dims: int,
    arguments: Mapping[str, Any] | None = None,
) -> nn.Module:
    """Build a network of the registry, or any `torch.nn.Module` by its dotted path.

    Args:
        name: A name of `NETWORKS`, or "package.module.Class". Such a class is given `arguments` alone (channels and
            classes under its own names for them), and `size_divisor` among them tells what sizes it takes.
        in_channels: Image channels.
        num_classes: Classes, background included.
        spatial_dims: 1, 2 or 3.
        arguments: Of the class.

    Returns:
        A module from (B, in_channels, *spatial) to logits (B, num_classes, *spatial), or what its `sizes` leave of
        *spatial where it is unpadded. A deeply supervised one returns, in training mode only, a tuple of logits,
        finest first.

    Raises:
        RecipeError: An unknown name or argument.
    """
    if name not in NETWORKS:
        return _build_foreign(name, num_classes=num_classes, spatial_dims=spatial_dims, arguments=arguments or {})
    entry = NETWORKS[name]
    kind = _import_class(entry.path)
    shape = {"in_channels": in_channels, "num_classes": num_classes, "spatial_dims": spatial_dims}
    return _construct(kind, {**entry.arguments, **shape, **(arguments or {})}, name=name)


def count_parameters(module: nn.Module) -> int:
    """Count the numbers that training changes; running statistics are none."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def describe_networks() -> list[dict[str, Any]]:
    """List every form of every network with its computed and its published number of parameters.

    Returns:
        One row per form: name, variant, title, year, source, library, in_channels, num_classes, spatial_dims,
        arguments, parameters, published (or None), rounded_to, rule (how it is counted), verdict ("exact",
        "stand-in", "differs" or "unpublished") and reason. Nothing is allocated: the networks are built without memory.
    """
    return [_describe(entry, form) for entry in NETWORKS.values() for form in entry.forms]


def build_without_memory(entry: NetworkEntry, form: CountedForm) -> nn.Module:
    """Build a form with its shapes alone, on torch's meta device."""
    import torch

    with torch.device("meta"):
        return build_network(
            entry.name,
            in_channels=form.in_channels,
            num_classes=form.num_classes,
            spatial_dims=form.spatial_dims,
            arguments=form.arguments,
        )


def _describe(entry: NetworkEntry, form: CountedForm) -> dict[str, Any]:
    built = build_without_memory(entry, form)
    parameters = _counter(form.counter)(built)
    return {
        "name": entry.name,
        "variant": form.variant,
        "title": entry.title,
        "year": entry.year,
        "source": entry.source,
        "library": entry.library,
        "in_channels": form.in_channels,
        "num_classes": form.num_classes,
        "spatial_dims": form.spatial_dims,
        "arguments": dict(form.arguments),
        "parameters": parameters,
        "published": form.published,
        "rounded_to": form.rounded_to,
        "rule": form.rule,
        "verdict": form.verdict(parameters),
        "reason": form.reason,
    }


def _counter(path: str) -> Callable[[nn.Module], int]:
    if not path:
        return count_parameters
    module_name, _, function = path.rpartition(".")
    return getattr(import_module(module_name), function)


def _build_foreign(name: str, *, num_classes: int, spatial_dims: int, arguments: Mapping[str, Any]) -> nn.Module:
    if "." not in name:
        raise RecipeError(
            expected=f"a network of {', '.join(NETWORKS)}, or a dotted path to a class",
            got=repr(name),
            remedy="see univox networks",
        )
    from univox.networks.foreign import ForeignNetwork

    given = dict(arguments)
    divisor = given.pop("size_divisor", 1)
    return ForeignNetwork(
        _construct(_import_class(name), given, name=name),
        num_classes=num_classes,
        spatial_dims=spatial_dims,
        size_divisor=divisor,
    )


def _import_class(path: str) -> type[nn.Module]:
    from torch import nn

    module_name, _, class_name = path.rpartition(".")
    try:
        kind = getattr(import_module(module_name), class_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise RecipeError(
            expected="the dotted path of a class that can be imported",
            got=f"{path!r} ({error})",
            remedy="correct the path, or install its package",
        ) from error
    if not (isinstance(kind, type) and issubclass(kind, nn.Module)):
        raise RecipeError(expected="a subclass of torch.nn.Module", got=repr(path), remedy="name the network's class")
    return kind


def _construct(kind: type[nn.Module], arguments: Mapping[str, Any], *, name: str) -> nn.Module:
    import inspect

    try:
        inspect.signature(kind).bind(**arguments)
    except TypeError as error:
        raise RecipeError(
            expected=f"arguments of {name}: {inspect.signature(kind)}",
            got=f"{dict(arguments)} ({error})",
            remedy="correct network.arguments in the recipe",
        ) from error
    return kind(**arguments)
