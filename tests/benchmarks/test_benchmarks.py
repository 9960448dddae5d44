"""Each benchmark gives valid rows on tiny shapes; runs are kept whole; the page is a function of the history."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
# Those that start processes of their own, or wait for such, are slow.
SLOW = ("global_aggregation", "loader", "many_classes", "start_up")
FAST = (
    "ceilings",
    "depthwise",
    "universal_iteration",
    "modified_hausdorff",
    "surface_metrics",
    "resampling",
    "sliding_window",
)


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the programs find each other, as they do when run by name."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def check_row(row: dict[str, Any]) -> None:
    wanted = {"name", "ours", "peer", "ceiling", "ratio", "unit", "to_reach", "shape", "threads", "precision"}
    assert wanted <= set(row)
    for name in ("ours", "peer", "ceiling", "ratio"):
        assert row[name] is None or (math.isfinite(row[name]) and row[name] > 0), name
    assert row["ours"] is not None
    assert (row["ratio"] is None) == (row["peer"] is None)
    if row["peer"] is not None:
        assert row["ratio"] == pytest.approx(row["ours"] / row["peer"])
        assert row["peer_name"]
    assert row["quick"]
    assert row["reached"] is None  # a quick run says nothing about a target


@pytest.mark.filterwarnings("ignore")  # a peer may warn of itself
@pytest.mark.parametrize("name", FAST)
def test_a_quick_run_gives_valid_rows(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = torch.get_num_threads()
    try:
        import_module(name).main(["--quick", "--json", "--threads", "1", "--runs", "1"])
    finally:
        torch.set_num_threads(before)
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows
    assert len({row["name"] for row in rows}) == len(rows)
    for row in rows:
        check_row(row)


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_a_quick_run_of_processes_gives_valid_rows(name: str) -> None:
    command = [sys.executable, str(BENCHMARKS / f"{name}.py"), "--quick", "--json", "--threads", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert rows
    for row in rows:
        check_row(row)


def test_all_programs_run_together_but_the_training() -> None:
    run = import_module("run")
    assert set(run.PROGRAMS) == {*FAST, *SLOW}


def make_row(**changes: Any) -> Any:
    facts = {
        "name": "work",
        "unit": "s",
        "ours": 2.0,
        "shape": "8^3",
        "threads": 1,
        "precision": "fp32",
        "quick": False,
    }
    return import_module("row").Row(**{**facts, **changes})


@pytest.mark.parametrize(
    ("target", "reached"),
    [
        ({"what": "ours", "at_most": 2.0}, True),
        ({"what": "ours", "at_least": 2.5}, False),
        ({"what": "ratio", "at_most": 0.5}, True),
        ({"what": "ratio", "at_most": 0.4}, False),
        ({"what": "of_ceiling", "at_most": 1.9}, False),
        (None, None),
    ],
)
def test_a_target_is_reached_or_not(target: dict[str, Any] | None, reached: bool | None) -> None:
    assert make_row(peer=4.0, ceiling=1.0, to_reach=target).reached is reached


def test_a_ratio_without_a_peer_is_neither_reached_nor_missed() -> None:
    row = make_row(to_reach={"what": "ratio", "at_most": 1.0})
    assert (row.ratio, row.reached) == (None, None)


def test_the_machine_is_named_with_its_cores() -> None:
    history = import_module("history")
    here = history.machine()
    assert here["cpu"]
    assert here["cores"] >= 1
    assert history.kind({"cpu": "A", "flags": [], "cores": 2}) == "two cores of A"


def line(**changes: Any) -> dict[str, Any]:
    """A run by hand: ours a quarter of the peer's in the first row, no peer in the second."""
    rows = [
        make_row(
            name="first",
            ours=1.0,
            peer=4.0,
            peer_name="MONAI",
            ceiling=0.5,
            to_reach={"what": "ratio", "at_most": 0.5},
            note="a note",
        ),
        make_row(name="second", unit="GB/s", ours=1234.5),
    ]
    return {
        "date": "2026-01-02T03:04Z",
        "commit": "abc1234",
        "machine": {"cpu": "Test CPU", "flags": ["avx2"], "cores": 2},
        "torch": "2.13.0",
        "threads": 2,
        "load": 0.1,
        "seconds": 61.0,
        "quick": False,
        "whole": True,
        "rows": [row.to_json() for row in rows],
        "failed": {},
        **changes,
    }


def test_history_appends_and_keeps_what_it_had(tmp_path: Path) -> None:
    history = import_module("history")
    path = tmp_path / "history.jsonl"
    assert history.read(path) == []
    first, second = line(commit="one"), line(commit="two")
    history.append(path, first)
    history.append(path, second)
    assert history.read(path) == [first, second]
    assert len(path.read_text().splitlines()) == 2
    with pytest.raises(ValueError, match="JSON"):
        history.append(path, line(load=math.nan))
    assert history.read(path) == [first, second]


def test_a_broken_history_is_named_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text('{"commit": "on')
    with pytest.raises(import_module("univox.errors").FileError, match=r"history\.jsonl"):
        import_module("history").append(path, line())
    assert path.read_text() == '{"commit": "on'


