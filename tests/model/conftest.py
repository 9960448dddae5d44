"""A model and a pack for it, made once for the whole room."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_models import base

from univox.model.folder import read_model
from univox.model.membership import remove_domain
from univox.model.pack import export_pack


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of a brain, and the pack of a liver for it; no test may change them."""
    folder = tmp_path_factory.mktemp("packs")
    base(folder / "model", "brain", "liver")
    export_pack(folder / "model", "liver", folder / "liver.univox")
    remove_domain(read_model(folder / "model"), "liver")
    return folder
