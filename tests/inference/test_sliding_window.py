"""Windows and their blending, against whole-image answers and a written-out reference."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from univox.data.standardize import standardize
from univox.data.window import Window, regular_grid
from univox.errors import RecipeError, ShapeError
from univox.inference import sliding_window as apply
from univox.recipes.inference_settings import InferenceSettings

CONVOLUTION = {2: nn.Conv2d, 3: nn.Conv3d}
PAPER_BOX, PAPER_COUNTS = (100, 116, 148), {4: 11_880, 8: 1_920, 16: 378, 32: 80}


def exact(**changes: object) -> InferenceSettings:
    return InferenceSettings.model_validate({"precision": "fp32", **changes})


def convolution(dims: int, channels: int, classes: int, kernel: int) -> nn.Module:
    torch.manual_seed(dims + 10 * kernel)
    network = CONVOLUTION[dims](channels, classes, kernel, padding="same")
    nn.init.normal_(network.weight)
    return network


@st.composite
def problems(draw: st.DrawFn) -> tuple[Tensor, tuple[int, ...], tuple[int, ...]]:
    """An image, a window that may be larger or smaller than it, a step."""
    dims = draw(st.sampled_from([2, 3]))
    shape = draw(st.lists(st.integers(1, 9), min_size=dims, max_size=dims))
    size = draw(st.lists(st.integers(1, 6), min_size=dims, max_size=dims))
    step = tuple(draw(st.integers(1, edge)) for edge in size)
    image = torch.from_numpy(np.random.default_rng(draw(st.integers(0, 99))).normal(size=(2, *shape)))
    return image.float(), tuple(size), step


def reference(
    network: nn.Module, image: Tensor, size: tuple[int, ...], step: tuple[int, ...], blend: str
) -> np.ndarray:
    """Weighted sum and sum of weights of every voxel, one window at a time, in float64."""
    missing = [max(0, edge - length) for edge, length in zip(size, image.shape[1:], strict=True)]
    padded = np.pad(image.numpy(), [(0, 0), *((count // 2, count - count // 2) for count in missing)])
    weight = np.ones(size)
    for axis, edge in enumerate(size if blend == "gaussian" else ()):
        place = np.arange(edge) - (edge - 1) / 2
        weight *= np.exp(-0.5 * (place / (edge / 8)) ** 2).reshape([-1 if a == axis else 1 for a in range(len(size))])
    votes, visits = 0.0, np.zeros(padded.shape[1:])
    starts = [
        sorted({*range(0, length - edge + 1, pace), length - edge})
        for length, edge, pace in zip(padded.shape[1:], size, step, strict=True)
    ]
    for start in itertools.product(*starts):
        place = tuple(slice(s, s + edge) for s, edge in zip(start, size, strict=True))
        with torch.no_grad():
            logits = network(torch.from_numpy(padded[(slice(None), *place)])[None])
        one = np.zeros((logits.shape[1], *padded.shape[1:]))
        one[(slice(None), *place)] = logits.double().softmax(1)[0].numpy() * weight
        votes = votes + one
        visits[place] += weight
    inside = tuple(slice(m // 2, m // 2 + n) for m, n in zip(missing, image.shape[1:], strict=True))
    return (votes / visits)[(slice(None), *inside)]


@pytest.mark.parametrize("blend", ["uniform", "gaussian"])
@given(problem=problems())
@settings(deadline=None, max_examples=25)
def test_a_pointwise_network_does_not_notice_the_windows(blend: str, problem) -> None:
    image, size, step = problem
    network = convolution(len(size), 2, 3, 1)
    found = apply(network, image, window_size=size, num_classes=3, settings=exact(step=step, blend=blend))
    with torch.no_grad():
        expected = network(image[None]).softmax(1)[0]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("blend", ["uniform", "gaussian"])
@given(problem=problems())
@settings(deadline=None, max_examples=25)
def test_windows_are_averaged_as_written_out(blend: str, problem) -> None:
    image, size, step = problem
    network = convolution(len(size), 2, 3, 3)
    found = apply(network, image, window_size=size, num_classes=3, settings=exact(step=step, blend=blend))
    np.testing.assert_allclose(found.numpy(), reference(network, image, size, step, blend), atol=1e-5)
    torch.testing.assert_close(found.sum(0), torch.ones(image.shape[1:]), atol=1e-5, rtol=0)


@given(problem=problems(), count=st.integers(1, 7))
@settings(deadline=None, max_examples=25)
def test_any_number_of_windows_per_batch_gives_the_same(problem, count: int) -> None:
    image, size, step = problem
    network = convolution(len(size), 2, 3, 3)
    several, one = (
        apply(network, image, window_size=size, num_classes=3, settings=exact(step=step, windows_per_batch=number))
        for number in (count, 1)
    )
    torch.testing.assert_close(several, one, atol=1e-6, rtol=1e-5)


def test_the_order_of_windows_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    def shuffled(*args: object) -> list[Window]:
        windows = regular_grid(*args)  # pyright: ignore[reportArgumentType]
        random.Random(1).shuffle(windows)
        return windows

    image = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 11, 9, 10))).float()
    network = convolution(3, 2, 3, 3)
    options = {"window_size": (4, 6, 5), "num_classes": 3, "settings": exact(step=2)}
    ordered = apply(network, image, **options)
    monkeypatch.setitem(apply.__globals__, "regular_grid", shuffled)
    torch.testing.assert_close(apply(network, image, **options), ordered, atol=1e-6, rtol=1e-5)


class Visits(nn.Module):
    """Counts the windows that it is given; all classes are equally likely."""

    def __init__(self) -> None:
        super().__init__()
        self.windows = 0

    def forward(self, image: Tensor) -> Tensor:
        self.windows += image.shape[0]
        return image.new_zeros(()).expand(image.shape)


@pytest.mark.parametrize(("step", "count"), PAPER_COUNTS.items())
def test_the_published_numbers_of_windows_are_visited(step: int, count: int) -> None:
    # A quarter of every length has the same windows and a sixty-fourth of the voxels.
    shape, size = tuple(edge // 4 for edge in PAPER_BOX), (8, 8, 8)
    network = Visits()
    found = apply(network, torch.zeros(1, *shape), window_size=size, num_classes=1, settings=exact(step=step // 4))
    assert network.windows == count
    assert len(regular_grid(PAPER_BOX, (32, 32, 32), exact(step=step).steps((32, 32, 32)))) == count
    torch.testing.assert_close(found, torch.ones(1, *shape), atol=1e-5, rtol=0)


def test_standardized_windows_forget_scale_and_offset() -> None:
    image = torch.from_numpy(np.random.default_rng(3).normal(size=(2, 9, 8))).float()
    network = convolution(2, 2, 3, 3)
    options = {"window_size": (4, 5), "num_classes": 3, "settings": exact(step=3)}
    plain = apply(network, image, standardize_windows=True, **options)
    brighter = apply(network, 100 * image + 7, standardize_windows=True, **options)
    torch.testing.assert_close(plain, brighter, atol=1e-4, rtol=1e-3)
    whole = apply(network, image, standardize_windows=True, window_size=(9, 8), num_classes=3, settings=exact())
    with torch.no_grad():
        torch.testing.assert_close(whole, network(standardize(image[None])).softmax(1)[0])


@pytest.mark.parametrize("axes", [(1,), (2,), (1, 2)])
def test_mirror_averaging_makes_left_and_right_alike(axes: tuple[int, ...]) -> None:
    image = torch.from_numpy(np.random.default_rng(4).normal(size=(2, 8, 6))).float()
    network = convolution(2, 2, 3, 3)

    def difference(mirror: bool) -> float:
        options = {"window_size": (4, 4), "num_classes": 3, "settings": exact(step=2, mirror=mirror)}
        turned = apply(network, image.flip(axes), **options).flip(axes)
        return float((turned - apply(network, image, **options)).abs().max())

    assert difference(mirror=True) < 1e-6
    assert difference(mirror=False) > 1e-2


def test_dropout_sleeps_and_every_part_wakes_in_its_own_mode() -> None:
    network = nn.Sequential(convolution(2, 1, 2, 3), nn.Dropout(0.5), nn.BatchNorm2d(2))
    network.train()
    network[2].eval()
    image = torch.from_numpy(np.random.default_rng(5).normal(size=(1, 8, 8))).float()
    first, second = (apply(network, image, window_size=(4, 4), num_classes=2, settings=exact()) for _ in range(2))
    assert torch.equal(first, second)
    assert [module.training for module in network.modules()] == [True, True, True, False]
    assert not first.requires_grad
    first += 1  # an ordinary tensor, not one of inference mode


def test_bfloat16_stays_near_float32() -> None:
    image = torch.from_numpy(np.random.default_rng(6).normal(size=(2, 12, 12, 12))).float()
    network = convolution(3, 2, 3, 3)
    half, full = (
        apply(
            network,
            image,
            window_size=(8, 8, 8),
            num_classes=3,
            settings=InferenceSettings.model_validate({"precision": precision}),
        )
        for precision in ("bf16", "fp32")
    )
    assert half.dtype == torch.float32
    assert 0 < float((half - full).abs().max()) < 0.1


def test_memory_follows_the_image_not_the_number_of_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[int] = []

    def counted(batch: Tensor) -> Tensor:
        batches.append(math.prod(batch.shape[2:]) * batch.shape[0])
        return batch

    monkeypatch.setitem(apply.__globals__, "standardize", counted)
    apply(
        Visits(),
        torch.zeros(1, 64, 64, 64),
        window_size=(16, 16, 16),
        num_classes=1,
        settings=exact(),
        standardize_windows=True,
    )
    assert max(batches) == 8 * 32**3
    assert sum(batches) == 7**3 * 16**3


def test_what_does_not_fit_is_said() -> None:
    network = convolution(2, 1, 2, 3)
    with pytest.raises(ShapeError, match=r"2 spatial axes.*got shape \[1, 4, 4, 4\]"):
        apply(network, torch.zeros(1, 4, 4, 4), window_size=(4, 4), num_classes=2, settings=exact())
    with pytest.raises(ShapeError, match=r"expected logits of shape \[1, 3, 4, 4\], got \[1, 2, 4, 4\]"):
        apply(network, torch.zeros(1, 4, 4), window_size=(4, 4), num_classes=3, settings=exact())
    with pytest.raises(RecipeError, match="2 steps, none wider than the window"):
        apply(network, torch.zeros(1, 4, 4), window_size=(4, 4), num_classes=2, settings=exact(step=(5, 4)))
