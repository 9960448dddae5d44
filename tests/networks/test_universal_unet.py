from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from network_contract import NetworkContract
from torch import nn
from torch.nn import functional

from univox.errors import RecipeError
from univox.networks import count_parameters, describe_networks
from univox.networks.blocks.domain_adapter import DomainAdapter
from univox.networks.domain_parts import domain_state_names
from univox.networks.universal_counts import (
    count_added,
    count_added_weights,
    count_independent,
    count_of_five,
    count_of_one,
    count_separable_weights,
)
from univox.networks.universal_unet import UniversalUNet, pool_strides

# The base domains: channels, classes, halvings.
HEART, LIVER, HIPPOCAMPUS, PROSTATE, PANCREAS = (1, 2, (4, 5, 5)), (1, 2, 5), (1, 3, 3), (2, 3, (2, 5, 5)), (1, 2, 5)
BASE = (HEART, LIVER, HIPPOCAMPUS, PROSTATE, PANCREAS)


class TestUniversal(NetworkContract):
    name = "u2net"
    arguments: ClassVar[dict[str, Any]] = {"width": 4, "pools": 2}
    divisor = 4
    # Before instance norm a bias has no effect.
    unmoved = ("channelwise.bias", "convolution.bias")
    # Each of two dozen norms takes the mean away and so leaves a larger share of what was rounded before it: 3e-6
    # of the power per layer become 1 to 4 hundredths.
    rounding = 0.06


class TestBasic(TestUniversal):
    arguments: ClassVar[dict[str, Any]] = {"width": 4, "pools": 2, "units": "standard"}
    # Half as many norms; over the six voxels that this image has on the coarsest grid, up to 1.2e-3 by the seed.
    rounding = 2e-3


def counted(in_channels: int = 1, num_classes: int = 2, **arguments: Any) -> UniversalUNet:
    """The real widths, without memory."""
    with torch.device("meta"):
        return UniversalUNet(in_channels, num_classes, **arguments)


def small(in_channels: int = 1, num_classes: int = 2, **arguments: Any) -> UniversalUNet:
    return UniversalUNet(in_channels, num_classes, **{"spatial_dims": 2, "pools": 2, "width": 4, **arguments})


@pytest.mark.parametrize(
    ("domain", "parameters", "under_the_rule"),
    [
        (HEART, 33_113_214, 33_112_496),
        (LIVER, 33_113_214, 33_112_496),
        (HIPPOCAMPUS, 2_055_285, 2_054_448),
        (PROSTATE, 33_113_765, 33_112_496),
        (PANCREAS, 33_113_214, 33_112_496),
    ],
)
def test_independent_networks_have_the_reference_codes_parameters(
    domain: tuple[int, int, Any], parameters: int, under_the_rule: int
) -> None:
    in_channels, num_classes, pools = domain
    network = counted(in_channels, num_classes, pools=pools, units="standard")
    assert count_parameters(network) == parameters
    assert count_of_one(network) == under_the_rule


def joint_count(units: str, domains: tuple[tuple[int, int, Any], ...]) -> int:
    """All parameters of several datasets' networks that share what they may: the union, counted."""
    networks = [counted(c, n, units=units) for c, n, _ in domains]
    own = sum(p.numel() for net in networks for p in own_parameters(net).values())
    return own + sum(p.numel() for p in shared_parameters(networks[0]).values())


def own_parameters(network: nn.Module) -> dict[str, nn.Parameter]:
    own = set(domain_state_names(network))
    return {name: p for name, p in network.named_parameters() if name in own}


def shared_parameters(network: nn.Module) -> dict[str, nn.Parameter]:
    own = set(domain_state_names(network))
    return {name: p for name, p in network.named_parameters() if name not in own}


def test_sums_over_the_five_base_domains() -> None:
    assert sum(count_parameters(counted(c, n, pools=p, units="standard")) for c, n, p in BASE) == 134_508_692
    assert joint_count("standard", BASE) == 33_152_724
    assert joint_count("adapted", BASE) == 6_577_460
    # A sixth dataset: the spleen, of one channel and two classes.
    assert sum(p.numel() for p in own_parameters(counted(1, 2, units="standard")).values()) == 9_710
    assert sum(p.numel() for p in own_parameters(counted(1, 2)).values()) == 144_590


def test_counts_under_the_publications_rule() -> None:
    basic, universal = counted(units="standard"), counted()
    assert count_independent(basic) == 134_504_432
    assert count_of_five(basic) == 33_148_464
    assert count_of_five(universal) == 6_573_200
    assert (count_added(basic), count_added(universal)) == (8_992, 143_872)
    assert (count_separable_weights(universal), count_added_weights(universal)) == (1_742_320, 121_392)


