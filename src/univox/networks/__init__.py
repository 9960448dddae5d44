"""Networks by name; each maps an image of shape (B, C, *spatial) to logits of its grid.

Importing this package does not import torch: `build_network` does, when it is called.
"""

from univox.networks.entry import CountedForm, NetworkEntry
from univox.networks.registry import (
    NETWORKS,
    build_network,
    count_parameters,
    describe_networks,
)

__all__ = [
    "NETWORKS",
    "CountedForm",
    "NetworkEntry",
    "build_network",
    "count_parameters",
    "describe_networks",
]
