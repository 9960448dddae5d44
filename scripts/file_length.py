"""Fail where a source file is past 400 lines: it holds more than one idea."""

from __future__ import annotations

import sys
from pathlib import Path

LIMIT = 400


def main() -> int:
    root = Path(__file__).resolve().parents[1]
    long = []
    for folder in ("src", "tests", "scripts", "benchmarks", "examples"):
        for path in sorted((root / folder).rglob("*.py")):
            lines = len(path.read_text(encoding="utf-8").splitlines())
            if lines > LIMIT:
                long.append(f"{path.relative_to(root)}: {lines} lines, at most {LIMIT}")
    sys.stdout.write("".join(f"{line}\n" for line in long) or f"No file is past {LIMIT} lines.\n")
    return 1 if long else 0


if __name__ == "__main__":
    sys.exit(main())
