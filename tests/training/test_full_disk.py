"""A disk that is full while weights are written: one sentence, and the old file stays."""

from __future__ import annotations

import resource
import signal
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
import torch

from univox.errors import FileError
from univox.model import tensors as model_tensors
from univox.training import checkpoint

WEIGHTS = {"weight": torch.zeros(100_000)}


@pytest.fixture
def no_file_past_a_kilobyte() -> Generator[None, None, None]:
    """Let the system refuse to write further, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize(
    "write",
    [
        lambda path: model_tensors.write_tensors(path, WEIGHTS),
        lambda path: checkpoint.write_tensors(path, WEIGHTS, {}),
    ],
    ids=["model", "checkpoint"],
)
@pytest.mark.usefixtures("no_file_past_a_kilobyte")
def test_a_full_disk_is_one_sentence(write: Callable[[Path], object], tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"old")
    with pytest.raises(FileError, match=r"weights\.safetensors: expected to write this file.*remedy: free disk space"):
        write(path)
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["weights.safetensors"]
