"""What is found out of a domain, stored: weights untouched, and after any kill an old or a new model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_models import CALIBRATION, base, domain, tree

from univox.errors import FileError, ModelError
from univox.model.folder import read_model
from univox.model.postprocessing import ChosenStep, Postprocessing
from univox.model.store_domain import store_domain
from univox.model.stored import StoredModel
from univox.model.temperature_scaling import TemperatureScaling

STEP = ChosenStep(class_name="class 1", kind="largest", dice_before=0.5, dice_after=0.75, cases=3, better=3, worse=0)
FOUND: dict[str, Any] = {
    "postprocessing": Postprocessing(steps=(STEP,), cases=("c",)),
    "calibration": TemperatureScaling.model_validate(CALIBRATION),
}
SAID = {"postprocessing": str(STEP), "calibration": "temperature 1.500"}
each_finding = pytest.mark.parametrize("field", list(FOUND))


def store(stored: StoredModel, field: str, value: object) -> StoredModel:
    return store_domain(stored, stored.domain("brain").model_copy(update={field: value}))


@each_finding
def test_two_files_change_and_come_back(tmp_path: Path, field: str) -> None:
    stored = base(tmp_path / "model", "brain", "liver")
    before = tree(stored.path)
    changed = store(stored, field, FOUND[field])
    assert read_model(stored.path).domains == changed.domains
    assert [getattr(changed.domain(name), field) for name in ("brain", "liver")] == [FOUND[field], None]
    after = tree(stored.path)
    assert {name for name in after if after[name] != before.get(name)} == {"domains/brain/domain.json", "README.md"}
    assert after.keys() == before.keys()
    assert SAID[field].encode() in after["README.md"]
    store(changed, field, None)
    assert tree(stored.path) == before


@each_finding
@pytest.mark.parametrize("killed_at", [1, 2])
def test_killed_while_writing_it_leaves_a_whole_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_at: int, field: str
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
        store(stored, field, FOUND[field])
    monkeypatch.undo()
    after = tree(stored.path)
    assert after.keys() == before.keys()
    assert getattr(read_model(stored.path).domain(), field) == (None if killed_at == 1 else FOUND[field])
    assert after["README.md"] == before["README.md"]


@each_finding
def test_a_full_disk_is_one_sentence_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    stored = base(tmp_path / "model", "brain")
    before = tree(stored.path)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(FileError, match=r"domain\.json: expected to write this file, got No space left on device"):
        store(stored, field, FOUND[field])
    monkeypatch.undo()
    assert tree(stored.path) == before


def test_a_domain_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="got 'liver'"):
        store_domain(base(tmp_path / "model", "brain"), domain("liver"))
