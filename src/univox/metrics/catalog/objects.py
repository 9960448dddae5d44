"""Metrics of objects found one by one, as nuclei in a microscope's picture."""

from __future__ import annotations

from collections.abc import Callable

from univox.metrics.catalog.metric import Metric
from univox.metrics.evidence import SegmentPair
from univox.metrics.instances import ObjectScores, mean_average_precision

GROUP = "objects"
BOWL = "Data Science Bowl 2018, evaluation; there an IoU must exceed its threshold, here it may equal it"
PANOPTIC = "Kirillov et al., Panoptic segmentation, CVPR 2019; there an IoU must exceed 0.5, here it may equal it"
RULE = (
    "Objects are numbered in the label, or the connected components of each class; in the prediction those that "
    "`univox predict --instances` wrote, or the components of its class map. Each finds one other at most, and by an "
    "intersection over union (IoU) at or above the threshold."
)
EMPTY = "neither has an object: nan; one has none: 0"
AVOID = "Structures that are one piece: the overlap of the class says more, and does not jump at a threshold."


def _at(threshold: float, figure: Callable[[ObjectScores], float]) -> Callable[[SegmentPair], float]:
    return lambda pair: figure(pair.overlaps.at(threshold))


def _ratio(
    name: str,
    title: str,
    value: Callable[[SegmentPair], float],
    what: str,
    *,
    use: str,
    source: str,
    also: tuple[str, ...] = (),
    empty: str = EMPTY,
) -> Metric[SegmentPair]:
    return Metric(
        name=name,
        title=title,
        group=GROUP,
        unit="",
        direction="higher",
        best=1.0,
        range="0 to 1",
        value=value,
        what=f"{what} {RULE}",
        use=use,
        avoid=AVOID,
        empty=empty,
        source=source,
        also=also,
    )


OBJECTS: tuple[Metric[SegmentPair], ...] = (
    _ratio(
        "object_ap",
        "Object AP",
        lambda pair: mean_average_precision(pair.overlaps),
        "Mean over the IoU thresholds 0.5, 0.55 .. 0.95 of TP / (TP + FP + FN), of one case.",
        use="Counting and outlining cells: one figure in which missed, made up, merged and split objects cost alike, "
        "and outlines count.",
        source=BOWL,
        also=("AP", "mAP", "mean average precision"),
    ),
    _ratio(
        "object_ap_50",
        "Object AP at 0.5",
        _at(0.5, lambda scores: scores.average_precision),
        "TP / (TP + FP + FN) at an IoU of 0.5.",
        use="Whether objects are found and kept apart, whatever their outlines.",
        source=BOWL,
        also=("AP50",),
    ),
    _ratio(
        "object_ap_75",
        "Object AP at 0.75",
        _at(0.75, lambda scores: scores.average_precision),
        "TP / (TP + FP + FN) at an IoU of 0.75.",
        use="Whether objects are found with good outlines.",
        source=BOWL,
        also=("AP75",),
    ),
    _ratio(
        "object_f1",
        "Object F1",
        _at(0.5, lambda scores: scores.f1),
        "2 TP / (2 TP + FP + FN) at an IoU of 0.5.",
        use="As the AP at 0.5, on the scale of a Dice.",
        source=PANOPTIC,
        also=("recognition quality", "RQ"),
    ),
    _ratio(
        "segmentation_quality",
        "Segmentation quality",
        _at(0.5, lambda scores: scores.segmentation_quality),
        "Mean IoU of the objects that found each other, at an IoU of 0.5.",
        use="With `object_f1`, to see what the panoptic quality is made of.",
        source=PANOPTIC,
        also=("SQ",),
        empty="no object was found: nan",
    ),
    _ratio(
        "panoptic_quality",
        "Panoptic quality",
        _at(0.5, lambda scores: scores.panoptic_quality),
        "Segmentation quality times object F1, at an IoU of 0.5.",
        use="One figure of finding and outlining that comes apart into the two.",
        source=PANOPTIC,
        also=("PQ",),
    ),
)
