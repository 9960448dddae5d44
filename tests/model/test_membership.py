"""Domains come and go: whole or not at all, and what the others use is not written."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from small_models import base, domain, extension, image_for, logits, network_of, tree

from univox.errors import FileError, ModelError
from univox.model.folder import read_model
from univox.model.membership import add_domain, remove_domain
from univox.model.stored import StoredModel


@pytest.fixture
def model(tmp_path: Path) -> Path:
    base(tmp_path / "model", "brain", "liver")
    return tmp_path / "model"


def add(model: Path, name: str = "cells", **changes: Any) -> StoredModel:
    stored = read_model(model)
    about = domain(name, **changes)
    return add_domain(stored, about, extension(stored, about))


def test_what_was_added_is_read_and_computes(model: Path) -> None:
    returned = add(model, provenance={"by": "extend", "figure": float("nan")})
    stored = read_model(model)
    assert list(stored.domains) == ["brain", "liver", "cells"]
    assert stored == returned
    assert stored.domain("cells").provenance == {"by": "extend", "figure": None}
    with torch.no_grad():
        trained = extension(stored, domain("cells"))(image_for(domain("cells")))
    assert torch.equal(logits(model, "cells"), trained)
    assert "## Domain cells" in (model / "README.md").read_text()


def test_only_the_new_domain_the_manifest_and_the_card_are_written(model: Path) -> None:
    before, computed = tree(model), {name: logits(model, name) for name in ("brain", "liver")}
    add(model)
    after = tree(model)
    changed = {name for name in after if before.get(name) != after[name]}
    assert changed == {
        "README.md",
        "model.json",
        "domains/cells/domain.json",
        "domains/cells/weights.safetensors",
    }
    assert all(torch.equal(logits(model, name), values) for name, values in computed.items())
    remove_domain(read_model(model), "cells")
    assert tree(model) == before
    assert not (model / "domains/cells").exists()


def test_the_log_of_an_extension_goes_with_its_domain(model: Path) -> None:
    before = tree(model)
    for name in ("cells", "heart"):
        add(model, name)
        (model / "extensions" / name).mkdir(parents=True)
        (model / "extensions" / name / "log.jsonl").write_text("{}")
    remove_domain(read_model(model), "cells")
    assert [path.name for path in (model / "extensions").iterdir()] == ["heart"]
    remove_domain(read_model(model), "heart")
    assert tree(model) == before
    assert not (model / "extensions").exists()


def test_domains_may_go_in_any_order(model: Path) -> None:
    before, liver = tree(model), logits(model, "liver")
    add(model)
    add(model, "heart")
    remove_domain(read_model(model), "cells")
    assert list(read_model(model).domains) == ["brain", "liver", "heart"]
    remove_domain(read_model(model), "heart")
    assert tree(model) == before
    left = remove_domain(read_model(model), "brain")
    # The network of model.json is that of the first domain.
    assert (left.spec.in_channels, left.spec.num_classes) == (2, 3)
    assert left == read_model(model)
    assert torch.equal(logits(model, "liver"), liver)


def test_a_name_that_is_there_or_shares_its_folder_is_refused(model: Path) -> None:
    before = tree(model)
    for name in ("liver", "Liver", "LIVER.", "\uff4civer"):
        with pytest.raises(ModelError, match=r"does not have \(brain, liver\), got"):
            add(model, name)
    assert tree(model) == before


def test_a_network_of_another_base_is_refused(model: Path) -> None:
    before = tree(model)
    with pytest.raises(ModelError, match="trained on this model's shared weights, got one with others"):
        add_domain(read_model(model), domain("cells"), network_of(domain("cells")))
    assert tree(model) == before


def test_the_last_domain_and_an_unknown_one_stay(model: Path) -> None:
    with pytest.raises(ModelError, match="one of the model's domains: brain, liver, got 'heart'"):
        remove_domain(read_model(model), "heart")
    remove_domain(read_model(model), "liver")
    before = tree(model)
    with pytest.raises(ModelError, match="got 'brain', its only one; remedy: delete the folder instead"):
        remove_domain(read_model(model), "brain")
    assert tree(model) == before


def test_a_domain_added_to_a_model_of_format_1_keeps_its_own_split(model: Path) -> None:
    remove_domain(read_model(model), "liver")
    values = json.loads((model / "model.json").read_text())
    values |= {"format_version": 1, "provenance": {"dataset": "old", "split": {"train": ["x"]}}}
    (model / "model.json").write_text(json.dumps(values))
    about = json.loads((model / "domains/brain/domain.json").read_text())
    del about["provenance"]
    (model / "domains/brain/domain.json").write_text(json.dumps(about))
    returned = add(model, provenance={})
    stored = read_model(model)
    assert stored == returned
    assert stored.domain("brain").split == {"train": ["x"]}
    assert stored.domain("cells").split == {}


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it, and nothing is tidied up."""


