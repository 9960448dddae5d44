"""Metrics of connected components, as lesions are."""

from __future__ import annotations

from collections.abc import Callable

from univox.metrics.catalog.metric import Metric
from univox.metrics.evidence import ClassPair

GROUP = "lesions"
SOURCE = "Carass et al., NeuroImage 148, 2017 (components that overlap); which voxels hang together is our choice"
RULE = (
    "Components hang together across faces, edges and corners; two match where they share a voxel, and several may "
    "match one."
)


def _number(
    name: str, title: str, value: Callable[[ClassPair], float], what: str, *, best: float | None
) -> Metric[ClassPair]:
    return Metric(
        name=name,
        title=title,
        group=GROUP,
        unit="count",
        direction="none" if best is None else "lower",
        best=best,
        range="0, 1, 2, ...",
        value=value,
        what=f"{what} {RULE}",
        use="To see what the rates are made of.",
        avoid="As a mean over cases of very different numbers of lesions.",
        empty="0",
        source=SOURCE,
    )


LESIONS: tuple[Metric[ClassPair], ...] = (
    _number("lesions_label", "Lesions, label", lambda pair: pair.lesions.label, "Lesions of the label.", best=None),
    _number(
        "lesions_prediction",
        "Lesions, prediction",
        lambda pair: pair.lesions.prediction,
        "Lesions of the prediction.",
        best=None,
    ),
    _number(
        "lesions_found",
        "Lesions found",
        lambda pair: pair.lesions.found,
        "Lesions of the label that match one of the prediction.",
        best=None,
    ),
    _number(
        "lesions_missed",
        "Lesions missed",
        lambda pair: pair.lesions.missed,
        "Lesions of the label that match none of the prediction.",
        best=0.0,
    ),
    _number(
        "lesions_false",
        "Lesions false",
        lambda pair: pair.lesions.false,
        "Lesions of the prediction that match none of the label.",
        best=0.0,
    ),
    Metric(
        name="lesion_recall",
        title="Lesion recall",
        group=GROUP,
        unit="",
        direction="higher",
        best=1.0,
        range="0 to 1",
        value=lambda pair: pair.lesions.recall,
        what=f"Share of the label's lesions that were found. {RULE}",
        use="Where to miss a lesion matters, however small it is.",
        avoid="Alone: one blob over the whole image finds everything. Organs and tissues, which are not counted.",
        empty="no lesion in the label: nan; none predicted: 0",
        source=SOURCE,
        also=("LTPR", "lesion-wise sensitivity"),
    ),
    Metric(
        name="lesion_precision",
        title="Lesion precision",
        group=GROUP,
        unit="",
        direction="higher",
        best=1.0,
        range="0 to 1",
        value=lambda pair: pair.lesions.precision,
        what=f"Share of the predicted lesions that match one of the label. {RULE}",
        use="Where false alarms cost.",
        avoid="Alone: one right lesion and no other has precision 1. It counts a speck like a tumor.",
        empty="none predicted: nan; none in the label but predicted: 0",
        source=SOURCE,
        also=("lesion-wise PPV",),
    ),
    Metric(
        name="lesion_f1",
        title="Lesion F1",
        group=GROUP,
        unit="",
        direction="higher",
        best=1.0,
        range="0 to 1",
        value=lambda pair: pair.lesions.f1,
        what=f"Harmonic mean of lesion recall and lesion precision. {RULE}",
        use="The figure of detection: beside Dice, which one large lesion decides.",
        avoid="Lesions that touch, which are one component; how well a lesion is outlined, for one voxel is a match.",
        empty="none on either side: nan; none on one side: 0",
        source=SOURCE,
        also=("lesion-wise F1",),
    ),
)
