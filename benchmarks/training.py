"""Held-out Dice and peak memory of the default recipe after 3, 12 and 25 minutes, with learning curves.

    python benchmarks/training.py DATASET -o FOLDER [--minutes 3 12 25] [--seeds 0 1 2] [--holdout 0.2]

Each run is `univox train` with a budget, in a process of its own, then its held-out cases are predicted and judged. A
seed fixes the split as well, so the runs of one seed hold out the same cases. The whole can be stopped and started
again: runs that have ended are not repeated, and one that has not goes on from its checkpoint. At the end the history
gets one line and docs/performance.md its table and curves.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from history import HISTORY, append, commit, machine
from peak_memory import measured
from render import render_page
from row import Row, report

from univox.atomic import write_json
from univox.data.source import DatasetSource
from univox.studies.held_out import predict_and_judge
from univox.training.log import read_log

# Mean held-out Dice to reach on hippocampus_mri, by minutes; and memory in each run, a gigabyte.
TARGETS = {3: 0.88, 12: 0.89, 25: 0.893}
MOST_MIB = 1e9 / 2**20


def train(dataset: Path, folder: Path, length: Sequence[str], seed: int, asked: argparse.Namespace) -> float:
    """Train in a process of its own; give the MiB of its peak."""
    command = [sys.executable, "-m", "univox.cli.main", "train"]
    if (folder / "model" / "run").exists():
        command += ["--resume", "-o", str(folder / "model")]
    else:
        command += [str(dataset), "-o", str(folder / "model"), *length, "--holdout", str(asked.holdout)]
        command += ["--seed", str(seed)] + (["--cache", str(asked.cache)] if asked.cache else [])
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "OMP_NUM_THREADS": str(asked.threads)}
    with (folder / "train.txt").open("a") as told:
        _, peak_mib, status = measured(command, stdout=told, stderr=subprocess.STDOUT, env=environment)
    if status:
        raise SystemExit(f"training ended with {status}; see {folder / 'train.txt'}")
    return peak_mib


def curve(log: Path) -> dict[str, list[float]]:
    """Mean validation Dice over the seconds of the loop, preparation left out."""
    seconds, at, dice = 0.0, list[float](), list[float]()
    for event in read_log(log):
        seconds += event.get("seconds") or 0.0
        if event["event"] == "validation" and event["mean_dice"] is not None:
            at.append(round(seconds, 2))
            dice.append(event["mean_dice"])
    return {"seconds": at, "dice": dice}


def one_run(minutes: int, seed: int, asked: argparse.Namespace) -> dict[str, Any]:
    """Train, predict, judge; or read what an earlier start of this command found."""
    folder = asked.output / f"{minutes}-minutes-seed-{seed}"
    result = folder / "result.json"
    if result.exists():
        return json.loads(result.read_text(encoding="utf-8"))
    length = ["--iterations", "2"] if asked.quick else ["--budget", f"{minutes}m"]
    peak_mib = train(asked.dataset, folder, length, seed, asked)
    judged = predict_and_judge(folder / "model", DatasetSource(path=asked.dataset), folder)
    found = {
        "minutes": minutes,
        "seed": seed,
        "dice": float(judged.mean_foreground_dice.mean),
        "cases": len(judged.results),
        "peak_mib": peak_mib,
        "curve": curve(folder / "model" / "run" / "log.jsonl"),
    }
    write_json(result, found)
    return found


def rows(runs: Sequence[dict[str, Any]], asked: argparse.Namespace) -> list[Row]:
    """Two rows for each length: Dice, and the most memory."""
    made: list[Row] = []
    for minutes in dict.fromkeys(run["minutes"] for run in runs):
        mine = [run for run in runs if run["minutes"] == minutes]
        dice = [run["dice"] for run in mine]
        common = {
            "shape": f"{asked.dataset.name}, {mine[0]['cases']} cases held out, {len(mine)} seeds",
            "threads": asked.threads,
            "precision": "auto",
            "quick": asked.quick,
        }
        made.append(
            Row(
                name=f"training, {minutes} minutes",
                unit="held-out Dice",
                ours=statistics.mean(dice),
                to_reach={"what": "ours", "at_least": TARGETS[minutes]} if minutes in TARGETS else None,
                note="seeds: " + ", ".join(f"{value:.3f}" for value in dice),
                **common,
            )
        )
        peak = max(run["peak_mib"] for run in mine)
        target = {"what": "ours", "at_most": MOST_MIB}
        name = f"training, {minutes} minutes, peak memory"
        made.append(Row(name=name, unit="MiB", ours=peak, to_reach=target, **common))
    return made


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--output", "-o", type=Path, required=True)
    parser.add_argument("--minutes", type=int, nargs="+", default=[3, 12, 25])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--holdout", type=float, default=0.2)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--history", type=Path, default=HISTORY)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="two iterations in place of minutes; measures nothing")
    asked = parser.parse_args(argv)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    runs = [one_run(minutes, seed, asked) for minutes in asked.minutes for seed in asked.seeds]
    found = rows(runs, asked)
    report(found, as_json=asked.json)
    kept = {
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ"),
        "commit": commit(),
        "machine": machine(),
        "torch": metadata.version("torch"),
        "threads": asked.threads,
        "load": load,
        "seconds": 60 * sum(run["minutes"] for run in runs),
        "quick": asked.quick,
        "whole": False,
        "rows": [row.to_json() for row in found],
        "failed": {},
        "training": [{name: run[name] for name in ("minutes", "seed", "dice", "curve")} for run in runs],
    }
    append(asked.history, kept)
    if asked.history == HISTORY and not asked.quick:
        render_page()


if __name__ == "__main__":
    main()
