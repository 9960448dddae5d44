"""Metrics of the distance between surfaces."""

from __future__ import annotations

from univox.metrics.catalog.metric import Metric
from univox.metrics.evidence import ClassPair

GROUP = "surface"

SURFACE: tuple[Metric[ClassPair], ...] = (
    Metric(
        name="hd95_mm",
        title="HD95",
        group=GROUP,
        unit="mm",
        direction="lower",
        best=0.0,
        range="0 to infinity",
        value=lambda pair: pair.surfaces.hausdorff(95.0),
        what="Distance within which 95 % of either surface lies from the other; the larger direction of the two.",
        use="Beside Dice, where the outline matters: it forgives a few stray voxels and no more.",
        avoid="Several separate objects in one mask: the distance may run to the wrong one. Labels whose "
        "border is vague.",
        empty="both empty: nan; one empty: infinite",
        source="Huttenlocher, Klanderman, Rucklidge, IEEE TPAMI 15(9), 1993 (ranked distances); boundary voxels, "
        "percentile interpolated linearly in each direction",
        also=("95 % Hausdorff distance", "robust Hausdorff distance"),
    ),
    Metric(
        name="hd_mm",
        title="HD",
        group=GROUP,
        unit="mm",
        direction="lower",
        best=0.0,
        range="0 to infinity",
        value=lambda pair: pair.surfaces.hausdorff(100.0),
        what="The largest distance from a point of either surface to the other surface.",
        use="Where the single worst error is what matters, as of a margin that must hold.",
        avoid="As a general figure: one stray voxel decides it. HD95 forgives that.",
        empty="both empty: nan; one empty: infinite",
        source="Huttenlocher, Klanderman, Rucklidge, IEEE TPAMI 15(9), 1993",
        also=("Hausdorff distance",),
    ),
    Metric(
        name="assd_mm",
        title="ASSD",
        group=GROUP,
        unit="mm",
        direction="lower",
        best=0.0,
        range="0 to infinity",
        value=lambda pair: pair.surfaces.average_symmetric(),
        what="Mean distance of the points of both surfaces, taken together, to the other surface.",
        use="The usual error of an outline, in mm.",
        avoid="Where a rare large error matters: the mean hides it. The larger surface weighs more (MASD would weigh "
        "both directions alike).",
        empty="both empty: nan; one empty: infinite",
        source="Heimann et al., IEEE TMI 28(8), 2009",
        also=("average symmetric surface distance", "ASD"),
    ),
    Metric(
        name="surface_dice",
        title="Surface Dice",
        group=GROUP,
        unit="",
        direction="higher",
        best=1.0,
        range="0 to 1",
        value=lambda pair: pair.surfaces.dice(pair.tolerance_mm),
        what="Share of the boundary voxels of both masks that lie within a tolerance of the other surface "
        "(`--tolerance-mm`, 2 mm unless told otherwise).",
        use="Where an error below the tolerance means nothing, as below what two annotators disagree by.",
        avoid="With a tolerance that nobody chose: set it to the disagreement of annotators, and never below a voxel. "
        "2 mm is all of a small structure.",
        empty="both empty: nan; one empty: 0",
        source="Nikolov et al., arXiv:1809.04430, section Surface DSC. Departs: boundary voxels weigh alike, where the "
        "paper weighs surface elements by their area",
        also=("NSD", "normalized surface distance", "surface DSC"),
    ),
)
