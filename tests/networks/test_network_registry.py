from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from univox.errors import RecipeError, ShapeError
from univox.networks import NETWORKS, CountedForm, build_network, count_parameters, describe_networks
from univox.networks.domain_parts import domain_state_names


class Affine(nn.Module):
    """A stand-in for a network of another library."""

    def __init__(self, *, scale: float, in_channels: int, classes: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(scale))
        self.classes = classes
        assert in_channels == 1

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.scale * image[:, :1].repeat(1, self.classes, *[1] * (image.ndim - 2))


HERE = f"{__name__}.Affine"
AFFINE = {"scale": 3.0, "in_channels": 1, "classes": 2}


def test_the_published_count_is_met_and_said_to_be() -> None:
    rows = {(row["name"], row["variant"]): row for row in describe_networks()}
    assert {name for name, _ in rows} == set(NETWORKS)
    assert len(rows) == sum(len(entry.forms) for entry in NETWORKS.values())
    row = rows["nonlocal-unet", ""]
    assert (row["parameters"], row["published"], row["verdict"]) == (1_821_124, 1_821_124, "exact")
    row = rows["nonlocal-unet", "released"]
    assert (row["parameters"], row["published"], row["verdict"]) == (1_760_452, 1_821_124, "differs")
    assert rows["residual-unet", ""]["verdict"] == "unpublished"
    assert rows["residual-unet", ""]["published"] is None


def test_a_stand_in_that_misses_its_number_differs() -> None:
    form = CountedForm(published=1_490_000, rounded_to=10_000, stand_in=True)
    assert [form.verdict(count) for count in (1_485_001, 1_494_999, 1_495_001)] == ["stand-in", "stand-in", "differs"]


def test_a_verdict_other_than_exact_has_its_reason() -> None:
    assert [row["name"] for row in describe_networks() if row["verdict"] != "exact" and not row["reason"]] == []


def test_a_way_of_counting_has_its_rule_in_words() -> None:
    forms = [form for entry in NETWORKS.values() for form in entry.forms]
    assert [form for form in forms if bool(form.counter) != bool(form.rule)] == []


def test_the_described_count_is_that_of_a_built_network() -> None:
    row = next(row for row in describe_networks() if row["name"] == "nonlocal-unet")
    shape = {name: row[name] for name in ("in_channels", "num_classes", "spatial_dims")}
    assert count_parameters(build_network(row["name"], **shape)) == row["parameters"]


def test_frozen_parameters_and_statistics_are_not_counted() -> None:
    module = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    module[0].bias.requires_grad_(False)
    assert count_parameters(module) == 6 + 6


def test_importing_the_registry_leaves_torch_alone() -> None:
    code = "import sys, univox.networks, univox.losses; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_dotted_path_builds_any_module() -> None:
    network = build_network(
        HERE,
        in_channels=1,
        num_classes=2,
        spatial_dims=2,
        arguments={"scale": 3.0, "in_channels": 1, "classes": 2, "size_divisor": (1, 4)},
    )
    assert network.sizes.divisor == (1, 4)
    assert domain_state_names(network) == ()
    image = torch.randn(2, 1, 3, 8)
    assert torch.equal(network(image), torch.cat([3 * image, 3 * image], dim=1))
    with pytest.raises(ShapeError, match="got 6 on axis W; remedy: pad or crop to 8"):
        network(torch.randn(2, 1, 3, 6))


def test_a_foreign_network_with_other_logits_is_refused() -> None:
    network = build_network(HERE, in_channels=1, num_classes=4, spatial_dims=2, arguments=AFFINE)
    with pytest.raises(ShapeError, match=r"\(1, 4, 8, 8\) from Affine, got shape \(1, 2, 8, 8\)"):
        network(torch.randn(1, 1, 8, 8))


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("no-such-net", {}, "a network of .*nonlocal-unet"),
        ("univox.networks.nowhere.Net", {}, "can be imported"),
        ("univox.networks.nonlocal_unet.Nothing", {}, "can be imported"),
        ("collections.OrderedDict", {}, "subclass of torch.nn.Module"),
        ("nonlocal-unet", {"depht": 3}, "'depht'"),
        (HERE, {"scale": 1.0, "in_channels": 1}, "classes"),
    ],
)
def test_a_slip_is_named(name: str, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        build_network(name, in_channels=1, num_classes=2, spatial_dims=3, arguments=arguments)


def test_a_network_of_another_library_stands_by_its_dotted_path() -> None:
    arguments = {
        "spatial_dims": 2,
        "in_channels": 1,
        "out_channels": 3,
        "kernel_size": [3, 3, 3],
        "strides": [1, 2, 2],
        "upsample_kernel_size": [2, 2],
        "filters": [4, 8, 8],
        "size_divisor": 4,
    }
    network = build_network(
        "monai.networks.nets.DynUNet", in_channels=1, num_classes=3, spatial_dims=2, arguments=arguments
    )
    assert network(torch.randn(2, 1, 8, 12)).shape == (2, 3, 8, 12)
    with pytest.raises(ShapeError, match="got 10 on axis W"):
        network(torch.randn(2, 1, 8, 10))
