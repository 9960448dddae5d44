"""Intensity scales that differ from case to case."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from univox.data.case_facts import CaseFacts, ChannelFacts, Expected
from univox.data.findings import Finding
from univox.data.inventory import some

WILD = 30.0
"""Scales that differ by this factor are not one scale."""

_AIR = -500.0  # Hounsfield units: between fat and air, in nearly every CT
_ABSOLUTE = {"ct", "hu", "cbct"}


def intensity_findings(facts: Sequence[CaseFacts], expected: Expected) -> list[Finding]:
    """Compare the intensity scales of the cases, channel by channel.

    A scale is what lies between the 0.5th and the 99.5th percentile. Scales that differ are a note, since
    normalization per case makes them one; for CT, whose numbers mean something, a warning.
    """
    findings: list[Finding] = []
    widest: tuple[float, str, dict[str, float]] | None = None
    for number, name in enumerate(expected.channel_names):
        channels = [(case, case.channels[number]) for case in facts if number < len(case.channels)]
        scales = _scales(channels)
        ratio = max(scales.values()) / min(scales.values()) if scales else 1.0
        if ratio >= WILD and (widest is None or ratio > widest[0]):
            widest = (ratio, name, scales)
        if _absolute(name):
            findings += _offsets(channels, name)
    # One finding for all channels: they mostly differ together, and the widest says enough.
    return findings if widest is None else [*findings, _different(widest[1], widest[2])]


def _absolute(name: str) -> bool:
    return name.casefold().strip() in _ABSOLUTE


def _scales(channels: Sequence[tuple[CaseFacts, ChannelFacts]]) -> dict[str, float]:
    scales = {case.name: channel.high - channel.low for case, channel in channels}
    return {case: scale for case, scale in scales.items() if scale > 0 and math.isfinite(scale)}


def _different(name: str, scales: Mapping[str, float]) -> Finding:
    decades: dict[int, list[str]] = {}
    for case, scale in scales.items():
        decades.setdefault(round(math.log10(scale)), []).append(case)
    groups = [
        f"{len(decades[decade])} about {_in_full(10.0**decade)}"
        + (f" ({some(sorted(decades[decade]))})" if len(decades[decade]) <= 2 else "")
        for decade in sorted(decades)
    ]
    return Finding(
        "",
        "warning" if _absolute(name) else "note",
        "intensity-scales",
        f"Intensities of {name} are on very different scales, from {_in_full(min(scales.values()))} to"
        f" {_in_full(max(scales.values()))}: of {len(scales)} cases, {'; '.join(groups)}.",
        "Export all in Hounsfield units."
        if _absolute(name)
        else "None with normalization per case, which makes them one scale; per set would not do.",
    )


def _in_full(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:.2g}"


def _offsets(channels: Sequence[tuple[CaseFacts, ChannelFacts]], name: str) -> list[Finding]:
    with_air = [case.name for case, channel in channels if channel.minimum < _AIR]
    if 2 * len(with_air) <= len(channels):
        return []
    return [
        Finding(
            case.name,
            "warning",
            "intensity-offset",
            f"{name} starts at {channel.minimum:g}, while {len(with_air)} of {len(channels)} cases reach below"
            f" {_AIR:g}: the offset of its Hounsfield units seems lost.",
            "Export the case in Hounsfield units.",
            case.path,
        )
        for case, channel in channels
        if channel.minimum >= 0 and not channel.constant
    ]
