"""What is amiss with a dataset, as values: case, severity, cause, remedy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

Severity: TypeAlias = Literal["error", "warning", "note"]
Verdict: TypeAlias = Literal["sound", "warnings", "errors"]

_ORDER = {"error": 0, "warning": 1, "note": 2}


@dataclass(frozen=True)
class Finding:
    """One thing that is amiss, or worth knowing.

    Args:
        case: The case's name; empty where the finding is about the dataset as a whole.
        severity: error: the case cannot be used as it is; warning: most likely a mistake; note: worth
            knowing, nothing to mend.
        kind: A short fixed word for programs ("missing-label").
        cause: What is the matter, as a sentence.
        remedy: What to do about it, as a sentence.
        path: The file or folder at fault, where there is one.
    """

    case: str
    severity: Severity
    kind: str
    cause: str
    remedy: str
    path: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Give the fields as a JSON object."""
        return asdict(self)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Sort: errors first, then warnings, then notes; within each by case and kind."""
    return sorted(findings, key=lambda f: (_ORDER[f.severity], f.case, f.kind, f.path or "", f.cause))


def bad_cases(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """Give the cases that cannot be used, each with its errors.

    >>> bad_cases([Finding("a", "error", "missing-label", "No label.", "Add it."),
    ...            Finding("b", "note", "spacing-tiny", "Small.", "None.")]).keys()
    dict_keys(['a'])
    """
    bad: dict[str, list[Finding]] = {}
    for finding in in_order(findings):
        if finding.case and finding.severity == "error":
            bad.setdefault(finding.case, []).append(finding)
    return bad


def verdict(findings: Iterable[Finding]) -> Verdict:
    """Say in a word how a dataset fares: its gravest finding, where a note counts for nothing.

    >>> verdict([]), verdict([Finding("", "warning", "duplicate-image", "Twice.", "Remove one.")])
    ('sound', 'warnings')
    """
    severities = {finding.severity for finding in findings}
    if "error" in severities:
        return "errors"
    return "warnings" if "warning" in severities else "sound"
