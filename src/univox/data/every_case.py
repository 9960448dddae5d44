"""A task over all cases of a run: every result, or one error that names every bad case."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from univox.data.case import Case
from univox.data.dataset import Dataset
from univox.errors import DatasetError, UnivoxError
from univox.parallel import Failure, OnProgress, map_cases

Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)


class CaseTask(Protocol[Result_co]):
    """What is done to one case; a function of a module or a partial of one, so that processes can take it."""

    def __call__(self, case: Case, /, *, dataset: Dataset) -> Result_co:
        """Do it."""
        ...


def every_case(
    task: CaseTask[Result],
    dataset: Dataset,
    cases: Sequence[Case],
    *,
    done: str,
    jobs: int = 1,
    on_progress: OnProgress | None = None,
) -> list[Result]:
    """Do a task to every case; good cases are finished before bad ones are reported.

    Args:
        task: Called with a case and its dataset (without the list of its cases, which would travel to
            another process with each).
        dataset: That the cases are of.
        cases: In the order of the results.
        done: What becomes of a case, as a participle ("measured").
        jobs: Processes at once.
        on_progress: Called after each case.

    Raises:
        DatasetError: Some cases failed; names each with its cause.
    """
    light = dataclasses.replace(dataset, cases=(), test_cases=(), orphan_labels=(), findings=())
    function: Callable[[Case], Result] = functools.partial(task, dataset=light)
    outcomes = map_cases(function, cases, jobs=jobs, on_progress=on_progress)
    results = [outcome for outcome in outcomes if not isinstance(outcome, Failure)]
    if len(results) == len(cases):
        return results
    pairs = zip(cases, outcomes, strict=True)
    failures = [(case.name, outcome.error) for case, outcome in pairs if isinstance(outcome, Failure)]
    raise DatasetError(
        expected=f"every case to be {done}",
        got=f"{len(failures)} of {len(cases)} that cannot be: "
        + "; ".join(f"{name} ({_cause(error)})" for name, error in failures),
        remedy="mend these cases or leave them out",
        path=dataset.root,
    ) from failures[0][1]


def _cause(error: Exception) -> str:
    if isinstance(error, UnivoxError):
        where = "" if error.path is None else f"{error.path.name}: "
        return f"{where}expected {error.expected}, got {error.got}"
    return f"{type(error).__name__}: {error}"
