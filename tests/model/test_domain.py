"""Names that may become folders, and what a domain refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from univox.errors import ModelError
from univox.model.domain import DOMAIN_NAME, Domain, NetworkSpec, domain_name

EMPTY = {"channel_names": ("T1",), "classes": {}, "spatial_dims": 3}


@given(st.text(max_size=150))
def test_every_name_becomes_a_folder_or_an_error(text: str) -> None:
    try:
        name = domain_name(text)
    except ModelError:
        assert not any(letter.isalnum() for letter in text[:1])
        return
    assert DOMAIN_NAME.fullmatch(name)
    assert (Path("model") / name).parent == Path("model")
    assert name not in (".", "..")
    assert domain_name(name) == name
    assert Domain(name=name, **EMPTY).name == name


@pytest.mark.parametrize("name", ["", "..", "../up", "a/b", "a\\b", ".hidden", "a\0b", "a\n", "x" * 101])
def test_unlawful_names_are_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="name"):
        Domain(name=name, **EMPTY)


def test_plain_names_stay_and_others_lose_what_is_not_lawful() -> None:
    assert domain_name("hippocampus_mri") == "hippocampus_mri"
    assert domain_name("Gehirn (Säugling) 2.0") == "Gehirn (Säugling) 2.0"
    assert domain_name("liver & tumour") == "liver - tumour"
    assert domain_name("..//CT") == "CT"
    with pytest.raises(ModelError, match="at least one letter or digit"):
        domain_name("../..")


def test_a_network_needs_channels_and_classes() -> None:
    with pytest.raises(ValidationError, match="in_channels"):
        NetworkSpec(name="x", in_channels=0, num_classes=2, spatial_dims=3)
