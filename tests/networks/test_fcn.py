from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from network_contract import NetworkContract
from torch import nn
from torch.nn import functional

from univox.errors import RecipeError
from univox.networks import count_parameters
from univox.networks.domain_parts import domain_state_names
from univox.networks.fcn import FCN

TINY = (2, 2, 3, 3, 4)


class FCNContract(NetworkContract):
    name = "fcn"
    divisor = 32

    def build(self, spatial_dims: int = 2, *, in_channels: int = 2, num_classes: int = 3) -> nn.Module:
        network = super().build(spatial_dims, in_channels=in_channels, num_classes=num_classes)
        for score in network.scores:  # they start at zero, where nothing below them has a gradient yet
            nn.init.normal_(score.weight)
        return network


class TestFCN8s(FCNContract):
    arguments: ClassVar[dict[str, Any]] = {"widths": TINY, "fc": (3, 8), "dropout": 0.1}


class TestFCN16sLearned(FCNContract):
    arguments: ClassVar[dict[str, Any]] = {
        "widths": [4, 4, 6, 6, 8],
        "fc": [1, 8],
        "stride": 16,
        "learned_upsampling": True,
        "skip_scales": [0.01, 0.0001],
    }
    dims = (2,)


class TestFCN32s(FCNContract):
    arguments: ClassVar[dict[str, Any]] = {"widths": TINY, "fc": (3, 8), "stride": 32, "dropout": 0.0}
    dims = (2,)


def parameters(in_channels: int, num_classes: int, spatial_dims: int = 2, **arguments: Any) -> int:
    with torch.device("meta"):
        return count_parameters(FCN(in_channels, num_classes, spatial_dims=spatial_dims, **arguments))


@pytest.mark.parametrize(
    ("stride", "fixed", "stored"),
    [(32, 134_346_581, 136_152_917), (16, 134_357_354, 134_815_994), (8, 134_362_751, 134_489_759)],
)
def test_the_counts_of_the_network_files(stride: int, fixed: int, stored: int) -> None:
    assert parameters(3, 21, stride=stride) == fixed
    assert parameters(3, 21, stride=stride, learned_upsampling=True) == stored


@pytest.mark.parametrize(
    ("spatial_dims", "counts"),
    [(2, (17_337_026, 17_338_052, 17_338_566)), (3, (51_474_242, 51_475_268, 51_475_782))],
)
def test_the_counts_of_the_compact_form(spatial_dims: int, counts: tuple[int, ...]) -> None:
    fc = None if spatial_dims == 3 else (3, 512)
    assert tuple(parameters(1, 2, spatial_dims, stride=stride, fc=fc) for stride in (32, 16, 8)) == counts


def test_the_counts_of_quarter_widths() -> None:
    quarter: dict[str, Any] = {"widths": (16, 32, 64, 128, 128)}
    assert parameters(1, 2, 2, fc=(3, 256), **quarter) == 1_282_358
    assert parameters(1, 2, 3, fc=(3, 256), **quarter) == 3_711_062


@pytest.mark.parametrize(("c", "n"), [(3, 1), (1, 2), (5, 7)])
def test_the_closed_forms(c: int, n: int) -> None:
    assert parameters(c, n) == 134_258_816 + 576 * c + 4867 * n
    assert parameters(c, n, fc=(3, 512)) == 17_335_424 + 576 * c + 1283 * n
    assert parameters(c, n, 3) == 51_471_488 + 1728 * c + 1283 * n


def test_each_layer_holds_its_share() -> None:
    with torch.device("meta"):
        network = FCN(3, 21)
    assert [count_parameters(network.fc[place]) for place in (0, 3)] == [102_764_544, 16_781_312]
    assert [count_parameters(score) for score in network.scores] == [4097 * 21, 513 * 21, 257 * 21]


def test_it_is_the_sum_of_its_scores_enlarged() -> None:
    # Each path by itself, with transposed convolutions of the published kernels.
    torch.manual_seed(0)
    network = FCN(1, 2, widths=TINY, fc=(3, 4), skip_scales=(0.5, 0.25)).double().eval()
    for score in network.scores:
        nn.init.normal_(score.weight)
    image = torch.randn(1, 1, 64, 32, dtype=torch.float64)
    pooled = [functional.max_pool2d(group, 2) for group in network.features(image)]

    def enlarged(scores: torch.Tensor, factor: int) -> torch.Tensor:
        triangle = 1 - (torch.arange(2 * factor, dtype=torch.float64) - (factor - 0.5)).abs() / factor
        kernel = (triangle[:, None] * triangle).expand(2, 1, 2 * factor, 2 * factor)
        return functional.conv_transpose2d(scores, kernel, stride=factor, padding=factor // 2, groups=2)

    coarse, middle = network.scores[0](network.fc(pooled[4])), network.scores[1](0.5 * pooled[3])
    fine = network.scores[2](0.25 * pooled[2])
    paths = enlarged(enlarged(enlarged(coarse, 2), 2), 8) + enlarged(enlarged(middle, 2), 8) + enlarged(fine, 8)
    torch.testing.assert_close(network(image), paths)


def test_scores_start_at_zero_and_learned_up_sampling_as_interpolation() -> None:
    torch.manual_seed(0)
    fixed = FCN(1, 2, widths=TINY, fc=(3, 4))
    learned = FCN(1, 2, widths=TINY, fc=(3, 4), learned_upsampling=True)
    image = torch.randn(1, 1, 32, 32)
    assert not fixed(image).any()
    learned.load_state_dict(fixed.state_dict(), strict=False)
    for score in fixed.scores:
        nn.init.normal_(score.weight)
    learned.scores.load_state_dict(fixed.scores.state_dict())
    torch.testing.assert_close(learned.eval()(image), fixed.eval()(image))
    assert "upsampling.0.convolution.weight" in domain_state_names(learned)


def test_one_network_can_start_from_another_with_coarser_scores() -> None:
    # The paper's staging: all that the coarser network holds has its place in the finer one.
    names = [FCN(1, 2, widths=TINY, fc=(3, 4), stride=stride).state_dict() for stride in (32, 16, 8)]
    shapes = [{name: value.shape for name, value in state.items()} for state in names]
    assert shapes[0].items() < shapes[1].items() < shapes[2].items()
    assert set(shapes[2]) - set(shapes[0]) == {f"scores.{n}.{part}" for n in (1, 2) for part in ("weight", "bias")}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"stride": 4}, "8, 16 or 32"),
        ({"fc": (7, 4096), "spatial_dims": 3}, r"\(7, 4096\) in 3-D"),
        ({"fc": (2, 8)}, "odd edge"),
        ({"fc": (3,)}, "odd edge and channels"),
        ({"widths": (2, 2)}, "five widths"),
        ({"skip_scales": (0.01,)}, "two skip_scales"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        FCN(1, 2, **arguments)