def test_the_universal_network_splits_as_the_reference_code() -> None:
    network = counted()
    adapters = [m for m in network.modules() if isinstance(m, DomainAdapter)]
    strided = {name: p for name, p in network.down.named_parameters() if "convolution" in name}
    split = {
        "point-wise weights": sum(a.pointwise.convolution.weight.numel() for a in adapters),
        "point-wise biases": sum(a.pointwise.convolution.bias.numel() for a in adapters),
        "strided weights": sum(p.numel() for name, p in strided.items() if name.endswith("weight")),
        "strided biases": sum(p.numel() for name, p in strided.items() if name.endswith("bias")),
        "channel-wise weights": sum(a.channelwise.weight.numel() for a in adapters),
        "channel-wise biases": sum(a.channelwise.bias.numel() for a in adapters),
        "inner norms": sum(count_parameters(a.inner) for a in adapters),
        "outer norms": sum(count_parameters(a.outer) for a in adapters)
        + sum(count_parameters(m) for m in network.down.modules() if isinstance(m, nn.InstanceNorm3d)),
    }
    assert split == {
        "point-wise weights": 1_135_360,
        "point-wise biases": 3_504,
        "strided weights": 4_713_984,
        "strided biases": 992,
        "channel-wise weights": 121_392,
        "channel-wise biases": 4_496,
        "inner norms": 8_992,
        "outer norms": 8_992,
    }
    shared = set(shared_parameters(network))
    assert sum(p.numel() for name, p in network.named_parameters() if name in shared) == 5_853_840


@pytest.mark.parametrize(
    ("units", "parts"),
    [
        ("standard", {"encoder": 18_891_936, "down": 4_724_896, "up": 4_719_440, "decoder": 4_812_192}),
        ("adapted", {"encoder": 1_023_456, "down": 4_724_896, "up": 328_848, "decoder": 496_000}),
    ],
)
def test_parts_of_five_datasets_together(units: str, parts: dict[str, int]) -> None:
    network = counted(units=units)
    own = own_parameters(network)

    def of_five(part: str) -> int:
        named = {name: p for name, p in network.named_parameters() if name.startswith(f"{part}.")}
        return sum(p.numel() * (5 if name in own else 1) for name, p in named.items())

    assert {part: of_five(part) for part in parts} == parts
    left_out = [counted(c, n, units=units) for c, n, _ in BASE]
    assert sum(count_parameters(net.stem) for net in left_out) == 2_832
    assert sum(count_parameters(net.output) for net in left_out) == 204
    assert sum(count_parameters(net.supervision) for net in left_out) == 1_224


# The layer table, row by row.
def test_levels_have_the_published_widths_and_edges() -> None:
    network = counted()
    seen: dict[str, tuple[int, ...]] = {}

    def record(name: str) -> Any:
        return lambda _module, _inputs, out: seen.__setitem__(name, tuple(out.shape[1:3]))

    for part in ("encoder", "down", "up", "decoder"):
        for level, block in enumerate(getattr(network, part)):
            block.register_forward_hook(record(f"{part} {level}"))
    network(torch.zeros(2, 1, 128, 128, 128, device="meta"))
    for level, (width, edge) in enumerate([(16, 128), (32, 64), (64, 32), (128, 16), (256, 8), (512, 4)]):
        assert seen[f"encoder {level}"] == (width, edge)
        if level < 5:
            assert seen[f"down {level}"] == (2 * width, edge // 2)
            assert seen[f"up {level}"] == seen[f"decoder {level}"] == (width, edge)


@pytest.mark.parametrize(
    ("patch", "pools", "deepest"),
    [
        ((80, 192, 128), (4, 5, 5), (5, 6, 4)),
        ((128, 128, 128), (5, 5, 5), (4, 4, 4)),
        ((40, 56, 40), (3, 3, 3), (5, 7, 5)),
        ((20, 192, 192), (2, 5, 5), (5, 6, 6)),
        ((96, 160, 128), (4, 5, 5), (6, 5, 4)),
    ],
)
def test_domain_sized_patches_reach_their_deepest_map(
    patch: tuple[int, ...], pools: tuple[int, ...], deepest: tuple[int, ...]
) -> None:
    network = counted(pools=pools, units="standard")
    found: list[tuple[int, ...]] = []
    network.encoder[-1].register_forward_hook(lambda _module, _inputs, out: found.append(tuple(out.shape[2:])))
    assert network(torch.zeros(1, 1, *patch, device="meta")).shape == (1, 2, *patch)
    assert found == [deepest]


def test_strides_halve_each_axis_as_often_as_asked_the_first_levels_first() -> None:
    assert pool_strides((2, 5, 5)) == ((2, 2, 2), (2, 2, 2), (1, 2, 2), (1, 2, 2), (1, 2, 2))
    assert pool_strides((0, 1)) == ((1, 2),)


def test_padding_of_a_strided_unit_is_the_reference_codes() -> None:
    torch.manual_seed(0)
    strided = small(pools=(1, 2)).double().down[1][0]
    convolution, image = strided[0].convolution, torch.randn(1, 8, 6, 6, dtype=torch.float64)
    # The axis that is halved has a zero behind it, the other one on either side (last axis first).
    padded = functional.pad(image, (0, 1, 1, 1))
    expected = functional.conv2d(padded, convolution.weight, convolution.bias, stride=(1, 2))
    torch.testing.assert_close(strided[0](image), expected)
    assert expected.shape == (1, 16, 6, 3)


def test_deep_supervision_is_added_to_the_output() -> None:
    torch.manual_seed(0)
    network = small(pools=3).double()
    image = torch.randn(1, 1, 16, 16, dtype=torch.float64)
    maps: dict[str, torch.Tensor] = {}
    for level in (1, 2):
        network.supervision[str(level)].register_forward_hook(
            lambda _module, _inputs, out, level=level: maps.__setitem__(str(level), out)
        )
    network.output.register_forward_hook(lambda _module, _inputs, out: maps.__setitem__("output", out))
    total = network(image)
    assert (maps["2"].shape[2:], maps["1"].shape[2:]) == ((4, 4), (8, 8))

    def enlarged(scores: torch.Tensor) -> torch.Tensor:
        return scores.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)

    torch.testing.assert_close(total, maps["output"] + enlarged(maps["1"] + enlarged(maps["2"])))


