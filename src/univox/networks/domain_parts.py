"""What of a network belongs to one dataset, and what all datasets may share."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _NormBase  # pyright: ignore[reportPrivateUsage] - the family's common class

from univox.networks.parts import names_under

_NORMALIZATIONS = (_NormBase, nn.GroupNorm, nn.LayerNorm, nn.LocalResponseNorm)


def domain_state_names(network: nn.Module) -> tuple[str, ...]:
    """Name the parameters and buffers that belong to one dataset rather than to all.

    A network lists its input layer, output layer and deep supervision in `domain_parts`, by the names of its modules;
    a block whose weights are a dataset's own says so by a true `of_domain`; and normalizations, with their running
    statistics, always are. A network without `domain_parts` (one from elsewhere) shares everything.

    Args:
        network: Of the registry.

    Returns:
        Names of `network.state_dict()`, in its order. Names and shapes of all others do not depend on the number of
        channels and classes.

    Source: Huang et al., MICCAI 2019, Fig. 1: the universal network's division.
    """
    parts: tuple[str, ...] | None = getattr(network, "domain_parts", None)
    if parts is None:
        return ()
    own = set(parts) | {name for name, module in network.named_modules() if _is_of_domain(module)}
    return names_under(network.state_dict(), sorted(own))


def _is_of_domain(module: nn.Module) -> bool:
    return isinstance(module, _NORMALIZATIONS) or getattr(module, "of_domain", False) is True
