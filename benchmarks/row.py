"""What a benchmark prints: ours, the peer's, the machine's ceiling, and the ratio of ours to the peer's.

A row is one JSON object, on one line with --json:

    name       what is measured
    unit       of ours, peer, ceiling; "s" and the like are better when small
    ours       this project's figure
    peer       the peer's, measured in the same run; null where there is none, and `note` says why
    ceiling    what the machine could do at best, in the same unit, from its own GEMM or copy; null where none is known
    ratio      ours / peer; null without a peer
    to_reach   {"what": "ours" | "ratio" | "of_ceiling", "at_most" or "at_least": number}; of_ceiling is ours / ceiling
    reached    whether it is
    peer_name, shape, threads, precision, quick, note
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

NO_PEER = "peer not installed: make bench-peers"


@dataclass(frozen=True, kw_only=True)
class Row:
    name: str
    unit: str
    ours: float
    shape: str
    threads: int
    precision: str
    quick: bool
    peer: float | None = None
    peer_name: str = ""
    ceiling: float | None = None
    to_reach: dict[str, Any] | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return None if self.peer is None else self.ours / self.peer

    @property
    def reached(self) -> bool | None:
        """Whether the target is; none without one, without its figure, or on shapes that it does not speak of."""
        if self.to_reach is None or self.quick:
            return None
        of_ceiling = None if self.ceiling is None else self.ours / self.ceiling
        value = {"ours": self.ours, "ratio": self.ratio, "of_ceiling": of_ceiling}[self.to_reach["what"]]
        if value is None:
            return None
        return value <= self.to_reach["at_most"] if "at_most" in self.to_reach else value >= self.to_reach["at_least"]

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.ratio, "reached": self.reached}

    def __str__(self) -> str:
        peer = NO_PEER if self.peer is None and self.note == NO_PEER else _shown(self.peer)
        ceiling, ratio = _shown(self.ceiling), _shown(self.ratio)
        return (
            f"{self.name} ({self.unit}, {self.shape}): ours {_shown(self.ours)}, {self.peer_name or 'peer'} {peer}, "
            + (f"ceiling {ceiling}, ratio {ratio}" + (f"; {self.note}" if self.note and self.note != NO_PEER else ""))
        )


def parser(doc: str, *, runs: int = 3) -> argparse.ArgumentParser:
    """Flags of every benchmark: --quick, --json, --threads, --runs."""
    made = argparse.ArgumentParser(description=doc.splitlines()[0])
    made.add_argument("--quick", action="store_true", help="tiny shapes: tries the program, measures nothing")
    made.add_argument("--json", action="store_true", help="one JSON object a line, a line per row")
    made.add_argument("--threads", type=int, default=2)
    made.add_argument("--runs", type=int, default=runs, help="the best of so many is taken")
    return made


def report(rows: Iterable[Row], *, as_json: bool) -> None:
    """Print each row as soon as it is measured."""
    for row in rows:
        sys.stdout.write((json.dumps(row.to_json(), allow_nan=False) if as_json else str(row)) + "\n")
        sys.stdout.flush()


def installed(module: str) -> bool:
    """Whether a peer's package can be imported, without doing it."""
    return importlib.util.find_spec(module) is not None


def seconds_of(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def best_seconds(call: Callable[[], Any], runs: int) -> float:
    """Least of some runs: what others on the machine add to a run, it does not have."""
    return min(seconds_of(call) for _ in range(runs))


def grown_mib(call: Callable[[], Any]) -> float:
    """Peak memory of a call over what the process held before it."""
    # An earlier peak would hide this one; Linux alone forgets it on request.
    forgotten = Path("/proc/self/clear_refs")
    try:
        forgotten.write_text("5")
        before = _status_mib("VmRSS")
        call()
        grown = _status_mib("VmHWM") - before
    except OSError:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        call()
        # Linux counts in KiB, macOS in bytes.
        unit = 1 if sys.platform == "darwin" else 1024
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit / 2**20
    # What is small fits into memory that the process has and does not use.
    return max(grown, 2**-10)


def _status_mib(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) / 1024


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
