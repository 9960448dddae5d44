from __future__ import annotations

import subprocess
import sys

import pytest

import univox


def test_every_public_name_is_there() -> None:
    assert set(univox.__all__) == {*univox._HOMES, "__version__"}
    assert all(getattr(univox, name) is not None for name in univox.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such"):
        _ = univox.no_such  # type: ignore[attr-defined]


@pytest.mark.parametrize("module", ["univox", "univox.cli.main", "univox.image", "univox.recipes.catalog"])
def test_light_modules_import_nothing_heavy(module: str) -> None:
    heavy = ("torch", "scipy", "matplotlib", "nibabel", "SimpleITK", "rich.console")
    if module == "univox.recipes.catalog":
        heavy = ("torch", "matplotlib", "nibabel", "SimpleITK")
    code = f"import sys, {module}; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
