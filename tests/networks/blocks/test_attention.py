from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from univox.networks.blocks.attention import attend, draw_words, dropped_attention, kept_bits

LAWS = settings(deadline=None, max_examples=25)


def written_out(query: Tensor, key: Tensor, value: Tensor, kept: Tensor | float = 1.0) -> Tensor:
    weights = torch.softmax(query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1]), dim=-1)
    return (weights * kept) @ value


def inputs(
    batch: int = 2, heads: int = 2, queries: int = 7, keys: int = 5, channels: int = 3, values: int = 3
) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(queries * 31 + keys)
    shapes = (queries, channels), (keys, channels), (keys, values)
    return tuple(
        torch.randn(batch, heads, *shape, generator=generator, dtype=torch.float64).requires_grad_() for shape in shapes
    )


def gradients(result: Tensor, of: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    incoming = torch.randn(result.shape, generator=torch.Generator().manual_seed(9), dtype=result.dtype)
    return torch.autograd.grad(result, of, incoming)


def mask(words: tuple[Tensor, Tensor], dropout: float) -> Tensor:
    return kept_bits(words[0], words[1], dropout).ne(0).double() / (1 - dropout)


sizes = st.integers(1, 9)


@LAWS
@given(queries=sizes, keys=sizes, channels=sizes, values=sizes, heads=st.integers(1, 3))
def test_without_dropout_it_is_the_written_out_form(
    queries: int, keys: int, channels: int, values: int, heads: int
) -> None:
    given_ = inputs(1, heads, queries, keys, channels, values)
    ours, reference = attend(*given_), written_out(*given_)
    torch.testing.assert_close(ours, reference)
    torch.testing.assert_close(gradients(ours, given_), gradients(reference, given_))


@LAWS
@given(queries=sizes, keys=sizes, values=sizes, dropout=st.floats(0.0, 0.95), chunk_weights=st.integers(1, 100))
def test_with_dropout_it_is_the_written_out_form_under_the_same_mask(
    queries: int, keys: int, values: int, dropout: float, chunk_weights: int
) -> None:
    given_ = inputs(2, 2, queries, keys, 3, values)
    words = draw_words(given_[0], given_[1])
    ours = dropped_attention(*given_, words=words, dropout=dropout, chunk_weights=chunk_weights)
    reference = written_out(*given_, mask(words, dropout))
    torch.testing.assert_close(ours, reference)
    torch.testing.assert_close(gradients(ours, given_), gradients(reference, given_))


def test_gradient_is_the_numerical_one_under_a_fixed_seed() -> None:
    def seeded(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        torch.manual_seed(3)
        return attend(query, key, value, dropout=0.4)

    assert torch.autograd.gradcheck(seeded, inputs(1, 2, 4, 5, 3, 2))


def test_a_seed_fixes_the_mask_and_another_changes_it() -> None:
    given_ = inputs()
    results = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        results.append(attend(*given_, dropout=0.5))
    assert torch.equal(results[0], results[1])
    assert not torch.allclose(results[0], results[2])


@pytest.mark.parametrize("dropout", [0.1, 0.5, 0.9])
def test_the_kept_share_is_right_in_all_along_rows_and_along_columns(dropout: float) -> None:
    torch.manual_seed(0)
    words = draw_words(torch.empty(1, 1, 1000, 1), torch.empty(1, 1, 2000, 1))
    kept = kept_bits(words[0][0, 0], words[1][0, 0], dropout).ne(0).double()
    spread = math.sqrt(dropout * (1 - dropout))
    assert abs(kept.mean() - (1 - dropout)) < 4 * spread / math.sqrt(kept.numel())
    # Were rows or columns alike, their means would scatter more than those of independent draws.
    for axis, count in ((1, 2000), (0, 1000)):
        scatter = (kept.mean(axis) - (1 - dropout)).std() / (spread / math.sqrt(count))
        assert 0.9 < scatter < 1.1


def test_masks_of_two_queries_are_independent() -> None:
    torch.manual_seed(0)
    words = draw_words(torch.empty(1, 1, 200, 1), torch.empty(1, 1, 4000, 1))
    kept = kept_bits(words[0][0, 0], words[1][0, 0], 0.5).ne(0).double() * 2 - 1
    for signs in (kept, kept.T):
        correlation = signs @ signs.T / signs.shape[1]
        off = correlation[~torch.eye(len(correlation), dtype=torch.bool)]
        scale = 1 / math.sqrt(signs.shape[1])
        assert abs(off.mean()) < 0.1 * scale
        assert 0.9 * scale < off.std() < 1.1 * scale


def test_no_dropout_keeps_all() -> None:
    words = draw_words(torch.empty(1, 1, 50, 1), torch.empty(1, 1, 50, 1))
    assert kept_bits(words[0], words[1], 0.0).ne(0).all()


def test_the_mean_over_seeds_approaches_the_form_without_dropout() -> None:
    torch.manual_seed(0)
    given_ = tuple(x.detach() for x in inputs(1, 1, 6, 8, 4, 4))
    draws = torch.stack([attend(*given_, dropout=0.5) for _ in range(4000)])
    error = (draws.mean(0) - written_out(*given_)).abs() / (draws.std(0) / math.sqrt(len(draws)))
    assert error.max() < 5
    assert error.mean() < 1.2


def test_expectation_of_the_gradient_too() -> None:
    torch.manual_seed(0)
    given_ = inputs(1, 1, 4, 6, 4, 4)
    draws = torch.stack([gradients(attend(*given_, dropout=0.5), given_)[2] for _ in range(3000)])
    wanted = gradients(written_out(*given_), given_)[2]
    error = (draws.mean(0) - wanted).abs() / (draws.std(0) / math.sqrt(len(draws)))
    assert error.max() < 5


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_bf16_autocast_stays_near_float32(dropout: float) -> None:
    given_ = tuple(x.detach().float().requires_grad_() for x in inputs(1, 2, 64, 48, 16, 16))
    results = []
    for enabled in (False, True):
        torch.manual_seed(4)
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            result = attend(*given_, dropout=dropout)
        results.append((result.float(), *gradients(result, given_)))
    assert result.dtype == torch.bfloat16
    for plain, rough in zip(*results, strict=True):
        assert (rough - plain).norm() < 0.02 * plain.norm()


def test_channels_that_do_not_lie_side_by_side_are_taken_too() -> None:
    given_ = inputs()
    apart = tuple(x.detach().transpose(2, 3).contiguous().transpose(2, 3) for x in given_)
    torch.testing.assert_close(attend(*apart), written_out(*given_))
    torch.manual_seed(1)
    together = attend(*given_, dropout=0.3)
    torch.manual_seed(1)
    torch.testing.assert_close(attend(*apart, dropout=0.3), together)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_the_matrix_of_all_weights_is_never_held(dropout: float) -> None:
    query, key = torch.randn(1, 1, 8192, 8, requires_grad=True), torch.randn(1, 1, 4096, 8)
    largest = 0

    def watch(tensor: Tensor) -> Tensor:
        nonlocal largest
        largest = max(largest, tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(watch, watch):
        attend(query, key, key, dropout=dropout).sum().backward()
    assert largest <= query.numel()
    with torch.profiler.profile(profile_memory=True) as profile:
        attend(query, key, key, dropout=dropout).sum().backward()
    assert max(event.self_cpu_memory_usage for event in profile.events()) < 8192 * 4096
