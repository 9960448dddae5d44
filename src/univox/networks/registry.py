"""Networks by name. Nothing here imports torch before a network is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from univox.errors import RecipeError

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class PublishedCount:
    """The number of parameters that a publication prints, and for which network."""

    in_channels: int
    num_classes: int
    spatial_dims: int
    parameters: int


@dataclass(frozen=True)
class NetworkEntry:
    """A network that a recipe can name.

    Args:
        name: As in the recipe.
        title: As in print.
        year: Of publication.
        path: "package.module.Class", imported when built.
        source: The publication.
        arguments: What the class is given unless the caller says otherwise.
        published: Printed parameter counts, if any.
    """

    name: str
    title: str
    year: int
    path: str
    source: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    published: tuple[PublishedCount, ...] = ()


_ENTRIES = (
    NetworkEntry(
        name="nonlocal-unet",
        title="Non-local U-Net",
        year=2020,
        path="univox.networks.nonlocal_unet.NonLocalUNet",
        source="Wang, Zou, Shen, Ji: Non-local U-Nets for Biomedical Image Segmentation, AAAI 2020",
        published=(PublishedCount(in_channels=2, num_classes=4, spatial_dims=3, parameters=1_821_124),),
    ),
    NetworkEntry(
        name="residual-unet",
        title="univox residual U-Net",
        year=2026,
        path="univox.networks.residual_unet.ResidualUNet",
        source="this project",
    ),
)

NETWORKS: dict[str, NetworkEntry] = {entry.name: entry for entry in _ENTRIES}


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
        A module from (B, in_channels, *spatial) to logits (B, num_classes, *spatial).

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
    """List every network with its computed and its published number of parameters.

    Returns:
        One row per published count, or one for one channel, two classes in 3-D: name, title, year, source,
        in_channels, num_classes, spatial_dims, parameters, published (or None), verdict ("exact", "differs" or
        "unpublished"). Nothing is allocated: the networks are built without memory.
    """
    return [row for entry in NETWORKS.values() for row in _describe(entry)]


def _describe(entry: NetworkEntry) -> list[dict[str, Any]]:
    import torch

    rows: list[dict[str, Any]] = []
    for count in entry.published or (None,):
        shape = {"in_channels": 1, "num_classes": 2, "spatial_dims": 3}
        if count is not None:
            shape = {name: getattr(count, name) for name in shape}
        with torch.device("meta"):
            built = build_network(
                entry.name,
                in_channels=shape["in_channels"],
                num_classes=shape["num_classes"],
                spatial_dims=shape["spatial_dims"],
            )
        parameters = count_parameters(built)
        published = None if count is None else count.parameters
        verdict = "unpublished" if published is None else "exact" if published == parameters else "differs"
        about = {"name": entry.name, "title": entry.title, "year": entry.year, "source": entry.source}
        rows.append({**about, **shape, "parameters": parameters, "published": published, "verdict": verdict})
    return rows


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
