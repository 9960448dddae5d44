"""Batches made ahead of need, on threads; which thread makes one does not change it."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar

import torch

BatchT = TypeVar("BatchT", covariant=True)

_AHEAD_PER_WORKER = 2


class BatchSource(Protocol[BatchT]):
    """Anything whose batch is a function of the iteration alone."""

    def batch(self, iteration: int) -> BatchT:
        """The batch of an iteration."""
        ...


def prefetch(batches: BatchSource[BatchT], start: int, stop: int, *, workers: int) -> Generator[BatchT]:
    """The batches of iterations start to stop - 1, in order.

    Args:
        batches: Where they come from; called from several threads at once.
        start: First iteration.
        stop: The iteration after the last.
        workers: Threads that work ahead, two batches each; 0 makes each batch when it is asked for.

    Yields:
        The same batches whatever the number of workers. An error in a worker is raised here, when its
        batch is due. Closing the iterator ends the threads.
    """
    if workers == 0:
        for iteration in range(start, stop):
            yield batches.batch(iteration)
        return
    # Each worker runs torch on one thread of its own. The count is per thread, but new threads inherit the
    # last one set: reading it here fixes this thread's own, setting it again afterwards restores the rest.
    threads = torch.get_num_threads()
    pending: deque[Future[BatchT]] = deque()
    pool = ThreadPoolExecutor(
        workers, thread_name_prefix="univox-patches", initializer=torch.set_num_threads, initargs=(1,)
    )
    try:
        for iteration in range(start, stop):
            pending.append(pool.submit(batches.batch, iteration))
            if len(pending) > _AHEAD_PER_WORKER * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        torch.set_num_threads(threads)
