from __future__ import annotations

import torch
from torch import nn

from univox.networks.blocks.attention_gate import AttentionGate
from univox.networks.blocks.conv import centered_layers


def gate() -> AttentionGate:
    torch.manual_seed(0)
    return AttentionGate(4, 3, 2, layers=centered_layers(2), normalization=lambda _channels: nn.Identity())


def test_every_channel_of_a_voxel_is_weighed_alike_by_a_number_below_one() -> None:
    image, guide = torch.rand(2, 4, 5, 6) + 0.1, torch.randn(2, 3, 5, 6)
    weights = gate()(image, guide) / image
    torch.testing.assert_close(weights, weights[:, :1].expand_as(weights))
    assert ((weights > 0) & (weights < 1)).all()


def test_the_weight_is_worked_by_hand() -> None:
    module = gate()
    for parameter in module.parameters():
        nn.init.zeros_(parameter)
    nn.init.ones_(module.from_image[0].weight)
    nn.init.constant_(module.from_guide[0].weight, -1.0)
    nn.init.ones_(module.score[1][0].weight)
    # Channel sums 4 and 3: two hidden numbers of ReLU(4 - 3) = 1 give a score of 2; exchanged, a score of 0.
    image, guide = torch.ones(1, 4, 1, 1), torch.ones(1, 3, 1, 1)
    torch.testing.assert_close(module(image, guide), torch.sigmoid(torch.tensor(2.0)).expand(1, 4, 1, 1))
    torch.testing.assert_close(module(image, 2 * guide), torch.full((1, 4, 1, 1), 0.5))