@pytest.mark.parametrize(("pools", "levels"), [(1, set()), (2, {"1"}), (3, {"1", "2"}), (5, {"1", "2"})])
def test_levels_that_are_supervised(pools: int, levels: set[str]) -> None:
    assert set(counted(pools=pools).supervision) == levels


def test_kernels_are_drawn_by_their_fan_in_and_biases_are_zero() -> None:
    torch.manual_seed(0)
    network = UniversalUNet(1, 2, spatial_dims=2, pools=2, width=32)
    adapter = network.encoder[2].branch[0]
    assert adapter.channelwise.weight.std().item() == pytest.approx((2 / 9) ** 0.5, rel=0.1)
    assert adapter.pointwise.convolution.weight.std().item() == pytest.approx((2 / 128) ** 0.5, rel=0.05)
    assert network.down[1][0][0].convolution.weight.std().item() == pytest.approx((2 / (9 * 64)) ** 0.5, rel=0.05)
    assert not any(p.any() for name, p in network.named_parameters() if name.endswith("bias"))


@pytest.mark.parametrize("units", ["adapted", "standard"])
def test_training_one_datasets_own_parts_leaves_another_dataset_bit_for_bit(units: str) -> None:
    torch.manual_seed(0)
    liver, prostate = small(1, 2, units=units), small(2, 3, units=units)
    join(liver, prostate)
    held_out = torch.randn(2, 2, 16, 16)
    before = prostate(held_out).detach()
    optimizer = torch.optim.Adam(own_parameters(liver).values(), lr=0.01)
    image, start = torch.randn(2, 1, 16, 16), liver(torch.ones(1, 1, 16, 16)).detach()
    for _ in range(3):
        optimizer.zero_grad()
        functional.cross_entropy(liver(image), (image[:, 0] > 0).long()).backward()
        optimizer.step()
    assert not torch.equal(liver(torch.ones(1, 1, 16, 16)), start)
    assert torch.equal(prostate(held_out), before)


@pytest.mark.parametrize("units", ["adapted", "standard"])
def test_training_what_is_shared_moves_every_dataset(units: str) -> None:
    torch.manual_seed(0)
    liver, prostate = small(1, 2, units=units), small(2, 3, units=units)
    join(liver, prostate)
    held_out = torch.randn(2, 2, 16, 16)
    before = prostate(held_out).detach()
    liver(torch.randn(2, 1, 16, 16)).square().mean().backward()
    torch.optim.SGD(shared_parameters(liver).values(), lr=1.0).step()
    assert not torch.allclose(prostate(held_out), before)


def join(first: nn.Module, second: nn.Module) -> None:
    """Make what datasets share the same objects."""
    assert set(shared_parameters(first)) == set(shared_parameters(second)) != set()
    for name, parameter in shared_parameters(first).items():
        owner, _, attribute = name.rpartition(".")
        setattr(second.get_submodule(owner), attribute, parameter)


def test_what_a_universal_network_shares_is_pointwise_or_strided() -> None:
    shared = shared_parameters(counted())
    assert {name for name in shared if ".pointwise." not in name and not name.startswith("down.")} == set()
    assert len(shared) == 2 * (2 * 6 + 5 + 2 * 5 + 5)


def test_the_published_figures_are_told_with_their_verdicts() -> None:
    rows = {row["variant"]: row for row in describe_networks() if row["name"] == "u2net"}
    told = {variant: (r["parameters"], r["published"], r["verdict"]) for variant, r in rows.items() if r["published"]}
    assert told == {
        "universal of five, separable kernels": (1_742_320, 1_700_000, "exact"),
        "universal of five": (6_573_200, 1_700_000, "differs"),
        "universal, added by a dataset, kernels": (121_392, 100_000, "exact"),
        "universal, added by a dataset": (143_872, 100_000, "exact"),
        "independent, sum of five": (134_504_432, 126_700_000, "differs"),
        "shared by five": (33_148_464, 30_700_000, "differs"),
        "independent, added by a dataset": (33_112_496, 30_700_000, "differs"),
    }
    assert rows["shared, added by a dataset"]["published"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pools": 0}, "pools"),
        ({"pools": (-1, 2)}, "pools"),
        ({"pools": (1, 2, 3)}, "2 numbers, one per spatial axis"),
        ({"units": "separable"}, "'separable'"),
    ],
)
def test_a_slip_is_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        small(**arguments)
