from __future__ import annotations

import json

from univox.data.findings import Finding, Severity, bad_cases, in_order, verdict


def finding(case: str, severity: Severity, kind: str = "kind") -> Finding:
    return Finding(case, severity, kind, "Cause.", "Remedy.")


def test_the_gravest_finding_is_the_verdict_and_notes_count_for_nothing() -> None:
    assert verdict([finding("", "note")]) == "sound"
    assert verdict([finding("", "note"), finding("a", "warning")]) == "warnings"
    assert verdict([finding("a", "warning"), finding("", "error")]) == "errors"


def test_bad_cases_are_those_with_errors_of_their_own() -> None:
    findings = [finding("b", "error"), finding("a", "warning"), finding("", "error"), finding("b", "error", "also")]
    assert {case: [f.kind for f in found] for case, found in bad_cases(findings).items()} == {"b": ["also", "kind"]}


def test_order_is_by_severity_then_case() -> None:
    findings = [finding("a", "note"), finding("b", "error"), finding("a", "warning"), finding("a", "error")]
    assert [(f.severity, f.case) for f in in_order(findings)] == [
        ("error", "a"),
        ("error", "b"),
        ("warning", "a"),
        ("note", "a"),
    ]


def test_a_finding_is_json() -> None:
    one = finding("a", "error")
    assert Finding(**json.loads(json.dumps(one.to_json()))) == one
