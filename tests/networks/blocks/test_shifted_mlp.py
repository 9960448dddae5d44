from __future__ import annotations

import pytest
import torch

from univox.networks import count_parameters
from univox.networks.blocks.shifted_mlp import LocalShiftedMLP, ShiftedMLP, shift_channels


def rolled(image: torch.Tensor, axis: int) -> torch.Tensor:
    """The released code's way: pad by 2, roll each chunk, cut the middle out."""
    pads = [2 if a == axis else 0 for a in reversed(range(2, image.ndim)) for _ in (0, 1)]
    padded = torch.nn.functional.pad(image, pads)
    moved = [torch.roll(chunk, steps, axis) for chunk, steps in zip(padded.chunk(5, 1), range(-2, 3), strict=False)]
    return torch.cat(moved, 1).narrow(axis, 2, image.shape[axis])


@pytest.mark.parametrize("channels", [5, 8, 12])
@pytest.mark.parametrize("axis", [2, 3])
def test_shifting_is_what_padding_rolling_and_cutting_give(channels: int, axis: int) -> None:
    image = torch.randn(2, channels, 3, 6)
    assert torch.equal(shift_channels(image, [axis]), rolled(image, axis))


def test_chunks_have_the_published_sizes() -> None:
    image = torch.ones(1, 256, 1)
    # On a map of one voxel only the middle chunk, which stays, is left.
    assert shift_channels(image, [2])[0, :, 0].nonzero().flatten().tolist() == list(range(2 * 52, 3 * 52))


def test_two_axes_move_one_after_the_other() -> None:
    image = torch.randn(1, 10, 5, 4, 6)
    assert torch.equal(shift_channels(image, [2, 3]), shift_channels(shift_channels(image, [2]), [3]))
    assert torch.equal(shift_channels(image, []), image)


@pytest.mark.parametrize(("spatial_dims", "per_channel", "more"), [(2, 14, 27), (3, 32, 127)])
def test_counts(spatial_dims: int, per_channel: int, more: int) -> None:
    plain = 2 * 100 + per_channel * 10
    assert count_parameters(ShiftedMLP(10, spatial_dims=spatial_dims)) == plain
    assert count_parameters(LocalShiftedMLP(10, spatial_dims=spatial_dims)) == plain + more * 10


@pytest.mark.parametrize("spatial_dims", [1, 2, 3])
def test_a_voxel_reaches_as_far_as_shifts_and_convolution_go(spatial_dims: int) -> None:
    torch.manual_seed(0)
    block = ShiftedMLP(5, spatial_dims=spatial_dims).double()
    image = torch.randn(1, 5, *[13] * spatial_dims, dtype=torch.float64, requires_grad=True)
    block(image)[(0, slice(None), *[6] * spatial_dims)].sum().backward()
    reached = (image.grad[0] != 0).any(0).nonzero() - 6
    # Two voxels of shift on each axis, and one of the convolution.
    assert reached.abs().amax(0).tolist() == [3] * spatial_dims


def test_gradients_are_right() -> None:
    torch.manual_seed(0)
    block = LocalShiftedMLP(5, spatial_dims=2).double()
    image = torch.randn(2, 5, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(block, image)
