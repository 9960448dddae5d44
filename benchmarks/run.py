"""All benchmarks, one after the other, each in a process of its own; the run goes into the history, and onto the page.

    python benchmarks/run.py [--only NAME ...] [--quick] [--threads 2] [--history FILE]

A benchmark that fails is recorded as failed, and the others go on. Runs with --quick or --only are kept in the history
and left off the page: `make bench` on a quiet machine makes that.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from history import HISTORY, append, commit, kind, machine
from render import render_page

HERE = Path(__file__).parent
# Long ones last, so that what a machine's ceiling is stands first.
PROGRAMS: dict[str, tuple[str, ...]] = {
    "ceilings": (),
    "depthwise": (),
    "universal_iteration": (),
    "global_aggregation": (),
    "modified_hausdorff": (),
    "surface_metrics": (),
    "resampling": (),
    "loader": (),
    "many_classes": (),
    "start_up": (),
    "sliding_window": ("--full",),
}
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")
"""Ours and every peer get the same threads, whichever library of theirs makes them."""
QUIET_LOAD = 0.5
"""More than this is waiting or running already: the figures are then those of a shared machine."""


def measure(name: str, *, threads: int, quick: bool) -> tuple[list[dict[str, Any]], str | None]:
    """Rows of one program, and why it failed if it did; the rows before its failure count."""
    flags = ["--quick"] if quick else list(PROGRAMS[name])
    command = [sys.executable, str(HERE / f"{name}.py"), "--json", "--threads", str(threads), *flags]
    # As the command line does; see docs/decisions/0005.
    environment = {"GOMP_SPINCOUNT": "1000", **os.environ, **dict.fromkeys(THREADS, str(threads))}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    rows = [{**json.loads(line), "program": name} for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode == 0:
        return rows, None
    return rows, (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]


def run(names: list[str], *, threads: int, quick: bool) -> dict[str, Any]:
    """One line of the history."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    here = machine()
    sys.stdout.write(f"{kind(here)}, {threads} threads\n")
    if load is not None and load > QUIET_LOAD:
        sys.stdout.write(f"! load {load:.1f}: others are at work here, and the figures will be theirs too\n")
    began, rows, failed = time.monotonic(), list[dict[str, Any]](), dict[str, str]()
    for name in names:
        found, why = measure(name, threads=threads, quick=quick)
        rows += found
        for row in found:
            ratio = "-" if row["ratio"] is None else f"{row['ratio']:.2f}"
            sys.stdout.write(f"{row['name']}: {row['ours']:.3g} {row['unit']}, ratio {ratio}\n")
        if why is not None:
            failed[name] = why
            sys.stdout.write(f"! {name} failed: {why}\n")
        sys.stdout.flush()
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ"),
        "commit": commit(),
        "machine": here,
        "torch": metadata.version("torch"),
        "threads": threads,
        "load": load,
        "seconds": round(time.monotonic() - began, 1),
        "quick": quick,
        "whole": set(names) == set(PROGRAMS),
        "rows": rows,
        "failed": failed,
    }


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=tuple(PROGRAMS), default=list(PROGRAMS), metavar="NAME")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--history", type=Path, default=HISTORY)
    asked = parser.parse_args(argv)
    done = run(asked.only, threads=asked.threads, quick=asked.quick)
    append(asked.history, done)
    if asked.history == HISTORY and done["whole"] and not done["quick"]:
        render_page()
    return 1 if done["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
