from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from univox.networks.blocks.bilinear import BilinearUpSampling, LearnedUpSampling, bilinear_kernel

DECONVOLVE = {1: functional.conv_transpose1d, 2: functional.conv_transpose2d, 3: functional.conv_transpose3d}


def test_the_kernel_of_edge_four_is_the_one_worked_by_hand() -> None:
    row = torch.tensor([0.25, 0.75, 0.75, 0.25])
    assert torch.equal(bilinear_kernel(2, 1), row)
    assert torch.equal(bilinear_kernel(2, 2), row[:, None] * row)
    assert bilinear_kernel(8, 3).shape == (16, 16, 16)


@pytest.mark.parametrize(("dims", "factor"), [(1, 32), (1, 2), (2, 2), (2, 8), (3, 2), (3, 4)])
def test_it_is_the_transposed_convolution_up_to_the_border(dims: int, factor: int) -> None:
    torch.manual_seed(0)
    image = torch.randn(2, 3, *(3, 2, 4)[:dims], dtype=torch.float64)
    kernel = bilinear_kernel(factor, dims).double().expand(3, 1, *[2 * factor] * dims)
    deconvolved = DECONVOLVE[dims](image, kernel, stride=factor, padding=factor // 2, groups=3)
    torch.testing.assert_close(BilinearUpSampling(factor, dims)(image), deconvolved)
    learned = LearnedUpSampling(3, factor, dims).double()
    torch.testing.assert_close(learned(image), deconvolved)


def test_away_from_the_border_it_is_interpolation() -> None:
    image = torch.randn(1, 2, 6, 5, generator=torch.Generator().manual_seed(0))
    plain = functional.interpolate(image, scale_factor=4, mode="bilinear", align_corners=False)
    torch.testing.assert_close(BilinearUpSampling(4, 2)(image)[..., 2:-2, 2:-2], plain[..., 2:-2, 2:-2])


def test_a_constant_stays_one_inside_and_fades_to_the_border() -> None:
    grown = BilinearUpSampling(2, 1)(torch.ones(1, 1, 3))
    assert grown.flatten().tolist() == [0.75, 1.0, 1.0, 1.0, 1.0, 0.75]
