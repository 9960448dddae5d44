"""A pack is its domain: out, in, and out again it is the same bytes, and nothing else of a model moves."""

from __future__ import annotations

import io
import json
import shutil
import tempfile
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import SIZES, base, domain, extension, logits, tree

from univox.errors import FileError, ModelError
from univox.model.domain import NetworkSpec
from univox.model.folder import read_model, write_model
from univox.model.membership import add_domain, remove_domain
from univox.model.pack import add_pack, export_pack, read_pack, verify_pack
from univox.networks.parts import names_under
from univox.version import __version__


@pytest.fixture
def model(tmp_path: Path) -> Path:
    base(tmp_path / "model", "brain", "liver")
    return tmp_path / "model"


def test_a_pack_says_what_it_is_and_what_it_belongs_to(model: Path, tmp_path: Path) -> None:
    stored = read_model(model)
    written = export_pack(model, "liver", tmp_path / "liver.univox")
    assert written == read_pack(tmp_path / "liver.univox")
    record = written.record
    assert (record.pack_format, record.univox_version, record.base) == (1, __version__, stored.identity)
    assert record.parameters == stored.manifest.domains["liver"].parameters
    assert record.network == stored.spec.model_copy(update={"in_channels": 2, "num_classes": 3})
    assert written.domain == stored.domain("liver")
    with zipfile.ZipFile(tmp_path / "liver.univox") as archive:
        assert archive.namelist() == ["pack.json", "domain.json", "weights.safetensors"]
        assert archive.testzip() is None
        for name in archive.namelist()[1:]:
            assert archive.read(name) == (model / "domains/liver" / name).read_bytes()


def test_equal_domains_make_equal_bytes(model: Path, tmp_path: Path) -> None:
    shutil.copytree(model, tmp_path / "copy")
    first = export_pack(model, "liver", tmp_path / "first.univox")
    second = export_pack(tmp_path / "copy", "liver", tmp_path / "second.univox")
    assert first.sha256 == second.sha256
    assert (tmp_path / "first.univox").read_bytes() == (tmp_path / "second.univox").read_bytes()


@pytest.mark.parametrize("name", ["brain", "liver"])
def test_out_in_and_out_again_is_the_identity(model: Path, tmp_path: Path, name: str) -> None:
    before, computed = tree(model), logits(model, name)
    export_pack(model, name, tmp_path / "a.univox")
    remove_domain(read_model(model), name)
    with pytest.raises(ModelError, match=f"got '{name}'"):
        export_pack(model, name, tmp_path / "none.univox")
    assert not (tmp_path / "none.univox").exists()
    added = add_pack(model, tmp_path / "a.univox")
    assert added.domains == read_model(model).domains
    assert torch.equal(logits(model, name), computed)
    export_pack(model, name, tmp_path / "b.univox")
    assert (tmp_path / "a.univox").read_bytes() == (tmp_path / "b.univox").read_bytes()
    if name == "liver":  # the last of the model, and so in its old place again
        assert tree(model) == before


def test_a_domain_comes_under_another_name(model: Path, tmp_path: Path) -> None:
    export_pack(model, "liver", tmp_path / "a.univox")
    before = tree(model)
    stored = add_pack(model, tmp_path / "a.univox", name="second liver")
    assert list(stored.domains) == ["brain", "liver", "second liver"]
    assert torch.equal(logits(model, "second liver"), logits(model, "liver"))
    remove_domain(stored, "second liver")
    assert tree(model) == before


def test_case_names_may_stay_at_home(model: Path, tmp_path: Path) -> None:
    pack = export_pack(model, "liver", tmp_path / "a.univox", case_names=False)
    assert pack.domain.split == {}
    assert pack.domain.provenance == {"dataset": "liver", "split": {}}
    assert export_pack(model, "liver", tmp_path / "b.univox").domain.split == {"train": ["a", "b"], "validation": ["c"]}
    stored = add_pack(model, tmp_path / "a.univox", name="liver 2")
    assert "- train" not in (model / "README.md").read_text().split("## Domain liver 2")[1]
    assert export_pack(stored, "liver 2", tmp_path / "c.univox").domain.split == {}