@pytest.fixture
def page(tmp_path: Path) -> Path:
    made = tmp_path / "performance.md"
    made.write_text(
        "# Prose\n\n<!-- bench -->\nold\n<!-- /bench -->\n\nMore prose.\n"
        "<!-- training -->\n<!-- /training -->\nThe end.\n"
    )
    return made


def render(page: Path, *runs: dict[str, Any]) -> str:
    path = page.with_name("history.jsonl")
    path.write_text("".join(json.dumps(run) + "\n" for run in runs))
    import_module("render").render_page(path, page)
    return page.read_text()


def test_the_page_is_a_function_of_the_history_and_the_prose_stays(page: Path) -> None:
    first = render(page, line())
    plots = {path.name: path.read_bytes() for path in (page.parent / "images").iterdir()}
    assert render(page, line()) == first
    assert {path.name: path.read_bytes() for path in (page.parent / "images").iterdir()} == plots
    assert list(plots) == ["performance-bench-two-cores-of-test-cpu-avx2.svg"]
    assert first.startswith("# Prose\n\n<!-- bench -->\n### two cores of Test CPU (avx2)")
    assert "\n<!-- /bench -->\n\nMore prose.\n<!-- training -->\n" in first
    assert first.endswith("<!-- /training -->\nThe end.\n")
    assert "| first | 8^3; fp32 | 1 s | 4 s (MONAI) | 0.25 | 0.5 s | 2 | ours / peer at most 0.5 | yes |" in first
    assert "\n\n- first: a note\n\n" in first
    assert "| second | 8^3; fp32 | 1,234 GB/s | - | - | - | - | - | - |" in first


def test_the_newest_whole_run_of_each_machine_is_shown(page: Path) -> None:
    other = {"cpu": "Other", "flags": [], "cores": 1}
    runs = [line(commit="old"), line(commit="new"), line(commit="tried", quick=True), line(commit="part", whole=False)]
    text = render(page, *runs, line(machine=other, commit="elsewhere"))
    assert [name for name in ("old", "new", "tried", "part", "elsewhere") if f"commit {name}" in text] == [
        "new",
        "elsewhere",
    ]


def test_a_failure_is_a_line_of_the_table(page: Path) -> None:
    assert "| loader |  | failed | no / memory |" in render(page, line(failed={"loader": "no | memory"}))


def test_without_a_run_the_page_says_so(page: Path) -> None:
    assert "Not measured yet" in render(page)


def test_a_page_without_its_marks_is_left_alone(page: Path) -> None:
    page.write_text("no marks")
    with pytest.raises(import_module("univox.errors").FileError, match="marks"):
        render(page, line())
    assert page.read_text() == "no marks"


def test_curves_of_training_stand_in_their_own_part(page: Path) -> None:
    curve = {"seconds": [30.0, 60.0], "dice": [0.5, 0.75]}
    trained = [{"minutes": 3, "seed": seed, "dice": 0.8, "curve": curve} for seed in (0, 1)]
    before, after = render(page, line(whole=False, commit="trained", training=trained)).split("<!-- training -->")
    assert "trained" in after
    assert "Not measured yet" in before
    assert "3 minutes" in (page.parent / "images" / "performance-training-two-cores-of-test-cpu-avx2.svg").read_text()


def test_a_learning_curve_counts_the_seconds_of_iterations_and_validations(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    events = [
        {"event": "iteration", "iteration": 1, "loss": 1.0, "seconds": 0.5},
        {"event": "validation", "iteration": 1, "mean_dice": 0.25, "seconds": 2.0},
        {"event": "iteration", "iteration": 2, "loss": 1.0, "seconds": 0.5},
        {"event": "validation", "iteration": 2, "mean_dice": None, "seconds": 2.0},
        {"event": "validation", "iteration": 2, "mean_dice": 0.5, "seconds": 1.0},
    ]
    log.write_text("".join(json.dumps(event) + "\n" for event in events))
    assert import_module("training").curve(log) == {"seconds": [2.5, 6.0], "dice": [0.25, 0.5]}


@pytest.mark.slow
def test_training_is_measured_and_not_repeated(
    tiny_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    training, history = import_module("training"), tmp_path / "history.jsonl"
    command = [str(tiny_dataset), "-o", str(tmp_path / "runs"), "--minutes", "3", "--seeds", "0", "1", "--quick"]
    command += ["--threads", "1", "--json", "--holdout", "0.25", "--history", str(history)]
    training.main([*command, "--cache", str(tmp_path / "cache")])
    first = capsys.readouterr().out
    for row in map(json.loads, first.splitlines()):
        check_row(row)
    models = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("model.json")}
    assert len(models) == 2
    training.main([*command, "--cache", str(tmp_path / "cache")])
    assert capsys.readouterr().out == first
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("model.json")} == models
    assert [len(kept["training"]) for kept in import_module("history").read(history)] == [2, 2]


def test_the_page_in_the_documentation_has_its_marks(page: Path) -> None:
    text = import_module("render").PAGE.read_text(encoding="utf-8")
    page.write_text(text)
    # As it stands it is what the history in the repository gives.
    history = import_module("history").HISTORY
    import_module("render").render_page(history, page)
    assert page.read_text() == text
