"""Metrics of size: volume in 3-D, area in 2-D."""

from __future__ import annotations

from univox.metrics import overlap
from univox.metrics.catalog.metric import Metric
from univox.metrics.evidence import ClassPair

GROUP = "volume"
TAHA = "Taha, Hanbury, BMC Medical Imaging 15:29, 2015"
ANY_SIZE = "0 to infinity"

VOLUME: tuple[Metric[ClassPair], ...] = (
    Metric(
        name="volume_label",
        title="Volume, label",
        group=GROUP,
        unit="size",
        direction="none",
        best=None,
        range=ANY_SIZE,
        value=lambda pair: float(overlap.extent(pair.counts.label, pair.spacing_mm)[0]),
        what="Size of the class in the label: mL in 3-D, mm2 in 2-D.",
        use="To read the other figures: what is small scores low.",
        avoid="As a score: it is none.",
        empty="absent: 0",
        source="voxels times the size of one",
    ),
    Metric(
        name="volume_prediction",
        title="Volume, prediction",
        group=GROUP,
        unit="size",
        direction="none",
        best=None,
        range=ANY_SIZE,
        value=lambda pair: float(overlap.extent(pair.counts.prediction, pair.spacing_mm)[0]),
        what="Size of the class in the prediction: mL in 3-D, mm2 in 2-D.",
        use="Where the size is what a study measures.",
        avoid="As a score: it is none.",
        empty="nothing predicted: 0",
        source="voxels times the size of one",
    ),
    Metric(
        name="volume_difference",
        title="Volume difference",
        group=GROUP,
        unit="size",
        direction="zero",
        best=0.0,
        range="any; positive is too large",
        value=lambda pair: float(overlap.volume_difference(pair.counts, pair.spacing_mm)[0]),
        what="Size in the prediction minus size in the label: mL in 3-D, mm2 in 2-D.",
        use="Where the size is what a study measures: its mean over cases is the bias, its spread the precision.",
        avoid="Alone: the right size may lie in the wrong place.",
        empty="both empty: 0; one empty: the size of the other, signed",
        source=TAHA,
    ),
    Metric(
        name="volume_difference_percent",
        title="Volume difference",
        group=GROUP,
        unit="%",
        direction="zero",
        best=0.0,
        range="-100 to infinity; positive is too large",
        value=lambda pair: float(overlap.volume_difference_percent(pair.counts)[0]),
        what="The difference of sizes in percent of the label's.",
        use="To compare cases and classes of different size.",
        avoid="Small structures, where a voxel is many percent. Too large is not bounded, too small is: the mean leans "
        "to the positive.",
        empty="both empty: nan; class absent from the label but predicted: infinite; nothing predicted: -100",
        source=TAHA,
        also=("RVD", "relative volume difference"),
    ),
    Metric(
        name="volume_similarity",
        title="Volume similarity",
        group=GROUP,
        unit="",
        direction="higher",
        best=1.0,
        range="0 to 1, never below Dice",
        value=lambda pair: float(overlap.volume_similarity(pair.counts)[0]),
        what="Likeness of the sizes, wherever they lie: 1 - ||P| - |L|| / (|P| + |L|).",
        use="Beside Dice: where it is high and Dice is low, the size is right and the place is wrong.",
        avoid="Alone: it is 1 for masks that share no voxel.",
        empty="both empty: nan; one empty: 0",
        source=TAHA,
        also=("VS", "volumetric similarity"),
    ),
)
