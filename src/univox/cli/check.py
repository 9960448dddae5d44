"""`univox check`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from univox.cli.console import complain, say, say_json, table
from univox.cli.dataset_options import (
    Borders,
    ClassSelection,
    DatasetPath,
    Ignore,
    Jobs,
    LabelFolder,
    LabelsAre,
    Layout,
)
from univox.errors import UnivoxError

EXIT = {"sound": 0, "warnings": 1, "errors": 2}


def check(
    dataset: DatasetPath,
    layout: Layout = "auto",
    classes: ClassSelection = None,
    labels: LabelFolder = None,
    labels_are: LabelsAre = "auto",
    borders: Borders = "background",
    ignore: Ignore = None,
    jobs: Jobs = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Write the findings as JSON.")] = False,
) -> None:
    """Is this dataset sound? Every finding with its cause and its remedy.

    Exit status: 0 sound, 1 warnings, 2 errors or not a dataset.
    """
    from univox.data.check import check_dataset, verdict
    from univox.data.layouts import open_dataset

    try:
        opened = open_dataset(
            dataset,
            layout=layout,
            classes=classes,
            labels=labels,
            labels_are=labels_are,
            borders=borders,
            ignore=ignore,
        )
    except UnivoxError as error:
        complain(str(error))
        sys.exit(EXIT["errors"])
    findings = check_dataset(opened, jobs=jobs)
    judged = verdict(findings)
    if as_json:
        say_json(
            {
                "dataset": opened.name,
                "layout": opened.layout,
                "cases": len(opened.cases),
                "verdict": judged,
                "findings": [asdict(finding) for finding in findings],
            }
        )
        sys.exit(EXIT[judged])
    if findings:
        rows = [[f.severity, f.case or "-", f.kind, f.cause, f.remedy] for f in findings]
        table("", ["severity", "case", "kind", "cause", "remedy"], rows)
    names = ", ".join(opened.classes.names)
    say(f"{opened.name}: {opened.layout} layout, {len(opened.cases)} cases, {opened.spatial_dims}-D, classes {names}")
    say(f"verdict: {judged}")
    sys.exit(EXIT[judged])
