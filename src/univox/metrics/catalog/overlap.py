"""Metrics of shared voxels."""

from __future__ import annotations

from collections.abc import Callable

from univox.metrics import overlap
from univox.metrics.catalog.metric import Metric
from univox.metrics.evidence import ClassPair

GROUP = "overlap"
TAHA = "Taha, Hanbury, BMC Medical Imaging 15:29, 2015"


def _of(measure: Callable[[overlap.Counts], overlap.FloatArray]) -> Callable[[ClassPair], float]:
    return lambda pair: float(measure(pair.counts)[0])


OVERLAP: tuple[Metric[ClassPair], ...] = (
    Metric(
        name="dice",
        title="Dice",
        group=GROUP,
        unit="",
        direction="higher",
        best=1.0,
        range="0 to 1",
        value=_of(overlap.dice),
        what="Twice the shared voxels over the voxels of both masks: 2 |P and L| / (|P| + |L|).",
        use="The first figure of semantic segmentation, beside one of the boundary (surface Dice, HD95).",
        avoid="Structures of a few voxels, where one voxel decides; shapes that matter by their outline; counting of "
        "objects; comparison of classes of different size, since small ones score lower.",
        empty="both empty: nan; one empty: 0",
        source="Dice, Ecology 26(3), 1945",
        also=("DSC", "F1", "Dice similarity coefficient"),
    ),
    Metric(
        name="iou",
        title="IoU",
        group=GROUP,
        unit="",
        direction="higher",
        best=1.0,
        range="0 to 1",
        value=_of(overlap.iou),
        what="Shared voxels over the voxels of either mask; Dice = 2 IoU / (1 + IoU).",
        use="In place of Dice where a field reports it; never in addition, for it ranks single cases alike.",
        avoid="As Dice.",
        empty="both empty: nan; one empty: 0",
        source="Jaccard, Bulletin de la Société Vaudoise des Sciences Naturelles 37, 1901",
        also=("Jaccard", "intersection over union"),
    ),
    Metric(
        name="precision",
        title="Precision",
        group=GROUP,
        unit="",
        direction="higher",
        best=1.0,
        range="0 to 1",
        value=_of(overlap.precision),
        what="Share of the predicted voxels that are right.",
        use="With recall, to see whether a low Dice comes from too much or too little.",
        avoid="Alone: a prediction of one right voxel has precision 1.",
        empty="nothing predicted: nan; class absent from the label but predicted: 0",
        source=TAHA,
        also=("PPV", "positive predictive value"),
    ),
    Metric(
        name="recall",
        title="Recall",
        group=GROUP,
        unit="",
        direction="higher",
        best=1.0,
        range="0 to 1",
        value=_of(overlap.recall),
        what="Share of the label's voxels that were found.",
        use="With precision; where a missed voxel costs more than a false one.",
        avoid="Alone: a prediction of everything has recall 1.",
        empty="class absent from the label: nan; nothing predicted: 0",
        source=TAHA,
        also=("sensitivity", "TPR", "true positive rate"),
    ),
    Metric(
        name="specificity",
        title="Specificity",
        group=GROUP,
        unit="",
        direction="higher",
        best=1.0,
        range="0 to 1",
        value=_of(overlap.specificity),
        what="Share of the voxels outside the label that were left alone.",
        use="Where a protocol asks for it, on images of one size.",
        avoid="Mostly: the background is large, so that it is near 1 whatever is predicted, and grows with the field "
        "of view. Precision says more.",
        empty="both empty: 1; label everywhere: nan",
        source=TAHA,
        also=("TNR", "true negative rate"),
    ),
    Metric(
        name="accuracy",
        title="Accuracy",
        group=GROUP,
        unit="",
        direction="higher",
        best=1.0,
        range="0 to 1",
        value=_of(overlap.accuracy),
        what="Share of all voxels that are right about the class: in both masks or in neither.",
        use="Where a protocol asks for it, and classes of about equal size.",
        avoid="Small structures: an empty prediction scores near 1, and more so in a larger image.",
        empty="both empty: 1, for every voxel is right",
        source=TAHA,
        also=("pixel accuracy",),
    ),
)
