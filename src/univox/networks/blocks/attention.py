"""Scaled dot-product attention that never holds the matrix of all queries by all keys.

Without dropout torch's own call does it. With dropout on a CPU that call falls back to the whole matrix, so queries
go in chunks here, and the backward computes each chunk's weights anew. Whether a weight is dropped is a hash of one
random word of its query and one of its key: the words are drawn once per call from torch's default generator, the
mask is never stored, and it depends on the position alone, not on the chunks or on the number of threads.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from univox.networks.blocks.precision import autocast

# Weights in flight: a few float32 arrays of this many fit the second-level caches of two cores.
CHUNK_WEIGHTS = 2**19


def attend(query: Tensor, key: Tensor, value: Tensor, *, dropout: float = 0.0) -> Tensor:
    """Compute softmax(Q K^T / sqrt(c)) V, with dropout on the weights.

    Args:
        query: (B, heads, N, c).
        key: (B, heads, M, c).
        value: (B, heads, M, v).
        dropout: Probability that a weight is zeroed; the others grow by 1 / (1 - dropout).

    Returns:
        (B, heads, N, v).
    """
    query, key, value = autocast(query), autocast(key), autocast(value)
    # The fused kernel reads only channels that lie side by side and are as many in values as in keys.
    if query.device.type != "cpu" or (dropout == 0.0 and key.shape[-1] == value.shape[-1]):
        query, key, value = (x if x.stride(-1) == 1 else x.contiguous() for x in (query, key, value))
        return functional.scaled_dot_product_attention(query, key, value, dropout_p=dropout)
    words = draw_words(query, key)
    return dropped_attention(query, key, value, words=words, dropout=dropout)


def draw_words(query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
    """Draw a 32-bit word for each query (B, heads, N) and key (B, heads, M) from torch's default generator."""
    low, high = -(2**31), 2**31
    rows = torch.randint(low, high, query.shape[:-1], dtype=torch.int32, device=query.device)
    columns = torch.randint(low, high, key.shape[:-1], dtype=torch.int32, device=key.device)
    return rows, columns


def dropped_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    words: tuple[Tensor, Tensor],
    dropout: float,
    chunk_weights: int = CHUNK_WEIGHTS,
) -> Tensor:
    """Attention whose dropout mask follows from `words`; chunk by chunk, in the backward too.

    Args:
        query: (B, heads, N, c).
        key: (B, heads, M, c).
        value: (B, heads, M, v).
        words: What `draw_words` gives.
        dropout: In [0, 1).
        chunk_weights: Weights held at a time; no part of the result beyond rounding.

    Returns:
        (B, heads, N, v).
    """
    return cast(Tensor, _DroppedAttention.apply(query, key, value, *words, dropout, chunk_weights))


def kept_bits(rows: Tensor, columns: Tensor, dropout: float) -> Tensor:
    """All bits set where a weight is kept, none where it is dropped, as int32 of shape (rows, columns).

    Bits rather than booleans: torch multiplies by a boolean an order of magnitude slower than it ands integers.
    """
    mixed = torch.bitwise_xor(rows.unsqueeze(-1), columns.unsqueeze(-2))
    # Two rounds of multiply and fold, constants of Fibonacci hashing and of the lowbias32 hash.
    mixed.mul_(-1640531527)
    mixed.bitwise_xor_(mixed >> 15).mul_(0x2C1B3C6D)
    threshold = round((1.0 - dropout) * 2**31) - 2**30
    if threshold:
        # One bit is given up so that the subtraction cannot wrap around; its sign then is the answer.
        mixed.bitwise_right_shift_(1).sub_(threshold)
    return mixed.bitwise_right_shift_(31)


def _masked(weights: Tensor, bits: Tensor) -> Tensor:
    """Zero, in place, the weights (float32 or float64) whose bits are not set."""
    integers = weights.view(torch.int32 if weights.dtype == torch.float32 else torch.int64)
    integers.bitwise_and_(bits)
    return weights


def _wide(tensor: Tensor) -> torch.dtype:
    """The precision of the softmax and of sums over chunks: float32 at least."""
    return torch.promote_types(tensor.dtype, torch.float32)


def _weights(scaled_query: Tensor, key: Tensor) -> Tensor:
    """Softmax over keys of a chunk of queries."""
    return torch.softmax(scaled_query @ key.transpose(0, 1), dim=-1, dtype=_wide(key))


class _DroppedAttention(torch.autograd.Function):
    """Chunks of queries, one head of one case at a time; weights recomputed in the backward."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        query, key, value, rows, columns, dropout, chunk_weights = inputs
        batch, heads, queries, channels = query.shape
        # Stored (B, N, heads, v), so that joining the heads again is a view.
        out = value.new_empty(batch, queries, heads, value.shape[-1]).transpose(1, 2)
        ctx.scale, ctx.dropout = channels**-0.5, dropout
        ctx.chunk = max(1, chunk_weights // key.shape[2])
        with torch.autocast(query.device.type, enabled=False):
            for index in _heads(batch, heads):
                scaled = query[index] * ctx.scale
                grown = value[index] / (1.0 - dropout)
                for part in _chunks(queries, ctx.chunk):
                    weights = _weights(scaled[part], key[index])
                    bits = kept_bits(rows[index][part], columns[index], dropout)
                    out[index][part] = _masked(weights, bits).to(value.dtype) @ grown
        ctx.save_for_backward(query, key, value, rows, columns, out)
        return out

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride] - the decorator hides the names
        ctx: Any, *gradients: Any
    ) -> tuple[Tensor | None, ...]:
        query, key, value, rows, columns, out = ctx.saved_tensors
        gradient = gradients[0].to(value.dtype)
        wide = _wide(query)
        to_query, to_key, to_value = (torch.empty_like(x) for x in (query, key, value))
        # sum_j A_ij dA_ij of the softmax's gradient, from the output alone.
        along = (gradient.to(wide) * out.to(wide)).sum(-1, keepdim=True)
        gradient = gradient / (1.0 - ctx.dropout)
        with torch.autocast(query.device.type, enabled=False):
            for index in _heads(*query.shape[:2]):
                scaled = query[index] * ctx.scale
                key_sum = torch.zeros_like(key[index], dtype=wide)
                value_sum = torch.zeros_like(value[index], dtype=wide)
                for part in _chunks(query.shape[2], ctx.chunk):
                    weights = _weights(scaled[part], key[index])
                    bits = kept_bits(rows[index][part], columns[index], ctx.dropout)
                    incoming = gradient[index][part]
                    through = _masked((incoming @ value[index].transpose(0, 1)).to(wide), bits)
                    to_scores = through.sub_(along[index][part]).mul_(weights).to(query.dtype)
                    dropped = _masked(weights, bits).to(value.dtype)
                    value_sum += dropped.transpose(0, 1) @ incoming
                    key_sum += to_scores.transpose(0, 1) @ scaled[part]
                    to_query[index][part] = (to_scores @ key[index]).mul_(ctx.scale)
                to_key[index], to_value[index] = key_sum, value_sum
        return to_query, to_key, to_value, None, None, None, None


def _heads(batch: int, heads: int) -> list[tuple[int, int]]:
    return [(case, head) for case in range(batch) for head in range(heads)]


def _chunks(queries: int, chunk: int) -> list[slice]:
    return [slice(start, min(start + chunk, queries)) for start in range(0, queries, chunk)]
