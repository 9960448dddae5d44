from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from univox.cli.main import app
from univox.errors import ModelError
from univox.model.domain import Domain, NetworkSpec
from univox.model.folder import read_model, write_model
from univox.model.pack import read_pack
from univox.networks import build_network
from univox.networks.sharing import SharedNetworks

NETWORK = {"name": "u2net", "in_channels": 1, "num_classes": 2, "spatial_dims": 2}
ARGUMENTS = {"pools": 1, "width": 2}


def run(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["pack", *map(str, arguments)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0
    return done.output


@pytest.fixture
def model(tmp_path: Path) -> Path:
    about = [
        Domain(
            name=name,
            channel_names=("T1",),
            classes={
                "classes": [{"name": "background", "codes": [0]}, {"name": organ, "codes": [1]}],
                "instances": False,
            },
            spatial_dims=2,
            plan={"patch_size": [8, 8]},
            preprocessing={
                "crop": "none",
                "spacing_mm": "none",
                "clip": "none",
                "normalization": {"scope": "case", "over": "image"},
            },
            provenance={"split": {"train": ["mary", "john"]}},
        )
        for name, organ in (("abdomen", "liver"), ("head", "brain"))
    ]
    networks = SharedNetworks({one.name: build_network(**NETWORK, arguments=ARGUMENTS) for one in about})
    write_model(
        tmp_path / "model",
        spec=NetworkSpec.model_validate({**NETWORK, "arguments": ARGUMENTS}),
        members=[(one, networks.domain(one.name)) for one in about],
        recipe={},
        provenance={},
    )
    return tmp_path / "model"


def test_a_domain_goes_from_hand_to_hand(model: Path, tmp_path: Path) -> None:
    file = tmp_path / "head.univox"
    said = run("export", model, "head", "-o", file)
    assert f"{file.stat().st_size / 1000:,.1f} kB, sha256 {read_pack(file).sha256}" in said
    assert "it holds the names of 2 cases; --without-case-names leaves them out" in said
    assert run("remove", model, "head") == f"{model}: abdomen\n"
    assert f"fits {model}" in run("verify", file, "--model", model)
    assert "--model MODEL compares one" in run("verify", file)
    assert run("add", model, file) == f"{model}: abdomen, head\n"
    assert run("add", model, file, "--name", "skull") == f"{model}: abdomen, head, skull\n"
    assert list(read_model(model).domains) == ["abdomen", "head", "skull"]
    with pytest.raises(ModelError, match="got 'skull'; remedy: name it otherwise with --name"):
        run("add", model, file, "--name", "skull")


def test_a_model_and_a_pack_are_listed(model: Path, tmp_path: Path) -> None:
    run("export", model, "head", "-o", tmp_path / "head.univox", "--without-case-names")
    assert b"mary" not in (tmp_path / "head.univox").read_bytes()
    stored = read_model(model)
    own = f"{stored.manifest.domains['head'].parameters:,}"
    listed = [line for line in run("list", model).splitlines() if stored.identity[:12] in line]
    assert len(listed) == 2
    [packed] = [line for line in run("list", tmp_path / "head.univox").splitlines() if stored.identity[:12] in line]
    for line in (listed[1], packed):
        assert all(word in line for word in ("head", own, "background, brain", "T1"))


def test_what_is_no_pack_is_one_sentence(model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.univox").write_text("no")
    for arguments in (("list", tmp_path / "a.univox"), ("verify", tmp_path / "a.univox")):
        with pytest.raises(ModelError, match="a zip file, as every pack is"):
            run(*arguments)