def stopped_at(moment: int, stop: BaseException, patch: pytest.MonkeyPatch) -> None:
    """Raise at the rename of that number, counted from 0."""
    left = [moment]
    rename: Callable[..., Any] = Path.replace

    def counted(self: Path, target: Any) -> Any:
        left[0] -= 1
        if left[0] == -1:
            raise stop
        return rename(self, target)

    patch.setattr(Path, "replace", counted)


def remove(model: Path) -> StoredModel:
    return remove_domain(read_model(model), "liver")


@pytest.mark.parametrize("verb", [add, remove])
def test_a_kill_at_any_rename_leaves_the_earlier_model_or_the_new(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: Callable[[Path], StoredModel]
) -> None:
    computed = {name: logits(model, name) for name in ("brain", "liver")}
    shutil.copytree(model, tmp_path / "whole")
    verb(tmp_path / "whole")
    old, new, seen = tuple(read_model(model).domains), tuple(read_model(tmp_path / "whole").domains), []
    for moment in range(20):
        tried = tmp_path / f"{moment}"
        shutil.copytree(model, tried)
        with monkeypatch.context() as patch:
            stopped_at(moment, Killed(), patch)
            patch.setattr(shutil, "rmtree", lambda *args, **kwargs: None)
            try:
                verb(tried)
            except Killed:
                finished = False
            else:
                finished = True
        stored = read_model(tried)
        seen.append(tuple(stored.domains))
        for name in stored.domains:
            assert torch.equal(logits(tried, name), computed.setdefault(name, logits(tried, name)))
        if finished:
            break
        # Whoever goes on finds nothing in the way, and the end is the same.
        if seen[-1] == old:
            verb(tried)
            assert tree(tried) == tree(tmp_path / "whole")
    assert finished
    assert sorted(set(seen), key=seen.index) == [old, new]


@pytest.mark.parametrize("verb", [add, remove])
def test_a_full_disk_leaves_the_earlier_model_byte_for_byte(
    model: Path, monkeypatch: pytest.MonkeyPatch, verb: Callable[[Path], StoredModel]
) -> None:
    before, sentences = tree(model), list[str]()
    for moment in range(20):
        with monkeypatch.context() as patch:
            left = [moment]

            def full(_: int, left: list[int] = left) -> None:
                left[0] -= 1
                if left[0] == -1:
                    raise OSError(errno.ENOSPC, "No space left on device")

            patch.setattr("univox.atomic.os.fsync", full)
            try:
                verb(model)
                break
            except FileError as error:
                sentences.append(error.got)
        assert tree(model) == before
        assert not [path for path in model.iterdir() if path.name.startswith(".")]
    assert len(sentences) >= 2
    assert set(sentences) == {"No space left on device"}
    assert tree(model) != before


def test_a_manifest_that_cannot_take_its_place_takes_the_domain_back(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, rename = tree(model), Path.replace

    def refusing(self: Path, target: Path) -> Path:
        if target == model / "model.json":
            raise PermissionError(errno.EACCES, "Permission denied")
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refusing)
        with pytest.raises(FileError, match="to write a model here, got Permission denied"):
            add(model)
    assert tree(model) == before
    assert not (model / "domains/cells").exists()
