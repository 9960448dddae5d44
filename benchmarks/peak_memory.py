"""Run a command and say its seconds and its peak memory (the largest single process).

python benchmarks/peak_memory.py univox predict MODEL IMAGE -o OUT
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time


def main() -> int:
    if len(sys.argv) < 2:
        sys.stderr.write("give the command to run\n")
        return 2
    began = time.monotonic()
    status = subprocess.run(sys.argv[1:], check=False).returncode
    seconds = time.monotonic() - began
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit / 2**20
    sys.stdout.write(f"{seconds:.1f} s, peak {peak:.0f} MiB, exit status {status}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
