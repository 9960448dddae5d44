from __future__ import annotations

import threading
import time

import pytest
import torch
from array_case import random_case

from univox.data.batches import Batches
from univox.data.patch_settings import Augmentation
from univox.data.prefetch import prefetch


class Counting:
    """Gives the iteration itself, notes what was asked for, and fails at one iteration."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.fails_at = fails_at
        self.asked: list[int] = []

    def batch(self, iteration: int) -> int:
        self.asked.append(iteration)
        if iteration == self.fails_at:
            raise OSError("the disk is gone")
        # Later iterations are quicker, so that workers finish out of order.
        time.sleep(0.002 * (iteration % 3 == 0))
        return iteration


def patch_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("univox-patches")]


@pytest.mark.parametrize("workers", [0, 1, 2, 3])
def test_every_iteration_once_and_in_order(workers: int) -> None:
    source = Counting()
    assert list(prefetch(source, 5, 25, workers=workers)) == list(range(5, 25))
    assert sorted(source.asked) == list(range(5, 25))
    assert list(prefetch(source, 3, 3, workers=workers)) == []


def test_the_same_bits_for_any_number_of_workers() -> None:
    always = {name: 0.8 for name in Augmentation.model_fields if name.endswith("_probability")}
    results = []
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        for workers in (0, 1, 2):
            batches = Batches(
                cases=[random_case(seed, shape=(36, 37, 38)) for seed in range(3)],
                patch_size=(34, 33, 35),
                batch_size=1,
                num_classes=3,
                augmentation=Augmentation(**always, mirror_axes=(2,)),
                standardize_patches=True,
                seed=5,
            )
            results.append(list(prefetch(batches, 2, 5, workers=workers)))
    finally:
        torch.set_num_threads(before)
    for others in results[1:]:
        for one, other in zip(results[0], others, strict=True):
            assert torch.equal(one.image, other.image)
            assert torch.equal(one.label, other.label)
            assert (one.names, one.windows) == (other.names, other.windows)


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_reaches_the_consumer_when_its_batch_is_due(workers: int) -> None:
    seen = []
    with pytest.raises(OSError, match="the disk is gone"):  # noqa: PT012
        for iteration in prefetch(Counting(fails_at=4), 0, 10, workers=workers):
            seen.append(iteration)
    assert seen == [0, 1, 2, 3]
    assert patch_threads() == []


def test_closing_ends_the_threads_and_the_work() -> None:
    source = Counting()
    iterator = prefetch(source, 0, 10_000, workers=2)
    assert next(iterator) == 0
    assert patch_threads()
    iterator.close()
    assert patch_threads() == []
    assert len(source.asked) < 20


def test_work_ahead_is_bounded() -> None:
    source = Counting()
    iterator = prefetch(source, 0, 1000, workers=2)
    next(iterator)
    time.sleep(0.1)
    assert max(source.asked) <= 4
    iterator.close()


def test_workers_run_torch_on_one_thread_and_leave_the_count_of_others_alone() -> None:
    counts: list[int] = []

    class Reporting:
        def batch(self, iteration: int) -> int:
            counts.append(torch.get_num_threads())
            return iteration

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        during = [torch.get_num_threads() for _ in prefetch(Reporting(), 0, 6, workers=2)]
        assert set(counts) == {1}
        assert set(during) == {3}
        after: list[int] = []
        late = threading.Thread(target=lambda: after.append(torch.get_num_threads()))
        late.start()
        late.join()
        assert after == [3]
    finally:
        torch.set_num_threads(before)
