from __future__ import annotations

from univox.data.case_facts import CaseFacts, ChannelFacts, Expected
from univox.data.check_intensity import intensity_findings
from univox.data.classes import Classes


def cases(*ranges: tuple[float, float], channels: int = 1) -> list[CaseFacts]:
    return [
        CaseFacts(f"c{n}", f"{n}.nii", channels=(ChannelFacts(low, high, low, high, 0, str(n)),) * channels)
        for n, (low, high) in enumerate(ranges)
    ]


def expected(*names: str) -> Expected:
    return Expected(names, Classes.of({0: "background", 1: "organ"}), 3)


def test_one_scale_is_silent() -> None:
    assert intensity_findings(cases((0, 100), (0, 2000), (5, 900)), expected("MRI")) == []


def test_scales_are_counted_in_one_note() -> None:
    found = intensity_findings(
        cases((0, 100), (0, 120), (0, 90), (0, 1000), (0, 100_000), channels=2), expected("T1", "T2")
    )
    assert [(f.case, f.severity, f.kind) for f in found] == [("", "note", "intensity-scales")]
    assert "of 5 cases, 3 about 100; 1 about 1,000 (c3); 1 about 100,000 (c4)" in found[0].cause


def test_for_ct_it_is_a_warning() -> None:
    found = intensity_findings(cases((-1000, 1000), (0, 1), (-1000, 2000)), expected("CT"))
    assert {(f.case, f.severity, f.kind) for f in found} == {
        ("", "warning", "intensity-scales"),
        ("c1", "warning", "intensity-offset"),
    }


def test_a_lost_offset_needs_most_others_to_have_it() -> None:
    found = intensity_findings(cases((-1024, 900), (-1000, 1000), (0, 2000)), expected("CT"))
    assert [(f.case, f.kind) for f in found] == [("c2", "intensity-offset")]
    assert intensity_findings(cases((-1024, 900), (0, 1000), (0, 2000)), expected("CT")) == []
    assert intensity_findings(cases((-1024, 900), (-1000, 1000), (0, 2000)), expected("MRI")) == []


def test_constant_and_missing_channels_do_not_count() -> None:
    assert intensity_findings(cases((0, 0), (0, 100)), expected("T1", "T2")) == []
