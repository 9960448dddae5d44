"""The runs of all benchmarks, one JSON object a line in history.jsonl: on what machine, of what commit, which rows."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from univox.atomic import write_text
from univox.errors import FileError

HISTORY = Path(__file__).with_name("history.jsonl")
# What decides how fast a CPU multiplies, the strongest last.
TELLING_FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "bf16", "sve")


def machine() -> dict[str, Any]:
    """CPU model, the flags that tell how it multiplies, and the cores that this process may use."""
    fields: dict[str, str] = {}
    listed = Path("/proc/cpuinfo")
    if listed.exists():
        for line in listed.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            fields.setdefault(key.strip(), value.strip())
    flags = fields.get("flags", fields.get("Features", "")).split()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        "cpu": fields.get("model name") or platform.processor() or platform.machine(),
        "flags": [flag for flag in TELLING_FLAGS if flag in flags],
        "cores": cores,
    }


def kind(of: dict[str, Any]) -> str:
    """The machine in a line.

    >>> kind({"cpu": "AMD EPYC", "flags": ["avx2"], "cores": 1})
    'one core of AMD EPYC (avx2)'
    """
    cores = {1: "one core", 2: "two cores"}.get(of["cores"], f"{of['cores']} cores")
    return f"{cores} of {of['cpu']}" + (f" ({', '.join(of['flags'])})" if of["flags"] else "")


def commit() -> str:
    """The commit of the working tree, marked where it was changed; "unknown" outside a repository."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def read(path: Path) -> list[dict[str, Any]]:
    """All runs, the oldest first; none where there is no history yet."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    try:
        return [json.loads(line) for line in lines if line.strip()]
    except ValueError as error:
        raise FileError(
            expected="a history of benchmarks, one JSON object a line",
            got=str(error),
            remedy="take the line out",
            path=path,
        ) from error


def append(path: Path, run: dict[str, Any]) -> None:
    """Add a run: the file has it whole, or is as it was."""
    before = "".join(json.dumps(line, allow_nan=False) + "\n" for line in read(path))
    write_text(path, before + json.dumps(run, allow_nan=False) + "\n")
