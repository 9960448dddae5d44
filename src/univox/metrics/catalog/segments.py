"""Metrics of a whole case's division into segments, as cells divided by membranes."""

from __future__ import annotations

from collections.abc import Callable

from univox.metrics.catalog.metric import Direction, Metric, Unit
from univox.metrics.evidence import SegmentPair
from univox.metrics.rand_error import SegmentAgreement, pixel_error

GROUP = "segments"
RAND = "Arganda-Carreras et al., Frontiers in Neuroanatomy 9:142, 2015; borders are taken as given, not thinned first"
BITS = "Meila, J. Multivariate Analysis 98(5), 2007; over the voxels in a segment of the label"
RULE = (
    "Segments are the pieces of the interior (`--interior`) that hang together across faces; only voxels inside one of "
    "the label count, and a voxel there that is predicted as border is a segment of its own."
)
EMPTY = "no segment in the label: nan; none predicted: finite, for every voxel is alone"


def _of(figure: Callable[[SegmentAgreement], float]) -> Callable[[SegmentPair], float]:
    return lambda pair: figure(pair.agreement)


def _part(
    name: str,
    title: str,
    figure: Callable[[SegmentAgreement], float],
    what: str,
    *,
    use: str,
    avoid: str,
    unit: Unit,
    also: tuple[str, ...] = (),
) -> Metric[SegmentPair]:
    direction: Direction = "lower" if unit == "bits" else "higher"
    return Metric(
        name=name,
        title=title,
        group=GROUP,
        unit=unit,
        direction=direction,
        best=0.0 if unit == "bits" else 1.0,
        range="0 to infinity" if unit == "bits" else "0 to 1",
        value=_of(figure),
        what=f"{what} {RULE}",
        use=use,
        avoid=avoid,
        empty=EMPTY,
        source=BITS if unit == "bits" else RAND,
        also=also,
    )


SEGMENTS: tuple[Metric[SegmentPair], ...] = (
    Metric(
        name="rand_error",
        title="Rand error",
        group=GROUP,
        unit="",
        direction="lower",
        best=0.0,
        range="0 to 1",
        value=_of(lambda agreement: agreement.adapted_rand_error),
        what="1 minus the F-score of pairs of voxels that belong to one segment (adapted Rand error, restricted to the "
        f"foreground). {RULE}",
        use="Cells divided by thin borders, as in electron microscopy: a gap of one voxel that joins two cells costs "
        "what it spoils.",
        avoid="Objects that do not fill the image: use the group `lesions`. Few large segments decide it: pairs grow "
        "with the square of their size. Borders drawn thicker than the label's cost a little everywhere.",
        empty=EMPTY,
        source=RAND,
        also=("ARAND", "adapted Rand error"),
    ),
    _part(
        "rand_split",
        "Rand split",
        lambda agreement: agreement.rand_split,
        "Share of the pairs that belong together which the prediction keeps together; low: too many splits.",
        use="With `rand_merge`, to see what the Rand error is made of.",
        avoid="Alone: one segment everywhere is never split.",
        unit="",
    ),
    _part(
        "rand_merge",
        "Rand merge",
        lambda agreement: agreement.rand_merge,
        "Share of the predicted pairs that belong together; low: too many mergers.",
        use="With `rand_split`; where mergers are harder to mend than splits.",
        avoid="Alone: voxels that are all alone merge nothing.",
        unit="",
    ),
    _part(
        "information_score",
        "Information score",
        lambda agreement: 1.0 - agreement.information_error,
        "Information that the two divisions share, over the mean of their entropies.",
        use="Beside the Rand error: large segments weigh less.",
        avoid="A label of one segment: it tells nothing that could be shared, so that any other division scores 0.",
        unit="",
        also=("V info", "foreground-restricted information theoretic score"),
    ),
    _part(
        "variation_of_information",
        "Variation of information",
        lambda agreement: agreement.variation_of_information,
        "Bits still missing to name a voxel's segment in either division once the other is known.",
        use="As the information score, in bits; its two parts add up to it.",
        avoid="To compare images of very different numbers of segments: more segments, more bits to miss.",
        unit="bits",
        also=("VI", "VOI"),
    ),
    _part(
        "information_split",
        "Information split",
        lambda agreement: agreement.information_split,
        "Bits missing to name the predicted segment once the label's is known; high: too many splits.",
        use="With `information_merge`, to see what the variation of information is made of.",
        avoid="Alone: one segment everywhere is never split.",
        unit="bits",
    ),
    _part(
        "information_merge",
        "Information merge",
        lambda agreement: agreement.information_merge,
        "Bits missing to name the label's segment once the predicted is known; high: too many mergers.",
        use="With `information_split`.",
        avoid="Alone: voxels that are all alone merge nothing.",
        unit="bits",
    ),
    Metric(
        name="pixel_error",
        title="Pixel error",
        group=GROUP,
        unit="",
        direction="lower",
        best=0.0,
        range="0 to 1",
        value=lambda pair: pixel_error(*pair.voxels),
        what="Share of all voxels that are interior in one map and not in the other (`--interior`).",
        use="Beside the Rand error, where a field reports it.",
        avoid="Alone: how thick a border is drawn decides it, and a gap that joins two cells costs a voxel.",
        empty="both empty: 0",
        source="Arganda-Carreras et al., Frontiers in Neuroanatomy 9:142, 2015",
        also=("voxel error",),
    ),
)
