"""The optimizer that a recipe names, with weight decay where the recipe wants it."""

from __future__ import annotations

import torch
from torch import nn

from univox.recipes.recipe import Optimizer


def build_optimizer(network: nn.Module, settings: Optimizer) -> torch.optim.Optimizer:
    """Build Adam, AdamW or SGD over the trainable parameters; a frozen one is neither updated nor decayed.

    Kernels are the parameters of two or more axes: convolutions, transposed convolutions, projections.
    With `weight_decay_on: kernels` the others (biases, normalization) form a second group without decay.
    The decay of Adam and SGD is the coupled L2 of their publications, that of AdamW is decoupled.
    """
    trainable = [parameter for parameter in network.parameters() if parameter.requires_grad]
    kernels = [p for p in trainable if settings.weight_decay_on == "all" or p.ndim > 1]
    rest = [p for p in trainable if settings.weight_decay_on != "all" and p.ndim <= 1]
    groups = [
        {"params": kernels, "weight_decay": settings.weight_decay},
        {"params": rest, "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if settings.name == "sgd":
        return torch.optim.SGD(groups, lr=settings.lr, momentum=settings.momentum, nesterov=settings.nesterov)
    kind = torch.optim.AdamW if settings.name == "adamw" else torch.optim.Adam
    return kind(groups, lr=settings.lr, betas=settings.betas, eps=settings.epsilon)
