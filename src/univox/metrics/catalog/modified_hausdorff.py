"""Metrics of lines of voxels."""

from __future__ import annotations

from univox.metrics.catalog.metric import Metric
from univox.metrics.evidence import ClassPair

GROUP = "modified-hausdorff"
SOURCE = "Dubuisson, Jain, ICPR 1994 (the distance of two sets); Wang et al., AAAI 2020 (the sets: all lines of voxels)"
EMPTY = (
    "both empty: nan, though the definition gives 0, so that such cases are counted and not averaged; one empty: "
    "finite, as the definition gives it, for an empty mask is a set of all-zero lines"
)


def _along(letter: str, axis_from_last: int, dims: tuple[int, ...]) -> Metric[ClassPair]:
    return Metric(
        name=f"mhd_{letter.lower()}",
        title=f"MHD along {letter}",
        group=GROUP,
        unit="sqrt(voxels)",
        direction="lower",
        best=0.0,
        range="0 to the root of the axis' length",
        value=lambda pair: pair.line_distances[axis_from_last],
        what=f"Mean distance of a line of voxels along axis {letter} to the nearest line of the other mask; every line "
        "of (D, H, W), as a vector of 0 and 1, counts, and of the two directions the larger mean.",
        use="To compare with papers that report it; earlier work looks at axis D alone.",
        avoid="As a distance of surfaces: it is in roots of voxels, not mm, and where a line lies does not count, so "
        "that a mask moved across the lines scores 0.",
        empty=EMPTY,
        source=SOURCE,
        also=("MHD", "modified Hausdorff distance"),
        dims=dims,
    )


MODIFIED_HAUSDORFF: tuple[Metric[ClassPair], ...] = (
    _along("D", -3, (3,)),
    _along("H", -2, (2, 3)),
    _along("W", -1, (1, 2, 3)),
    Metric(
        name="mhd_3d",
        title="3D-MHD",
        group=GROUP,
        unit="sqrt(voxels)",
        direction="lower",
        best=0.0,
        range="0 to the root of the longest axis",
        value=lambda pair: sum(pair.line_distances) / len(pair.line_distances),
        what="Mean of the MHD along the axes; of a 2-D image along its two.",
        use="To compare with the Non-local U-Net and what followed it.",
        avoid="As a distance of surfaces: it is in roots of voxels, not mm; and 0 does not mean equal masks.",
        empty=EMPTY,
        source=SOURCE,
    ),
)
