"""The page of networks says what the command says."""

from __future__ import annotations

from pathlib import Path

import pytest

from univox.networks import describe_networks
from univox.recipes.catalog import load_recipe
from univox.studies.arms import read_arms

PAGE = Path(__file__).parents[1] / "docs" / "networks.md"


def test_every_form_stands_on_the_page_with_its_count_verdict_and_reason() -> None:
    table = PAGE.read_text(encoding="utf-8").split("<!-- counts -->")[1].split("<!-- /counts -->")[0]
    lines = [line.split(" | ") for line in table.strip().splitlines()[2:]]
    page = [(line[0].removeprefix("| "), line[1], line[4], line[6], line[7].removesuffix(" |")) for line in lines]
    wanted = [
        (row["name"], row["variant"] or "-", f"{row['parameters']:,}", row["verdict"], row["reason"] or "-")
        for row in describe_networks()
    ]
    assert page == wanted


@pytest.mark.parametrize(
    ("mark", "file"),
    [("study", "choice-of-univox.yaml"), ("study of fifteen minutes", "choice-at-fifteen-minutes.yaml")],
)
def test_a_study_on_the_page_is_the_one_of_its_arms_file(mark: str, file: str) -> None:
    table = PAGE.read_text(encoding="utf-8").split(f"<!-- {mark} -->")[1].split(f"<!-- /{mark} -->")[0]
    lines = [line.strip("| ").split(" | ") for line in table.strip().splitlines()[2:]]
    page = {line[0]: int(line[2].replace(",", "")) for line in lines}
    arms = read_arms(PAGE.parent / "studies" / file)
    assert page == {arm.name: load_recipe(arm.recipe, arm.set).training.iterations for arm in arms}
