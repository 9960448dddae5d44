"""Where the command line writes, and what its exit statuses mean."""

from __future__ import annotations

import sys
from typing import Any

EXIT_ERROR = 1
"""Nothing was done: the sentence on stderr says why."""
EXIT_SOME_FAILED = 3
"""The good cases were done; those on stderr were not."""
EXIT_INTERRUPTED = 130


def complain(text: str) -> None:
    """Write one sentence to stderr."""
    sys.stderr.write(f"univox: {text}\n")


def say(text: str) -> None:
    """Write one line to stdout, as it is."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def table(title: str, columns: list[str], rows: list[list[str]], *, right: set[int] | None = None) -> None:
    """Draw a table on stdout, as wide as the terminal.

    Args:
        title: Above the table; may be empty.
        columns: Headings.
        rows: Cells; taken literally.
        right: Columns that are aligned to the right (numbers).
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=title or None, title_justify="left")
    for index, heading in enumerate(columns):
        drawn.add_column(heading, justify="right" if index in (right or set()) else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    Console(width=None if sys.stdout.isatty() else 160).print(drawn)


def say_json(value: Any) -> None:
    """Write a value as JSON on stdout."""
    import json

    say(json.dumps(value, indent=2, ensure_ascii=False))
