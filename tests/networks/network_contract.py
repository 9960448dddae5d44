"""What every network promises; a network's test class inherits this and says how it is built."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from univox.errors import ShapeError
from univox.networks import build_network

AXES = ("D", "H", "W")


class NetworkContract:
    """Give `name`, small `arguments`, and the divisor of the sizes in each number of dimensions."""

    name: ClassVar[str]
    arguments: ClassVar[dict[str, Any]] = {}
    divisor: ClassVar[int]
    dims: ClassVar[tuple[int, ...]] = (1, 2, 3)

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
        sizes = [self.divisor * edge for edge in (2, 3, 1)[:spatial_dims]]
        return torch.randn(batch, in_channels, *sizes, generator=torch.Generator().manual_seed(1))

    @pytest.fixture(params=[1, 2, 3], ids=lambda dims: f"{dims}d")
    def spatial_dims(self, request: pytest.FixtureRequest) -> int:
        if request.param not in self.dims:
            pytest.skip(f"{self.name} has no {request.param}-D form")
        return request.param

    @pytest.mark.parametrize(("in_channels", "num_classes"), [(1, 2), (3, 5)])
    def test_logits_lie_on_the_images_grid(self, spatial_dims: int, in_channels: int, num_classes: int) -> None:
        network = self.build(spatial_dims, in_channels=in_channels, num_classes=num_classes)
        image = self.image(spatial_dims, in_channels=in_channels)
        assert network(image).shape == (2, num_classes, *image.shape[2:])

    def test_no_parameter_is_without_gradient(self, spatial_dims: int) -> None:
        network = self.build(spatial_dims)
        image = self.image(spatial_dims).repeat_interleave(2, dim=2)
        network(image).square().mean().backward()
        idle = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
        assert idle == []
        still = {name for name, p in network.named_parameters() if not p.grad.any()}
        # A softmax does not see what is added to all its scores alike: a key's bias only adds rounding.
        assert {name for name in still if not name.endswith("key.bias")} == set()

    def test_sizes_that_do_not_divide_are_named_with_the_next_that_fits(self, spatial_dims: int) -> None:
        network = self.build(spatial_dims)
        assert network.size_divisor == (self.divisor,) * spatial_dims
        for axis in range(spatial_dims):
            image = self.image(spatial_dims)
            good = image.shape[axis + 2]
            bad = torch.cat([image, image.narrow(axis + 2, 0, 1)], dim=axis + 2)
            name = AXES[-spatial_dims:][axis]
            with pytest.raises(ShapeError, match=f"got {good + 1} on axis {name}.* {good + self.divisor}$"):
                network(bad)

    def test_channels_and_axes_that_do_not_fit_are_named(self) -> None:
        network = self.build(2)
        with pytest.raises(ShapeError, match="expected 2 channels, got 4"):
            network(self.image(2, in_channels=4))
        with pytest.raises(ShapeError, match="4 axes"):
            network(self.image(3))

    def test_saved_and_loaded_it_gives_the_same_logits(self, tmp_path: Any) -> None:
        network, image = self.build(), self.image()
        network(image)  # moves the running statistics off their start
        save_file(network.state_dict(), tmp_path / "weights.safetensors")
        other = self.build()
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
        network, image = self.build().double().eval(), self.image().double()
        torch.testing.assert_close(network(image)[:1], network(image[:1]), rtol=1e-10, atol=1e-10)

    def test_a_seed_fixes_weights_and_dropout(self) -> None:
        first, second = self.build(), self.build()
        image = self.image()
        assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
        torch.manual_seed(5)
        once = first(image)
        torch.manual_seed(5)
        assert torch.equal(once, second(image))

    def test_bf16_autocast_stays_near_full_precision(self) -> None:
        network, image = self.build().eval(), self.image()
        plain = network(image)
        with torch.autocast("cpu", torch.bfloat16):
            rough = network(image)
        assert (rough.float() - plain).square().mean() < 1e-3 * plain.square().mean()

    def test_it_belongs_to_no_domain(self) -> None:
        assert self.build().domain_parameter_names() == ()

    def test_it_exports_as_one_graph(self) -> None:
        network, image = self.build().eval(), self.image()
        exported = torch.export.export(network, (image,)).module()
        torch.testing.assert_close(exported(image), network(image))
