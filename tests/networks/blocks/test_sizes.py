from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from univox.errors import ShapeError
from univox.networks.blocks.sizes import SizeRule


@given(st.integers(1, 9), st.integers(1, 40), st.integers(0, 100))
def test_the_size_that_fits_is_the_first_of_its_row(divisor: int, smallest: int, size: int) -> None:
    rule = SizeRule((divisor,), (smallest,))
    row = [smallest + divisor * step for step in range(200)]
    assert rule.fitting((size,)) == (next(fits for fits in row if fits >= size),)


def test_the_published_sizes() -> None:
    flat = SizeRule((16,) * 2, (188,) * 2, (92,) * 2)
    assert [flat.inner((size, size))[0] for size in (188, 204, 572)] == [4, 20, 388]
    deep = SizeRule((8,) * 3, (92,) * 3, (44,) * 3)
    assert deep.fitting((132, 132, 116)) == (132, 132, 116)
    assert deep.inner((132, 132, 116)) == (44, 44, 28)


def test_a_size_between_two_that_fit_is_named() -> None:
    with pytest.raises(ShapeError, match=r"188 \+ a multiple of 16, got 200 on axis W; remedy: pad or crop to 204"):
        SizeRule((16,) * 2, (188,) * 2, (92,) * 2).check_shape((188, 200))
    with pytest.raises(ShapeError, match="divisible by 16, at least 32, got 16 on axis D; remedy: pad or crop to 32"):
        SizeRule.multiples(16, 3, smallest=32).check_shape((16, 32, 48))
