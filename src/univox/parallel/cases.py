"""A function over many cases: serially or in processes, in order, no case lost to another's failure."""

from __future__ import annotations

import multiprocessing
import os
import traceback
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, TypeVar

from univox.errors import DeviceError, UnivoxError

Item = TypeVar("Item")
Result = TypeVar("Result")

OnProgress: TypeAlias = Callable[[int, int], None]
"""Called as on_progress(done, total) in the calling process after each case."""


@dataclass(frozen=True)
class Failure:
    """What a case left behind in place of its result.

    Args:
        error: The exception that it raised.
        details: The traceback as text, for a log; never shown to a user by itself.
    """

    error: Exception
    details: str

    def __reduce__(self) -> tuple[object, ...]:
        # An exception with keyword arguments does not survive the default pickling between processes,
        # and one that fails there would take the whole pool with it.
        return _restored, (_portable(self.error), self.details)


def map_cases(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    jobs: int = 1,
    on_progress: OnProgress | None = None,
) -> list[Result | Failure]:
    """Apply `function` to each item; results in the order of the items.

    Args:
        function: Takes one item. For `jobs` > 1 it is sent to freshly spawned processes: a function of a
            module or a `functools.partial` of one, its arguments and results small and picklable; a
            script that calls this needs the usual `if __name__ == "__main__":`.
        items: The cases, or whatever stands for them.
        jobs: Processes at once; 1 runs here, without any.
        on_progress: Called after each item with the number done and the number of all.

    Returns:
        One entry per item: the result, or a `Failure` where the function raised or its process died.

    >>> results = map_cases(lambda divisor: 12 // divisor, [3, 0, 4])
    >>> results[0], type(results[1].error).__name__, results[2]
    (4, 'ZeroDivisionError', 3)
    """
    todo = list(items)
    if min(jobs, len(todo)) <= 1:
        return _serial(function, todo, on_progress)
    return _in_processes(function, todo, jobs, on_progress)


def in_own_process(function: Callable[[Item], Result], item: Item) -> Result | Failure:
    """Apply `function` to one item in a freshly spawned process, which takes all its memory with it when it ends.

    Args:
        function: As for `map_cases` with several jobs.
        item: The case, or whatever stands for it.

    Returns:
        The result, or a `Failure` where the function raised or its process died. Where memory runs out, Linux ends
        that process first.
    """
    with _pool(1, initializer=_offer_to_go_first) as pool:
        return _outcome(pool.submit(_attempt, function, item))


def available_jobs() -> int:
    """Processors that this process may use: the sensible most for `jobs`."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _serial(
    function: Callable[[Item], Result], todo: Sequence[Item], on_progress: OnProgress | None
) -> list[Result | Failure]:
    results: list[Result | Failure] = []
    for item in todo:
        results.append(_attempt(function, item))
        if on_progress is not None:
            on_progress(len(results), len(todo))
    return results


def _in_processes(
    function: Callable[[Item], Result], todo: Sequence[Item], jobs: int, on_progress: OnProgress | None
) -> list[Result | Failure]:
    finished: dict[int, Result | Failure] = {}

    def keep(index: int, outcome: Result | Failure) -> None:
        finished[index] = outcome
        if on_progress is not None:
            on_progress(len(finished), len(todo))

    with _pool(min(jobs, len(todo))) as pool:
        futures = {pool.submit(_attempt, function, item): index for index, item in enumerate(todo)}
        try:
            for future in as_completed(futures):
                if not isinstance(future.exception(), BrokenProcessPool):
                    keep(futures[future], _outcome(future))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    # A process that dies (out of memory, mostly) breaks the pool for every case still in it. Each of
    # these gets a process of its own, so that only the one that kills it is lost.
    for index, item in enumerate(todo):
        if index not in finished:
            keep(index, in_own_process(function, item))
    return [finished[index] for index in range(len(todo))]


def _pool(workers: int, initializer: Callable[[], None] | None = None) -> ProcessPoolExecutor:
    # Spawned, not forked: a fork copies the locks of this process's threads (torch, BLAS) mid-flight.
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=initializer)


def _offer_to_go_first() -> None:
    # The caller may well be the larger, and would take every case with it. Systems other than Linux have no such file.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _attempt(function: Callable[[Item], Result], item: Item) -> Result | Failure:
    try:
        return function(item)
    except Exception as error:
        return Failure(error, traceback.format_exc())


def _outcome(future: Future[Result | Failure]) -> Result | Failure:
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, BrokenProcessPool):
        died = DeviceError(
            expected="the process that works on this case to live",
            got="its sudden end, most often for lack of memory",
            remedy="free memory or use fewer jobs",
        )
        return Failure(died, str(error))
    if not isinstance(error, Exception):
        raise error
    return Failure(error, "".join(traceback.format_exception(error)))


def _portable(error: Exception) -> tuple[object, ...]:
    if isinstance(error, UnivoxError):
        return type(error), error.expected, error.got, error.remedy, error.path
    return (f"{type(error).__name__}: {error}",)


def _restored(parts: tuple[object, ...], details: str) -> Failure:
    if len(parts) == 1:
        return Failure(RuntimeError(parts[0]), details)
    kind, expected, got, remedy, path = parts
    return Failure(kind(expected=expected, got=got, remedy=remedy, path=path), details)  # type: ignore[operator]
