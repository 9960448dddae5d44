"""Every metric of univox as a value: what it is, when to use it, and how it is found.

Tables, reports and `univox metrics` are made of these; a new metric is one more entry of its group.

Vocabulary: Maier-Hein, Reinke et al., Metrics reloaded, Nature Methods 21, 2024; pitfalls: Reinke, Tizabi et al.,
Understanding metric-related pitfalls, in the same issue.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from univox.errors import MetricError
from univox.metrics.calibration import Calibration
from univox.metrics.catalog.calibration import CALIBRATION
from univox.metrics.catalog.lesions import LESIONS
from univox.metrics.catalog.metric import Metric
from univox.metrics.catalog.modified_hausdorff import MODIFIED_HAUSDORFF
from univox.metrics.catalog.objects import OBJECTS
from univox.metrics.catalog.overlap import OVERLAP
from univox.metrics.catalog.segments import SEGMENTS
from univox.metrics.catalog.surface import SURFACE
from univox.metrics.catalog.volume import VOLUME
from univox.metrics.evidence import ClassPair, SegmentPair

METRICS: tuple[Metric[ClassPair], ...] = (*OVERLAP, *SURFACE, *VOLUME, *MODIFIED_HAUSDORFF, *LESIONS)
"""Of one class of one case, in the order of every table."""
CASE_METRICS: tuple[Metric[SegmentPair], ...] = (*SEGMENTS, *OBJECTS)
"""Of one case as a whole."""
CALIBRATION_METRICS: tuple[Metric[Calibration], ...] = CALIBRATION
"""Of probabilities: found wherever they were saved, not chosen."""
ALL_METRICS: tuple[Metric[Any], ...] = (*METRICS, *CASE_METRICS, *CALIBRATION_METRICS)

GROUPS = tuple(dict.fromkeys(metric.group for metric in (*METRICS, *CASE_METRICS)))
"""What `--metrics` chooses among."""
DEFAULT_GROUPS = ("overlap", "surface", "volume")
ALL = "all"


def chosen_names(wanted: Iterable[str]) -> frozenset[str]:
    """Names of the metrics of groups and of single names; Dice is always among them, as cases are ranked by it.

    Args:
        wanted: Names of groups or metrics; "all" for every one.

    Raises:
        MetricError: There is no such group or metric, or nothing is asked for.

    >>> sorted(chosen_names(["surface", "iou"]))
    ['assd_mm', 'dice', 'hd95_mm', 'hd_mm', 'iou', 'surface_dice']
    """
    choosable: tuple[Metric[Any], ...] = (*METRICS, *CASE_METRICS)
    asked = list(wanted)
    known = {ALL, *GROUPS, *(metric.name for metric in choosable)}
    unknown = [name for name in asked if name not in known]
    if unknown or not asked:
        raise MetricError(
            expected=f"groups of metrics ({', '.join(GROUPS)}, {ALL}) or names of metrics",
            got=", ".join(repr(name) for name in unknown) or "none",
            remedy="choose among these; `univox metrics` lists the names",
        )
    found = {m.name for m in choosable if ALL in asked or m.group in asked or m.name in asked}
    return frozenset({"dice", *found})


def find_metric(name: str) -> Metric[Any]:
    """Give a metric by its name or by one that others give it, in any spelling of case, spaces and hyphens.

    Raises:
        MetricError: There is no such metric.

    >>> find_metric("NSD").name, find_metric("3d-mhd").name
    ('surface_dice', 'mhd_3d')
    """
    wanted = _plain(name)
    for metric in ALL_METRICS:
        if _plain(metric.name) == wanted:
            return metric
    for metric in ALL_METRICS:
        if wanted in map(_plain, (metric.title, *metric.also)):
            return metric
    raise MetricError(
        expected=f"a metric of {', '.join(metric.name for metric in ALL_METRICS)}", got=repr(name), remedy="name one"
    )


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


__all__ = [
    "ALL",
    "ALL_METRICS",
    "CALIBRATION_METRICS",
    "CASE_METRICS",
    "DEFAULT_GROUPS",
    "GROUPS",
    "METRICS",
    "Metric",
    "chosen_names",
    "find_metric",
]
