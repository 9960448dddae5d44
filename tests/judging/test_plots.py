"""Plots hold the points that they were given, and stay one harmless SVG element."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from univox.errors import FileError
from univox.judging import plots
from univox.judging.plots import Curves, box_plot, curves_of, loss_plot, read_curves, validation_plot

EVENTS = [
    {"event": "start", "note": "passed over"},
    {"event": "iteration", "iteration": 1, "loss": 2.0, "lr": 0.1, "seconds": 0.5},
    {"event": "iteration", "iteration": 2, "loss": 1.0, "lr": 0.1, "seconds": 0.5},
    {"event": "validation", "iteration": 2, "mean_dice": 0.5, "dice": {"a": 0.5, "b": None}, "seconds": 1.0},
    {"event": "validation", "iteration": 4, "mean_dice": None, "dice": {}, "seconds": 1.0},
]
SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg: str) -> ElementTree.Element:
    root = ElementTree.fromstring(svg)
    assert root.tag == f"{SVG}svg"
    return root


def words(svg: str) -> list[str]:
    return [element.text or "" for element in parsed(svg).iter(f"{SVG}text")]


def test_events_become_curves() -> None:
    curves = curves_of(EVENTS)
    assert (curves.iterations, curves.losses, curves.validated) == ((1, 2), (2.0, 1.0), (2, 4))
    np.testing.assert_equal(curves.mean_dice, (0.5, math.nan))
    np.testing.assert_equal(dict(curves.dice), {"a": (0.5, math.nan), "b": (math.nan, math.nan)})


def test_a_log_is_read_from_its_file(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("".join(json.dumps(event) + "\n" for event in EVENTS) + '{"event": "iterat')
    np.testing.assert_equal(read_curves(log), curves_of(EVENTS))


@pytest.mark.parametrize("text", [None, '{"no": "event"}\n', "[1]\n", '{"event": "iteration"}\n'])
def test_what_is_no_log_is_refused(tmp_path: Path, text: str | None) -> None:
    log = tmp_path / "log.jsonl"
    if text is not None:
        log.write_text(text)
    with pytest.raises(FileError, match="a training log"):
        read_curves(log)


def test_every_case_is_a_point_and_what_is_left_out_is_said() -> None:
    svg = box_plot({"one": [0.1, 0.5, 0.9, math.nan], "two": [0.7, math.inf, math.nan]}, title="Dice")
    markers = [use for use in parsed(svg).iter(f"{SVG}use") if "fill-opacity" in (use.get("style") or "")]
    assert len(markers) == 4
    assert {"one", "two", "1 left out", "2 left out", "Dice"} <= set(words(svg))


def test_many_cases_keep_their_extremes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plots, "POINTS_PER_BOX", 5)
    svg = box_plot({"one": list(range(1001))}, title="HD95 (mm)", best=0.0)
    markers = [use for use in parsed(svg).iter(f"{SVG}use") if "fill-opacity" in (use.get("style") or "")]
    across = [float(use.get("x", "")) for use in markers]
    assert len(across) == 5
    np.testing.assert_allclose(np.diff(across), np.diff(across)[0], rtol=1e-5)


def test_a_class_without_a_value_leaves_an_empty_row() -> None:
    assert "2 left out" in words(box_plot({"none": [math.nan, math.inf]}, title="HD95"))


def test_names_are_no_formulas_and_no_markup() -> None:
    name = "$\\bad$ <b>&"
    assert name in words(box_plot({name: [0.5]}, title="Dice"))
    curves = Curves((1,), (1.0,), (1, 2), (0.5, 0.6), {name: (0.5, 0.6), "_hidden": (0.4, 0.5)})
    assert name in words(validation_plot(curves))


def test_a_long_name_is_cut() -> None:
    assert "a" * 21 + "…" in words(box_plot({"a" * 40: [0.5]}, title="Dice"))


def test_nothing_points_outside_and_ids_differ_between_plots() -> None:
    curves = curves_of(EVENTS)
    svgs = [loss_plot(curves), validation_plot(curves), box_plot({"a": [0.5, 0.6]}, title="Dice")]
    ids = [identifier for svg in svgs for identifier in re.findall(r'\bid="([^"]+)"', svg)]
    assert len(ids) == len(set(ids))
    for svg in svgs:
        targets = re.findall(r'href="([^"]+)"|url\(([^)]+)\)', svg)
        assert all((a or b).startswith("#") and (a or b)[1:] in ids for a, b in targets)
        assert "<metadata" not in svg
        assert "<!DOCTYPE" not in svg


def test_the_ink_is_that_of_the_page_and_the_same_input_gives_the_same_text() -> None:
    svg = box_plot({"a": [0.5, 0.6]}, title="Dice")
    assert plots.INK not in svg
    assert "currentColor" in svg
    assert svg == box_plot({"a": [0.5, 0.6]}, title="Dice")


def test_a_long_run_keeps_its_range() -> None:
    losses = tuple(np.linspace(5.0, 1.0, 10_000).tolist())
    svg = loss_plot(Curves(tuple(range(10_000)), losses, (), (), {}))
    assert len(svg) < 60_000
