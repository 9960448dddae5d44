"""What every network promises; a network's test class inherits this and says how it is built."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from univox.errors import ShapeError
from univox.networks import build_network
from univox.networks.domain_parts import domain_state_names

AXES = ("D", "H", "W")


def as_tuple(outputs: torch.Tensor | tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """The logits of a call, of a deeply supervised network or of another."""
    return outputs if isinstance(outputs, tuple) else (outputs,)


def shared_shapes(network: nn.Module) -> dict[str, torch.Size]:
    """Names and shapes of what no dataset owns."""
    own = domain_state_names(network)
    return {name: tensor.shape for name, tensor in network.state_dict().items() if name not in own}


def settled(network: nn.Module, image: torch.Tensor) -> nn.Module:
    """Running statistics as after some training: at their start, values grow without bound through residual blocks."""
    with torch.no_grad():
        for _ in range(30):
            network.train()(image)
    return network.eval()


class NetworkContract:
    """Give `name`, small `arguments`, and the sizes that fit, the same on every axis.

    Args:
        divisor: Distance between sizes that fit.
        smallest: The first of them; None: the divisor.
        margin: Voxels that the logits lack on either side.
        dims: Numbers of spatial axes that the network has a form for.
        outputs: Logits that a call returns in training mode.
        unmoved: Endings of parameter names whose gradient is zero by construction, each with its reason beside it.
        rounding: Share of the logits' power that bfloat16 may change; more than a thousandth has its reason.
    """

    name: ClassVar[str]
    arguments: ClassVar[dict[str, Any]] = {}
    divisor: ClassVar[int]
    smallest: ClassVar[int | None] = None
    margin: ClassVar[int] = 0
    dims: ClassVar[tuple[int, ...]] = (1, 2, 3)
    outputs: ClassVar[int] = 1
    # A softmax does not see what is added to all its scores alike: a key's bias only adds rounding.
    unmoved: ClassVar[tuple[str, ...]] = ("key.bias",)
    rounding: ClassVar[float] = 1e-3

    def build(self, spatial_dims: int = 2, *, in_channels: int = 2, num_classes: int = 3) -> nn.Module:
        torch.manual_seed(0)
        return build_network(
            self.name,
            in_channels=in_channels,
            num_classes=num_classes,
            spatial_dims=spatial_dims,
            arguments=self.arguments,
        )

    def image(self, spatial_dims: int = 2, *, batch: int = 2, in_channels: int = 2) -> torch.Tensor:
        smallest = self.divisor if self.smallest is None else self.smallest
        sizes = [smallest + self.divisor * steps for steps in (1, 2, 0)[:spatial_dims]]
        return torch.randn(batch, in_channels, *sizes, generator=torch.Generator().manual_seed(1))

    @property
    def small_dims(self) -> int:
        """Two axes where the network has such a form."""
        return 2 if 2 in self.dims else self.dims[0]

    @pytest.fixture(params=[1, 2, 3], ids=lambda dims: f"{dims}d")
    def spatial_dims(self, request: pytest.FixtureRequest) -> int:
        if request.param not in self.dims:
            pytest.skip(f"{self.name} has no {request.param}-D form")
        return request.param

    @pytest.mark.parametrize(("in_channels", "num_classes"), [(1, 2), (3, 5)])
    def test_logits_lie_on_the_images_grid(self, spatial_dims: int, in_channels: int, num_classes: int) -> None:
        network = self.build(spatial_dims, in_channels=in_channels, num_classes=num_classes)
        image = self.image(spatial_dims, in_channels=in_channels)
        inner = tuple(size - 2 * self.margin for size in image.shape[2:])
        assert network.sizes.inner(image.shape[2:]) == inner
        outputs = as_tuple(network(image))
        assert len(outputs) == self.outputs
        assert outputs[0].shape == (2, num_classes, *inner)
        assert all(output.shape[:2] == (2, num_classes) for output in outputs)
        assert network.eval()(image).shape == (2, num_classes, *inner)

    def test_no_parameter_is_without_gradient(self, spatial_dims: int) -> None:
        network = self.build(spatial_dims)
        image = self.image(spatial_dims)
        sum(output.square().mean() for output in as_tuple(network(image))).backward()
        idle = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
        assert idle == []
        still = {name for name, p in network.named_parameters() if not p.grad.any()}
        assert {name for name in still if not name.endswith(self.unmoved)} == set()

    def test_sizes_that_do_not_divide_are_named_with_the_next_that_fits(self, spatial_dims: int) -> None:
        network = self.build(spatial_dims)
        assert network.sizes.divisor == (self.divisor,) * spatial_dims
        if self.divisor == 1:
            pytest.skip(f"{self.name} takes every size")
        for axis in range(spatial_dims):
            image = self.image(spatial_dims)
            good = image.shape[axis + 2]
            bad = torch.cat([image, image.narrow(axis + 2, 0, 1)], dim=axis + 2)
            name = AXES[-spatial_dims:][axis]
            with pytest.raises(ShapeError, match=f"got {good + 1} on axis {name}.* {good + self.divisor}$"):
                network(bad)

    def test_channels_and_axes_that_do_not_fit_are_named(self) -> None:
        dims = self.dims[-1]
        network = self.build(dims)
        with pytest.raises(ShapeError, match="expected 2 channels, got 4"):
            network(self.image(dims, in_channels=4))
        with pytest.raises(ShapeError, match=f"{dims + 2} axes"):
            network(self.image(dims).unsqueeze(-1))

    def test_saved_and_loaded_it_gives_the_same_logits(self, tmp_path: Any) -> None:
        network, image = self.build(self.small_dims), self.image(self.small_dims)
        network(image)  # moves the running statistics off their start
        save_file(network.state_dict(), tmp_path / "weights.safetensors")
        other = self.build(self.small_dims)
        for parameter in other.parameters():
            nn.init.ones_(parameter)
        other.load_state_dict(load_file(tmp_path / "weights.safetensors"))
        assert torch.equal(network.eval()(image), other.eval()(image))

    @pytest.mark.parametrize("dims", [2, 3])
    def test_memory_format_does_not_change_the_values(self, dims: int) -> None:
        if dims not in self.dims:
            pytest.skip(f"{self.name} has no {dims}-D form")
        network, image = self.build(dims).double().eval(), self.image(dims).double()
        plain = network(image)
        last = torch.channels_last if dims == 2 else torch.channels_last_3d
        other = network.to(memory_format=last)(image.contiguous(memory_format=last))
        torch.testing.assert_close(other, plain, rtol=1e-10, atol=1e-10)

    def test_cases_of_a_batch_do_not_mix_in_prediction(self) -> None:
        network, image = self.build(self.small_dims).double().eval(), self.image(self.small_dims).double()
        torch.testing.assert_close(network(image)[:1], network(image[:1]), rtol=1e-10, atol=1e-10)

    def test_a_seed_fixes_weights_and_dropout(self) -> None:
        first, second = self.build(self.small_dims), self.build(self.small_dims)
        image = self.image(self.small_dims)
        assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
        torch.manual_seed(5)
        once = as_tuple(first(image))
        torch.manual_seed(5)
        again = as_tuple(second(image))
        assert all(torch.equal(a, b) for a, b in zip(once, again, strict=True))

    def test_bf16_autocast_stays_near_full_precision(self) -> None:
        image = self.image(self.small_dims)
        network = settled(self.build(self.small_dims), image)
        plain = network(image)
        with torch.autocast("cpu", torch.bfloat16):
            rough = network(image)
        assert (rough.float() - plain).square().mean() < self.rounding * plain.square().mean()

    def test_what_datasets_share_does_not_depend_on_channels_and_classes(self, spatial_dims: int) -> None:
        one = self.build(spatial_dims, in_channels=1, num_classes=2)
        other = self.build(spatial_dims, in_channels=3, num_classes=4)
        assert shared_shapes(one) == shared_shapes(other)
        assert shared_shapes(one)
        own = set(domain_state_names(one))
        modules = dict(one.named_modules())
        for part in one.domain_parts:
            assert {f"{part}.{name}" for name in modules[part].state_dict()} <= own

    def test_it_exports_as_one_graph(self) -> None:
        image = self.image(self.small_dims)
        network = settled(self.build(self.small_dims), image)
        exported = torch.export.export(network, (image,)).module()
        torch.testing.assert_close(exported(image), network(image))
