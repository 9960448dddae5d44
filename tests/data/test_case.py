from __future__ import annotations

from pathlib import Path

import pytest

from univox.data.case import Case
from univox.errors import DatasetError


def test_subject_is_the_one_given_then_the_bids_entity_then_the_name() -> None:
    images = (Path("x.nii"),)
    assert Case("sub-07_ses-2_T1w", images, None, "anna").subject == "anna"
    assert Case("sub-07_ses-2_T1w", images, None).subject == "sub-07"
    assert Case("hippocampus_007", images, None).subject == "hippocampus_007"


@pytest.mark.parametrize("name", ["", "..", "../up", "a\\b"])
def test_a_name_that_cannot_name_a_file_is_refused(name: str) -> None:
    with pytest.raises(DatasetError, match="case name"):
        Case(name, (Path("x.nii"),), None)
