"""One file that stands alone, says what it must, and takes any name for a case."""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tiny_dataset import label_codes, tiny_dataset, write_nifti

from univox.errors import FileError
from univox.judging.confusion import confusion_of
from univox.judging.evaluate import Evaluation, evaluate
from univox.judging.measures import Measures
from univox.judging.report import render, write_report

DATE = datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.UTC)
LOADING = {"src", "href", "xlink:href", "srcset", "data", "poster", "action", "formaction", "background", "cite"}
DICE_ALONE = Measures(("dice",))
VOID = {"meta", "wbr", "br", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """What a browser would see: tags, what they load, and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loaded: list[str] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        self.loaded += [value or "" for name, value in attrs if name in LOADING]
        self.loaded += [url for _, value in attrs for url in re.findall(r"url\(\s*['\"]?([^)'\"]*)", value or "")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self.open and self.open[-1] == "style":
            assert "@import" not in data
            self.loaded += re.findall(r"url\(\s*['\"]?([^)'\"]*)", data)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run") / "log.jsonl"
    events = [
        {"event": "iteration", "iteration": 1, "loss": 2.0, "lr": 0.1, "seconds": 0.5},
        {"event": "validation", "iteration": 1, "mean_dice": 0.4, "dice": {"front": 0.3, "back": 0.5}},
    ]
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    return path


@pytest.fixture(scope="module")
def text(mixed_evaluation: Evaluation, log: Path) -> str:
    facts = {"command": "univox evaluate p d", "recipe": {"name": "univox", "optimizer": {"lr": 0.1}}}
    return render(mixed_evaluation, log=log, provenance=facts, date=DATE)


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_nothing_is_loaded_from_anywhere(page: Page) -> None:
    assert page.loaded
    for target in page.loaded:
        assert target.startswith(("#", "data:image/png;base64,")), target
    assert "link" not in page.tags
    assert page.tags.count("script") == 1
    assert page.open == []


def test_the_page_says_what_it_must(page: Page) -> None:
    text = " ".join(" ".join(page.words).split())
    assert "0.792 mean foreground Dice" in text
    assert "Evaluation of tiny" in text
    assert "2024-02-29 12:30 UTC" in text
    assert "univox evaluate p d" in text
    assert '"lr": 0.1' in text
    for name in ("swapped.nii.gz", "garbage.nii.gz", "undeclared.nii.gz", "stranger.nii.gz", "absent"):
        assert name in text
    assert "Worst: missed" in text
    assert "Median: shifted" in text
    assert "∞" in text
    assert "Whole cases" not in text
    assert "tolerance of 2.0 mm" in text
    assert "Best: perfect" in text
    assert page.tags.count("img") == 9
    assert page.tags.count("svg") == 1 + 2 + 12


def test_whole_cases_and_every_figure_are_told(tmp_path: Path) -> None:
    dataset = tiny_dataset(tmp_path / "data", "a")
    write_nifti(tmp_path / "p" / "a.nii.gz", label_codes(shift=1))
    measures = Measures(metrics=("all",), tolerance_mm=1.5, empty="one", interior=("front", "back"))
    found = evaluate(tmp_path / "p", dataset, measures=measures)
    page = Page(render(found, date=DATE))
    text = " ".join(" ".join(page.words).split())
    for metric in (*found.metrics, *found.case_metrics):
        assert " ".join(metric.what.split()) in text
    assert "Whole cases" in text
    assert "Interior: front, back" in text
    # Front, 16 voxels, lost 4 to the outside; back is whole: 512 pairs, 144 + 4 + 256 of them kept.
    assert f"{1 - 2 * 404 / (512 + 404):.3f}" in page.words
    assert "tolerance of 1.5 mm" in text
    assert "--empty one" in text


def test_every_picture_says_what_it_shows(text: str) -> None:
    pictures = re.findall(r"<img ([^>]*)>", text)
    assert len(pictures) == 9
    for name, attributes in zip(("missed", "shifted", "perfect"), pictures[::3], strict=True):
        assert re.search(f'alt="{name}, axial, slice \\d of 6: contours', attributes)
        assert f'title="{name}, axial' in attributes
    plots = re.findall(r'<svg role="img" aria-label="([^"]+)"[^>]*><title>([^<]+)</title>', text)
    assert len(plots) == 14
    assert all(label == title for label, title in plots)


def test_without_its_script_every_table_is_a_plain_one(page: Page) -> None:
    assert "button" not in page.tags
    assert page.tags.count("table") == page.tags.count("thead") + 1  # provenance has no head


def test_the_confusion_shown_is_the_one_that_was_counted(text: str, mixed_evaluation: Evaluation) -> None:
    table = text[text.index('<table class="heat">') : text.index("</table>", text.index('<table class="heat">'))]
    cells = re.findall(r'<td class="(\w+)(?: soft)?"[^>]*>([^<]+)(?:<small>([\d,]+)</small>)?</td>', table)
    counts = confusion_of(mixed_evaluation.results, mixed_evaluation.dataset.classes.names)
    assert [int(cell[2].replace(",", "") or "0") for cell in cells] == counts.voxels.ravel().tolist()
    assert [cell[0] for cell in cells] == ["right" if k % 4 == 0 else "wrong" for k in range(9)]
    assert [cell[1] for cell in cells[3:6]] == ["41.7 %", "58.3 %", "0"]
    totals = re.findall(r"<td>([\d,]+)</td></tr>", table)
    assert [int(total.replace(",", "")) for total in totals] == counts.voxels.sum(axis=1).tolist()


def test_of_too_many_classes_the_mistakes_are_listed(
    mixed_evaluation: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("univox.judging.report.LARGEST_MATRIX", 2)
    monkeypatch.setattr("univox.judging.report.galleries", lambda _: [])
    text = render(mixed_evaluation, date=DATE)
    assert 'class="heat"' not in text
    first = text[text.index("was taken for</th>") :]
    assert [first.index('data-sort="front"'), first.index('data-sort="20"')] < [first.index('data-sort="4"')] * 2


def test_what_is_sorted_by_is_what_was_judged(text: str, mixed_evaluation: Evaluation) -> None:
    table = text[text.index('<h2 id="cases">') :]
    rows = [re.findall(r'data-sort="([^"]*)"', row) for row in table[: table.index("</table>")].split("<tr>")[2:]]
    for row, (result, score) in zip(rows, ((r, s) for r in mixed_evaluation.results for s in r.scores), strict=True):
        assert row[:2] == [result.name, score.class_name]
        assert list(map(float, row[2:])) == pytest.approx(list(score.values.values()), nan_ok=True)


def test_cases_stand_worst_first(page: Page) -> None:
    table = page.words[page.words.index("Every case", page.words.index("Every case") + 1) :]
    words = [word for word in table if word in ("missed", "shifted", "perfect")]
    assert words == ["missed", "missed", "shifted", "shifted", "perfect", "perfect"]


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    name = "<script>alert(1)<"
    dataset = tiny_dataset(tmp_path / "data", name, "\"onload='x'")
    dataset = dataclasses.replace(dataset, name="<img src=x>")
    write_nifti(tmp_path / "p" / f"{name}.nii.gz", label_codes(shift=1))
    write_nifti(tmp_path / "p" / "\"onload='x'.nii.gz", label_codes())
    write_nifti(tmp_path / "p" / "<b>extra.nii.gz", label_codes())
    facts = {"</pre><i>": {"<u>": "<s>"}}
    page = Page(render(evaluate(tmp_path / "p", dataset, measures=DICE_ALONE), provenance=facts, date=DATE))
    assert page.tags.count("script") == 1
    assert not {"b", "i", "u", "s"} & set(page.tags) - {"b"}
    assert page.tags.count("b") == 5  # the figures of the summary
    assert name in page.words
    assert any("<b>extra" in word for word in page.words)
    assert page.tags.count("img") == 6


def test_given_facts_win_over_measured_ones(mixed_evaluation: Evaluation) -> None:
    empty = dataclasses.replace(mixed_evaluation, results=())
    page = Page(render(empty, provenance={"date": "yesterday"}, title="Mine"))
    assert page.words.count("yesterday") == 1
    assert page.words.count("Mine") == 2
    assert any("tiny · yesterday" in word for word in page.words)


def test_an_evaluation_without_a_result_still_has_a_page(mixed_evaluation: Evaluation) -> None:
    page = Page(render(dataclasses.replace(mixed_evaluation, results=()), date=DATE))
    assert page.tags.count("img") == 0
    assert "could not be judged" in " ".join(page.words)


def test_an_image_that_cannot_be_read_costs_only_its_pictures(tmp_path: Path) -> None:
    dataset = tiny_dataset(tmp_path / "data", "a")
    write_nifti(tmp_path / "p" / "a.nii.gz", label_codes())
    evaluation = evaluate(tmp_path / "p", dataset, measures=DICE_ALONE)
    dataset.cases[0].images[0].write_bytes(b"gone")
    page = Page(render(evaluation, date=DATE))
    assert page.tags.count("img") == 0
    assert any(word.startswith("No picture: ") for word in page.words)


def test_the_file_is_written_and_a_missing_log_is_named(mixed_evaluation: Evaluation, tmp_path: Path) -> None:
    empty = dataclasses.replace(mixed_evaluation, results=())
    write_report(empty, tmp_path / "deep" / "report.html", date=DATE)
    assert (tmp_path / "deep" / "report.html").read_text(encoding="utf-8") == render(empty, date=DATE)
    with pytest.raises(FileError, match=r"nowhere.jsonl: expected a training log"):
        write_report(empty, tmp_path / "r.html", log=tmp_path / "nowhere.jsonl")
