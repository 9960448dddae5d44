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


@given(st.tuples(st.integers(1, 4), st.integers(1, 4)), st.tuples(st.integers(1, 40), st.integers(1, 40)))
def test_two_cells_are_left_on_the_coarsest_grid(powers: tuple[int, int], shape: tuple[int, int]) -> None:
    steps = (2 ** powers[0], 2 ** powers[1])
    rule, plain = SizeRule(steps, cell=steps), SizeRule(steps)
    fits = rule.fitting(shape)
    rule.check_shape(fits)
    cells = [size // step for size, step in zip(fits, steps, strict=True)]
    assert max(cells) > 1
    # Only the single cell is changed, and by one cell.
    assert fits == plain.fitting(shape) or (cells == [1, 2] and max(shape[0] - steps[0], shape[1] - steps[1]) <= 0)


def test_a_single_cell_is_named() -> None:
    rule = SizeRule((8, 1, 16), cell=(8, 1, 16))
    with pytest.raises(ShapeError, match="more than 8 x 1 x 16 on some axis, got 8 x 1 x 16; remedy: pad axis W to 32"):
        rule.check_shape((8, 1, 16))
    for shape in ((16, 1, 16), (8, 2, 16), (8, 1, 32)):
        rule.check_shape(shape)
