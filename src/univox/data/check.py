"""Is a dataset sound? Every finding with its case, cause and remedy."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Collection
from pathlib import Path

from univox.data.case_facts import CaseFacts, Expected, Files
from univox.data.check_across import across
from univox.data.check_case import examine
from univox.data.check_intensity import intensity_findings
from univox.data.dataset import Dataset
from univox.data.findings import Finding, Severity, Verdict, bad_cases, in_order, verdict
from univox.data.image_files import stem_of
from univox.parallel.cases import Failure, OnProgress, map_cases

__all__ = ["Finding", "Severity", "Verdict", "bad_cases", "check_dataset", "verdict", "without"]

# What a finding of the opening makes needless to say again of the same case.
_SAID = {"missing-channel": "channel-count"}


def check_dataset(dataset: Dataset, *, jobs: int = 1, on_progress: OnProgress | None = None) -> list[Finding]:
    """Read every case once and report what is amiss.

    Args:
        dataset: As `open_dataset` gives it.
        jobs: Processes at once.
        on_progress: Called as on_progress(done, total) after each case.

    Returns:
        Errors first, then warnings, then notes; see `verdict` and `bad_cases`.
    """
    expected = Expected(dataset.channel_names, dataset.classes, dataset.spatial_dims)
    files = [Files(case.name, case.images, case.label) for case in dataset.cases]
    files += [Files(name, (), path) for name, path in _orphans(dataset).items()]
    results = map_cases(functools.partial(examine, expected), files, jobs=jobs, on_progress=on_progress)
    facts = [
        _failed(file, result) if isinstance(result, Failure) else result
        for file, result in zip(files, results, strict=True)
    ]
    found = [finding for case in facts for finding in case.findings]
    found += across(facts, expected, declared=dataset.declared)
    found += intensity_findings(facts, expected)
    said = {(f.case, kind) for f in dataset.findings for kind in (f.kind, _SAID.get(f.kind)) if f.case}
    return in_order([*dataset.findings, *(f for f in found if (f.case, f.kind) not in said)])


def without(dataset: Dataset, names: Collection[str]) -> Dataset:
    """Leave cases out, and with them their labels without image and what was found about them.

    Args:
        dataset: Any.
        names: Case names, such as the keys of `bad_cases`; those of no case do not matter.
    """
    left_out = set(names)
    return dataclasses.replace(
        dataset,
        cases=tuple(case for case in dataset.cases if case.name not in left_out),
        orphan_labels=tuple(path for name, path in _orphans(dataset).items() if name not in left_out),
        test_cases=tuple(case for case in dataset.test_cases if case.name not in left_out),
        findings=tuple(finding for finding in dataset.findings if finding.case not in left_out),
    )


def _orphans(dataset: Dataset) -> dict[str, Path]:
    taken = {case.name for case in dataset.cases}
    orphans: dict[str, Path] = {}
    for path in dataset.orphan_labels:
        name = stem_of(path)
        # A label that bears the name of a case that is not its own still needs a name that tells them apart.
        while name in taken or name in orphans:
            name += " (label)"
        orphans[name] = path
    return orphans


def _failed(files: Files, failure: Failure) -> CaseFacts:
    path = files.images[0] if files.images else files.label
    finding = Finding(
        files.name,
        "error",
        "unreadable",
        f"Reading failed: {failure.error}.",
        "Check the file, or leave the case out.",
        str(path),
    )
    return CaseFacts(files.name, str(path), findings=(finding,))
