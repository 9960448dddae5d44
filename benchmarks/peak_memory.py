"""Run a command and say its seconds and its peak memory (the largest single process).

python benchmarks/peak_memory.py univox predict MODEL IMAGE -o OUT
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any


def measured(command: Sequence[str], **how: Any) -> tuple[float, float, int]:
    """Seconds, MiB and exit status of a command; `how` is subprocess.Popen's."""
    began = time.monotonic()
    process = subprocess.Popen(command, **how)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return time.monotonic() - began, usage.ru_maxrss * unit / 2**20, process.returncode


def main() -> int:
    if len(sys.argv) < 2:
        sys.stderr.write("give the command to run\n")
        return 2
    seconds, peak, status = measured(sys.argv[1:])
    sys.stdout.write(f"{seconds:.1f} s, peak {peak:.0f} MiB, exit status {status}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