def test_a_domain_of_the_older_format_travels_with_its_split(model: Path, tmp_path: Path) -> None:
    export_pack(model, "liver", tmp_path / "a.univox")
    remove_domain(read_model(model), "liver")
    values = json.loads((model / "model.json").read_text())
    values |= {"format_version": 1, "provenance": {"dataset": "old", "split": {"train": ["x"]}}}
    (model / "model.json").write_text(json.dumps(values))
    about = json.loads((model / "domains/brain/domain.json").read_text())
    del about["provenance"]
    (model / "domains/brain/domain.json").write_text(json.dumps(about))
    stored = add_pack(model, tmp_path / "a.univox")
    assert read_model(model).domain("brain").split == {"train": ["x"]}
    assert read_model(model).domain("liver").split == {"train": ["a", "b"], "validation": ["c"]}
    assert stored.domains == read_model(model).domains
    assert export_pack(model, "brain", tmp_path / "b.univox").domain.split == {"train": ["x"]}


def test_verifying_writes_nothing(model: Path, tmp_path: Path) -> None:
    export_pack(model, "liver", tmp_path / "a.univox")
    before = tree(tmp_path)
    assert verify_pack(tmp_path / "a.univox") == verify_pack(tmp_path / "a.univox", model)
    assert tree(tmp_path) == before


def test_a_pack_that_cannot_be_written_is_said(model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="to write this file"):
        export_pack(model, "liver", tmp_path / "file" / "a.univox")


def test_a_domain_that_no_one_could_add_is_not_exported(model: Path, tmp_path: Path) -> None:
    stored = read_model(model)
    spoilt = extension(stored, domain("cells"))
    with torch.no_grad():
        spoilt.state_dict()[names_under(spoilt.state_dict(), ["output"])[0]].fill_(float("nan"))
    add_domain(stored, domain("cells"), spoilt)
    with pytest.raises(ModelError, match="expected finite weights, got nan or infinity in 'output"):
        export_pack(model, "cells", tmp_path / "cells.univox")
    add_domain(read_model(model), domain("open", preprocessing={}), extension(stored, domain("open")))
    with pytest.raises(ModelError, match="expected preprocessing that is decided"):
        export_pack(model, "open", tmp_path / "open.univox")
    assert not list(tmp_path.glob("*.univox"))


def test_a_foreign_network_has_no_packs(tmp_path: Path) -> None:
    spec = NetworkSpec(name="torch.nn.PReLU", in_channels=1, num_classes=2, spatial_dims=2)
    write_model(tmp_path / "m", spec=spec, members=[(domain("brain"), torch.nn.PReLU())], recipe={}, provenance={})
    with pytest.raises(ModelError, match=r"univox's own networks .*, got 'torch.nn.PReLU'"):
        export_pack(tmp_path / "m", "brain", tmp_path / "a.univox")


STEPS = st.lists(st.tuples(st.sampled_from(["add", "export", "remove", "add pack"]), st.sampled_from(list(SIZES))))


@settings(max_examples=8, deadline=None, database=None)
@given(STEPS)
def test_no_sequence_of_steps_moves_an_untouched_domain(steps: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        model, packs = Path(folder) / "model", Path(folder)
        base(model, "brain")
        shared = (model / "shared.safetensors").read_bytes()
        states, known = [tree(model)], {"brain": logits(model, "brain")}
        for step, name in steps:
            packed = packs / f"{name}.univox"
            here = name in read_model(model).domains
            if step == "add" and not here:
                add_domain(read_model(model), domain(name), extension(read_model(model), domain(name)))
                states.append(tree(model))
            elif step == "export" and here:
                export_pack(model, name, packed)
            elif step == "add pack" and not here and packed.exists():
                add_pack(model, packed)
                states.append(tree(model))
            elif step == "remove" and name == list(read_model(model).domains)[-1] != "brain":
                remove_domain(read_model(model), name)
                states.pop()
            # What was removed last was added last: the folder is the one from before that.
            assert tree(model) == states[-1]
            assert (model / "shared.safetensors").read_bytes() == shared
            for other in read_model(model).domains:
                assert torch.equal(logits(model, other), known.setdefault(other, logits(model, other)))


def test_the_zip_is_one_that_any_program_reads(model: Path, tmp_path: Path) -> None:
    export_pack(model, "liver", tmp_path / "a.univox")
    with zipfile.ZipFile(io.BytesIO((tmp_path / "a.univox").read_bytes())) as archive:
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
