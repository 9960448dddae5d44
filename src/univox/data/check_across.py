"""What only shows when the cases of a dataset are seen side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from univox.data.case_facts import CaseFacts, Expected, GridFacts
from univox.data.findings import Finding
from univox.data.inventory import some

FAR = 5.0
"""A size or spacing this many times the median, or this part of it, is not of the same kind."""
NEARLY_ALL = 0.9
"""Where this share of the other cases has a class, a case without it stands out."""

_RARE, _MANY_CASES = 0.05, 20


def across(facts: Sequence[CaseFacts], expected: Expected, *, declared: bool) -> list[Finding]:
    """Compare the cases with each other: grids, classes, contents, number.

    Args:
        facts: Of each case, in any order.
        expected: What the dataset says that each case has.
        declared: The dataset names its classes itself.
    """
    by_name = sorted(facts, key=lambda case: case.name)
    return [
        *_far_grids(by_name),
        *_classes_nowhere(by_name, expected),
        *_classes_lacking(by_name, expected),
        *([] if declared else _classes_rare(by_name, expected)),
        *_duplicates(by_name),
        *_number(by_name),
    ]


def _far_grids(facts: Sequence[CaseFacts]) -> list[Finding]:
    grids = [(case, case.grid) for case in facts if case.grid is not None]
    ranks = {len(grid.shape) for _, grid in grids}
    if len(grids) < 3 or len(ranks) != 1:
        return []
    # The median of pixels says something; that of their edges does not: pictures rarely store them.
    shape = np.median([grid.shape for _, grid in grids], axis=0)
    spacing = np.median([grid.spacing_mm for _, grid in grids], axis=0)
    usual = GridFacts(tuple(round(float(size)) for size in shape), tuple(float(edge) for edge in spacing))
    findings: list[Finding] = []
    for case, grid in grids:
        far = _far(grid.shape, usual.shape) or (len(grid.shape) == 3 and _far(grid.spacing_mm, usual.spacing_mm))
        if far:
            # With an image a case may be what it is; a label alone on such a grid is another dataset's.
            what = "grid" if case.channels else "label's grid"
            findings.append(
                Finding(
                    case.name,
                    "warning" if case.channels else "error",
                    "grid-differs",
                    f"The {what}, {grid}, is not that of the other cases: their median is {usual}.",
                    "Check that the file belongs to this dataset.",
                    case.path,
                )
            )
    return findings


def _far(values: Sequence[float], usual: Sequence[float]) -> bool:
    return any(a > FAR * b or b > FAR * a for a, b in zip(values, usual, strict=True))


def _classes_nowhere(facts: Sequence[CaseFacts], expected: Expected) -> list[Finding]:
    labelled = [case.present for case in facts if case.present is not None]
    nowhere = [
        f"{label_class.name} (code {', '.join(map(str, label_class.codes))})"
        for index, label_class in enumerate(expected.classes.classes)
        if index and not any(index in present for present in labelled)
    ]
    if not labelled or not nowhere:
        return []
    return [
        Finding(
            "",
            "warning",
            "class-in-no-label",
            f"No label holds {some(nowhere)}.",
            "Check the codes, or leave these classes out with --classes.",
        )
    ]


def _classes_lacking(facts: Sequence[CaseFacts], expected: Expected) -> list[Finding]:
    # Of a label in parts nobody knows what the rest of it holds.
    whole = [case for case in facts if not case.partly_annotated]
    labelled = [(case, case.present) for case in whole if case.present is not None and case.present - {0}]
    findings: list[Finding] = []
    for index, name in enumerate(expected.classes.names):
        having = sum(index in present for _, present in labelled)
        others = len(labelled) - 1
        if index == 0 or having == 0 or having == len(labelled) or having < NEARLY_ALL * others:
            continue
        findings += [
            Finding(
                case.name,
                "warning",
                "class-absent",
                f"The label has no {name}, which {_have(having, others)}.",
                "Check that the label is complete and belongs to this dataset.",
                case.path,
            )
            for case, present in labelled
            if index not in present
        ]
    return findings


def _have(having: int, others: int) -> str:
    if others == 1:
        return "the only other label has"
    return f"all {others} other labels have" if having == others else f"{having} of the {others} other labels have"


def _classes_rare(facts: Sequence[CaseFacts], expected: Expected) -> list[Finding]:
    labelled = [(case.name, case.present) for case in facts if case.present is not None]
    if len(labelled) < _MANY_CASES:
        return []
    findings: list[Finding] = []
    for index, label_class in enumerate(expected.classes.classes):
        names = [name for name, present in labelled if index in present]
        if index and 0 < len(names) <= _RARE * len(labelled):
            findings.append(
                Finding(
                    "",
                    "warning",
                    "class-rare",
                    f"Code {label_class.codes[0]} counts as a class but is only in {some(names)}.",
                    "Mend these labels if it is a stray code, or leave it out with --classes.",
                )
            )
    return findings


def _duplicates(facts: Sequence[CaseFacts]) -> list[Finding]:
    def image(case: CaseFacts) -> str:
        return " ".join(channel.digest for channel in case.channels)

    findings: list[Finding] = []
    for twins in _alike([case for case in facts if not all(c.constant for c in case.channels)], image):
        names = [case.name for case in twins]
        labels = "the same label" if len({case.label_digest for case in twins}) == 1 else "different labels"
        findings += [
            Finding(
                case.name,
                "warning",
                "duplicate-image",
                f"The image is voxel for voxel that of {names[0]}, with {labels}.",
                "Keep one of them: twins on both sides of a split flatter the result.",
                case.path,
            )
            for case in twins[1:]
        ]
    for twins in _alike(facts, lambda case: case.label_digest):
        if len({image(case) for case in twins}) > 1:
            names = [case.name for case in twins]
            findings.append(
                Finding(
                    "",
                    "note",
                    "duplicate-label",
                    f"{len(names)} cases share one label: {some(names)}.",
                    "None if they are of one subject: then keep them on one side of a split.",
                )
            )
    return findings


def _alike(facts: Sequence[CaseFacts], key: Callable[[CaseFacts], str]) -> list[list[CaseFacts]]:
    groups: dict[str, list[CaseFacts]] = {}
    for case in facts:
        if key(case):
            groups.setdefault(key(case), []).append(case)
    return [group for group in groups.values() if len(group) > 1]


def _number(facts: Sequence[CaseFacts]) -> list[Finding]:
    usable = [case for case in facts if case.channels and case.present is not None]
    if len(usable) > 1:
        return []
    if usable:
        return [
            Finding(
                "",
                "note",
                "single-case",
                f"There is one labelled case, {usable[0].name}: none is left to validate on.",
                "Add cases to learn how well a model does on others.",
            )
        ]
    return [
        Finding(
            "",
            "error",
            "no-labelled-case",
            "No case has a readable image and a readable label.",
            "Add the missing partners.",
        )
    ]
