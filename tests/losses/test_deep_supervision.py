from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from univox.losses import LOSSES, build_loss
from univox.losses.cross_entropy import CrossEntropy
from univox.losses.deep_supervision import DeepSupervision


class Recorder(nn.Module):
    """A loss that keeps the labels it was given and answers 1, 2, 3 in turn."""

    def __init__(self) -> None:
        super().__init__()
        self.labels: list[list[int]] = []

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        self.labels.append(label.flatten().tolist())
        return torch.tensor(float(len(self.labels)))


def outputs(*sizes: int) -> tuple[Tensor, ...]:
    return tuple(torch.zeros(1, 2, size) for size in sizes)


def test_weights_halve_and_sum_to_one() -> None:
    loss = DeepSupervision(Recorder())(outputs(4, 2, 1), torch.zeros(1, 4, dtype=torch.int64))
    assert loss.item() == pytest.approx((1 * 1.0 + 2 * 0.5 + 3 * 0.25) / 1.75)


def test_a_coarser_output_reads_the_label_at_its_centers() -> None:
    recorder = Recorder()
    DeepSupervision(recorder)(outputs(9, 3, 1), torch.arange(9)[None])
    assert recorder.labels == [list(range(9)), [1, 4, 7], [4]]
    recorder = Recorder()
    DeepSupervision(recorder)(outputs(4, 2), torch.arange(4)[None])
    assert recorder.labels[1] == [1, 3]


def test_axes_may_shrink_by_different_factors() -> None:
    recorder = Recorder()
    DeepSupervision(recorder)((torch.zeros(1, 2, 2, 2),), torch.arange(8).view(1, 2, 4))
    assert recorder.labels == [[1, 3, 5, 7]]


def test_one_output_is_the_loss_itself() -> None:
    logits, label = torch.randn(1, 3, 5, 5), torch.randint(0, 3, (1, 5, 5))
    wanted = CrossEntropy()(logits, label)
    assert torch.equal(build_loss("cross-entropy")(logits, label), wanted)
    torch.testing.assert_close(build_loss("cross-entropy")((logits, logits), label), wanted)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("ignore", [None, 2])
def test_every_loss_is_summed_over_outputs(name: str, dims: int, ignore: int | None) -> None:
    generator = torch.Generator().manual_seed(dims)
    outputs = [torch.randn(2, 3, *[n] * dims, generator=generator, requires_grad=True) for n in (8, 4, 2)]
    label = torch.randint(-1, 3, (2, *[8] * dims), generator=generator).clamp(min=0)
    loss = build_loss(name, **({} if ignore is None else {"ignore_index": ignore}))
    total = loss(tuple(outputs), label)
    halves = label[(slice(None), *[slice(1, None, 2)] * dims)]
    quarters = label[(slice(None), *[slice(2, None, 4)] * dims)]
    terms = [loss(output, at) for output, at in zip(outputs, (label, halves, quarters), strict=True)]
    torch.testing.assert_close(total, (4 * terms[0] + 2 * terms[1] + terms[2]) / 7)
    total.backward()
    assert all(output.grad.isfinite().all() and output.grad.any() for output in outputs)
