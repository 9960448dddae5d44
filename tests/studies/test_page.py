"""Tables that sort by what they show."""

from __future__ import annotations

import re

from univox.studies.page import study_page, table_html

HEADS = ("arm", "parameters", "Dice", "95 %")
ROWS = [("2d <b>", "1,869,844", "0.9", "0.8 to 1"), ("univox", "20,850", "", ""), ("3d", "1,000", "-0.1", "-1 to 0")]


def test_keys_are_the_numbers_that_are_shown() -> None:
    page = table_html(HEADS, ROWS, ["hint one", 'of "two"', "three"])
    columns = [re.findall(r'data-sort="([^"]*)"', row) for row in page.split("<tr")[2:]]
    assert columns == [
        ["2d &lt;b&gt;", "1869844", "0.9", "0.8"],
        ["univox", "20850", "", ""],
        ["3d", "1000", "-0.1", "-1"],
    ]
    assert re.findall(r'<th scope="col" data-kind="(\w+)"', page) == ["text", "number", "number", "number"]
    assert ">2d &lt;b&gt;<" in page
    assert 'title="of &quot;two&quot;"' in page


def test_plots_get_a_card_and_everything_is_text() -> None:
    page = study_page("a <i>", ["<p>said</p>", '<svg role="img"></svg>'], command="univox <u>")
    assert '<div class="card"><svg role="img"></svg></div>' in page
    assert "<p>said</p>" in page
    assert "<i>" not in page
    assert "<u>" not in page
