from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from univox.data.source import DatasetSource
from univox.errors import CheckpointError
from univox.training import fit
from univox.training.log import read_log
from univox.training.request import TrainRequest
from univox.training.run import train

WEIGHTS = ("shared.safetensors", "run/last.safetensors", "run/best.safetensors")


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the program may catch it."""


def weights(output: Path) -> list[bytes]:
    return [(output / name).read_bytes() for name in WEIGHTS]


def logged(output: Path) -> list[tuple[Any, ...]]:
    keys = ("event", "iteration", "loss", "mean_dice")
    return [tuple(event.get(key) for key in keys) for event in read_log(output / "run" / "log.jsonl")]


def killed_at(rename: int, monkeypatch: pytest.MonkeyPatch, *, before: bool, work: Callable[[], object]) -> bool:
    """Run `work` and kill it just before or after its n-th rename; tell whether it got that far."""
    count = 0
    replace = Path.replace

    def replace_or_die(self: Path, target: Path) -> Path:
        nonlocal count
        count += 1
        if count == rename and before:
            raise Killed
        result = replace(self, target)
        if count == rename:
            raise Killed
        return result

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace_or_die)
        try:
            work()
        except Killed:
            return True
    return False


@pytest.mark.parametrize("before", [True, False])
def test_a_run_killed_at_any_rename_ends_in_the_same_weights(
    tiny_request: Callable[..., TrainRequest], monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    monkeypatch.setattr(fit, "CHECKPOINT_SECONDS", 0.0)
    train(tiny_request("undisturbed"))
    expected, log = weights(tiny_request("undisturbed").output), logged(tiny_request("undisturbed").output)
    moments = 0
    for rename in range(1, 60):
        request = tiny_request(f"killed-{rename}")
        if not killed_at(rename, monkeypatch, before=before, work=lambda request=request: train(request)):
            break
        moments += 1
        started = (request.run_folder / "request.json").exists()
        train(request, resume=started)
        assert weights(request.output) == expected, f"killed at rename {rename}"
        assert logged(request.output) == log
    assert moments >= 12


def test_a_process_killed_ten_times_ends_in_the_same_weights(tiny_request: Callable[..., TrainRequest]) -> None:
    undisturbed = tiny_request("undisturbed", iterations=400)
    train(undisturbed)
    request = tiny_request("killed", iterations=400)
    script = (
        "import sys; from pathlib import Path; from univox.training import fit; fit.CHECKPOINT_SECONDS = 0.02\n"
        "from univox.training.request import TrainRequest; from univox.training.run import train\n"
        "output = Path(sys.argv[1]); train(TrainRequest.read(output), resume=True)\n"
    )
    request.write()
    rng = random.Random(0)
    killed = 0
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for _ in range(40):
        process = subprocess.Popen([sys.executable, "-c", script, str(request.output)], env=environment)
        if killed < 10:
            lines = len(read_log(request.run_folder / "log.jsonl"))
            deadline = time.monotonic() + 60
            while process.poll() is None and time.monotonic() < deadline:
                if len(read_log(request.run_folder / "log.jsonl")) > lines + 3:
                    break
                time.sleep(0.01)
            time.sleep(rng.uniform(0.0, 0.15))
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                killed += 1
            process.wait()
        elif process.wait() == 0:
            break
    assert killed == 10
    assert weights(request.output) == weights(undisturbed.output)
    assert logged(request.output) == logged(undisturbed.output)


def test_any_number_of_workers_gives_the_same_weights(tiny_request: Callable[..., TrainRequest]) -> None:
    for workers in (0, 2):
        train(tiny_request(f"workers-{workers}", workers=workers))
    assert weights(tiny_request("workers-0").output) == weights(tiny_request("workers-2").output)


def test_another_seed_gives_other_weights(tiny_request: Callable[..., TrainRequest]) -> None:
    for seed in (0, 1):
        train(tiny_request(f"seed-{seed}", seed=seed))
    assert weights(tiny_request("seed-0").output)[1] != weights(tiny_request("seed-1").output)[1]


def test_a_folder_with_a_run_is_not_overwritten(tiny_request: Callable[..., TrainRequest]) -> None:
    train(tiny_request(iterations=1))
    before = weights(tiny_request().output)[0]
    with pytest.raises(CheckpointError, match="--resume continues it"):
        train(tiny_request())
    assert weights(tiny_request().output)[0] == before


def test_a_checkpoint_cut_short_is_named(tiny_request: Callable[..., TrainRequest]) -> None:
    request = tiny_request(iterations=2)
    train(request)
    checkpoint = request.run_folder / "checkpoint.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:100])
    with pytest.raises(CheckpointError, match=r"checkpoint\.safetensors"):
        train(request, resume=True)


def test_a_dataset_that_changed_is_not_resumed_on(
    tiny_dataset: Path, tiny_request: Callable[..., TrainRequest], tmp_path: Path
) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(tiny_dataset, changed)
    request = tiny_request(iterations=2).model_copy(update={"datasets": (DatasetSource(path=changed),)})
    train(request)
    for part in ("imagesTr", "labelsTr"):
        shutil.copy(changed / part / "ball_04.nii.gz", changed / part / "ball_08.nii.gz")
    with pytest.raises(CheckpointError, match="added, removed or changed"):
        train(request, resume=True)


def test_a_resumed_run_keeps_its_recipe(tiny_request: Callable[..., TrainRequest]) -> None:
    request = tiny_request(iterations=2)
    train(request)
    changed = request.model_copy(update={"overrides": (*request.overrides, "optimizer.lr=1.0")})
    before = (request.run_folder / "recipe.yaml").read_text()
    train(changed, resume=True)
    assert (request.run_folder / "recipe.yaml").read_text() == before


def test_tensorboard_gets_the_same_events(tiny_request: Callable[..., TrainRequest]) -> None:
    pytest.importorskip("tensorboard")
    request = tiny_request(iterations=2, tensorboard=True)
    train(request)
    assert list((request.run_folder / "tensorboard").glob("events.out.tfevents.*"))
