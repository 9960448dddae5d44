"""Metrics of probabilities."""

from __future__ import annotations

from univox.metrics.calibration import Calibration
from univox.metrics.catalog.metric import Metric

GROUP = "calibration"
GUO = "Guo et al., ICML 2017, section 2"

CALIBRATION: tuple[Metric[Calibration], ...] = (
    Metric(
        name="expected_calibration_error",
        title="Expected calibration error",
        group=GROUP,
        unit="",
        direction="lower",
        best=0.0,
        range="0 to 1",
        value=lambda calibration: calibration.expected_error,
        what="Mean over the voxels of how far the confidence of their bin lies from the share of it that is right; "
        "needs saved probabilities.",
        use="Where probabilities are used as such: thresholds, maps of uncertainty, decisions by risk.",
        avoid="To compare accuracy. Most voxels are easy background, so that a whole image looks well calibrated.",
        empty="no voxel: nan",
        source=GUO,
        also=("ECE",),
    ),
    Metric(
        name="maximum_calibration_error",
        title="Maximum calibration error",
        group=GROUP,
        unit="",
        direction="lower",
        best=0.0,
        range="0 to 1",
        value=lambda calibration: calibration.maximum_error,
        what="The largest distance of confidence and share of right voxels in any bin; needs saved probabilities.",
        use="Where the worst confidence matters.",
        avoid="Few voxels: a bin of three decides it.",
        empty="no voxel: nan",
        source=GUO,
        also=("MCE",),
    ),
)
