"""A temperature stored: weights untouched, and whenever the program is killed an old or a new model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_models import CALIBRATION, base, tree

from univox.errors import FileError, ModelError
from univox.model.folder import read_model
from univox.model.store_calibration import store_calibration
from univox.model.temperature_scaling import TemperatureScaling

SCALING = TemperatureScaling.model_validate(CALIBRATION)
CHANGED = {"domains/brain/domain.json", "README.md"}


def test_two_files_change_and_come_back(tmp_path: Path) -> None:
    stored = base(tmp_path / "model", "brain", "liver")
    before = tree(stored.path)
    changed = store_calibration(stored, "brain", SCALING)
    assert read_model(stored.path).domains == changed.domains
    assert changed.domain("brain").calibration == SCALING
    after = tree(stored.path)
    assert {name for name in after if after[name] != before.get(name)} == CHANGED
    assert after.keys() == before.keys()
    assert b"temperature 1.500" in after["README.md"]
    store_calibration(changed, "brain", None)
    assert tree(stored.path) == before


@pytest.mark.parametrize("killed_at", [1, 2])
def test_killed_while_writing_it_leaves_a_whole_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    stored = base(tmp_path / "model", "brain")
    before, calls = tree(stored.path), 0
    real: Callable[..., Any] = Path.replace

    def replace(self: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls == killed_at:
            raise KeyboardInterrupt
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(KeyboardInterrupt):
        store_calibration(stored, "brain", SCALING)
    monkeypatch.undo()
    after = tree(stored.path)
    assert after.keys() == before.keys()
    assert read_model(stored.path).domain().calibration == (None if killed_at == 1 else SCALING)
    # The card comes last: it is the old one either way.
    assert after["README.md"] == before["README.md"]


def test_a_full_disk_is_one_sentence_and_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = base(tmp_path / "model", "brain")
    before = tree(stored.path)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(FileError, match=r"domain\.json: expected to write this file, got No space left on device"):
        store_calibration(stored, "brain", SCALING)
    monkeypatch.undo()
    assert tree(stored.path) == before


def test_a_domain_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="got 'liver'"):
        store_calibration(base(tmp_path / "model", "brain"), "liver", SCALING)
