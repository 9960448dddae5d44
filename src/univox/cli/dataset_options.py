"""The flags that say how a dataset is read, the same in every verb."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from univox.data.source import DatasetSource

DatasetPath = Annotated[
    Path,
    typer.Argument(
        help="A Decathlon, nnU-Net, iSeg-2017 or images/ + labels/ folder, or a CSV of paths.",
        show_default=False,
    ),
]
Layout = Annotated[
    Literal["auto", "msd", "nnunet", "iseg", "folders", "csv"],
    typer.Option("--format", help="The dataset's layout, where it is not recognised by itself."),
]
ClassSelection = Annotated[
    str | None,
    typer.Option("--classes", help="Select and merge classes by code or name: 'organ=1,2;tumour=3'."),
]
LabelFolder = Annotated[str | None, typer.Option("--labels", help="Another label folder of the dataset, by name.")]
LabelsAre = Annotated[
    Literal["auto", "classes", "instances"],
    typer.Option("--labels-are", help="Whether label images hold classes or instance numbers."),
]
Borders = Annotated[
    Literal["background", "class", "none"],
    typer.Option("--borders", help="Where labels number objects: what the voxels between touching ones become."),
]
IGNORE_HELP = "Codes of voxels that nobody labelled, as in '255'; nothing is learned from them or judged by them."
Ignore = Annotated[str | None, typer.Option("--ignore", help=IGNORE_HELP)]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=1, help="Processes that read and prepare cases.")]
SubjectPattern = Annotated[
    str | None,
    typer.Option(
        "--subjects",
        help="Whom a case is of: a regular expression (what it finds in the case's name), or TABLE.csv:COLUMN.",
    ),
]
OF_EACH = "Of several datasets: 'FOLDER: VALUE' for the dataset in that folder. Repeatable."
ClassSelections = Annotated[
    list[str] | None,
    typer.Option("--classes", help=f"Select and merge classes by code or name: 'organ=1,2;tumour=3'. {OF_EACH}"),
]
LabelFolders = Annotated[
    list[str] | None, typer.Option("--labels", help=f"Another label folder of the dataset, by name. {OF_EACH}")
]
Ignores = Annotated[list[str] | None, typer.Option("--ignore", help=f"{IGNORE_HELP} {OF_EACH}")]
SubjectPatterns = Annotated[
    list[str] | None,
    typer.Option(
        "--subjects",
        help="Whom a case is of: a regular expression (what it finds in the case's name), or TABLE.csv:COLUMN."
        f" {OF_EACH}",
    ),
]

NamedTestCases = Annotated[
    list[str] | None,
    typer.Option("--test-cases", help=f"Cases kept out as test cases, in place of --holdout: 'NAME,NAME'. {OF_EACH}"),
]


def dataset_sources(
    datasets: Sequence[Path],
    *,
    layout: Literal["auto", "msd", "nnunet", "iseg", "folders", "csv"] = "auto",
    classes: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    labels_are: Literal["auto", "classes", "instances"] = "auto",
    borders: Literal["background", "class", "none"] = "background",
    ignore: Sequence[str] | None = None,
    subjects: Sequence[str] | None = None,
    test_cases: Sequence[str] | None = None,
) -> tuple[DatasetSource, ...]:
    """Say of each dataset how it is read; a value 'FOLDER: VALUE' is for the dataset in that folder, others for all.

    Raises:
        RecipeError: Two values for one dataset.

    Names of test cases add up; they are parted by commas.

    >>> [s.labels for s in dataset_sources([Path("a"), Path("b")], labels=["b: masks"])]
    [None, 'masks']
    """
    from univox.data.source import DatasetSource

    return tuple(
        DatasetSource(
            path=path,
            layout=layout,
            classes=_value_for(path, datasets, classes, "--classes"),
            labels=_value_for(path, datasets, labels, "--labels"),
            labels_are=labels_are,
            borders=borders,
            ignore=_value_for(path, datasets, ignore, "--ignore"),
            subjects=_value_for(path, datasets, subjects, "--subjects"),
            test_cases=_names_for(path, datasets, test_cases),
        )
        for path in datasets
    )


def either_named_or_a_share(test_cases: Sequence[str] | None, holdout: float) -> None:
    """Refuse test cases by name and by share at once.

    Raises:
        RecipeError: Both are given.
    """
    from univox.errors import RecipeError

    if test_cases and holdout > 0:
        raise RecipeError(
            expected="either --test-cases or --holdout",
            got="both",
            remedy="name the test cases, or leave them to chance",
        )


def _names_for(path: Path, datasets: Sequence[Path], values: Sequence[str] | None) -> tuple[str, ...]:
    names = (name.strip() for value in _values_for(path, datasets, values) for name in value.split(","))
    return tuple(dict.fromkeys(filter(None, names)))


def _value_for(path: Path, datasets: Sequence[Path], values: Sequence[str] | None, flag: str) -> str | None:
    from univox.errors import RecipeError

    found = _values_for(path, datasets, values)
    if len(found) > 1:
        raise RecipeError(
            expected=f"one {flag} for {path}",
            got=" and ".join(map(repr, found)),
            remedy="write 'FOLDER: VALUE' for each",
        )
    return found[0] if found else None


def _values_for(path: Path, datasets: Sequence[Path], values: Sequence[str] | None) -> list[str]:
    """Give the values that are for all datasets or for this one."""
    names = {other.resolve().name for other in datasets}
    found: list[str] = []
    for value in values or ():
        name, colon, rest = value.partition(":")
        of_one = bool(colon) and name.strip() in names
        if not of_one or name.strip() == path.resolve().name:
            found.append(rest.strip() if of_one else value)
    return found
