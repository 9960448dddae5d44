"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

from univox.errors import FileError


@contextlib.contextmanager
def written_atomically(path: Path) -> Generator[Path]:
    """Give a temporary path beside `path`; rename it over `path` when the block ends well.

    The temporary name keeps every suffix of `path` (writers choose their format by it) and starts with
    a dot. It is flushed to disk before the rename, so a killed process or a full disk leaves either the
    old file or the new one.

    Args:
        path: Where the file is to appear; missing parent folders are made.

    Yields:
        The path to write to.

    Raises:
        FileError: The folder or the file cannot be written (no permission, disk full).

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "a.txt"
    >>> with written_atomically(target) as partial:
    ...     _ = partial.write_text("whole")
    >>> target.read_text(), [p.name for p in target.parent.iterdir()]
    ('whole', ['a.txt'])
    """
    path = Path(path)
    partial: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".partial-", suffix=f"-{path.name}")
        os.close(handle)
        partial = Path(name)
        yield partial
        with partial.open("rb+") as stream:
            os.fsync(stream.fileno())
        partial.chmod(0o666 & ~_umask())
        partial.replace(path)
    except OSError as error:
        raise FileError(
            expected="to write this file",
            got=error.strerror or str(error),
            remedy="free disk space or choose a folder that can be written",
            path=path,
        ) from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)


@contextlib.contextmanager
def folder_written_atomically(path: Path) -> Generator[Path]:
    """Give a hidden folder beside `path`, to be filled; rename it to `path` when the block ends well.

    Args:
        path: Where the folder is to appear; it is not there yet, or empty. Missing parent folders are made.

    Yields:
        The folder to fill.

    Raises:
        FileError: There is something already, or the folder cannot be written.
    """
    path = Path(path)
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise FileError(
            expected="a new folder",
            got="something there already",
            remedy="choose another name; what is there stays as it is",
            path=path,
        )
    staging: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(dir=path.parent, prefix=".partial-"))
        # A folder inside has the usual permissions; mkdtemp's own are for one user alone.
        partial = staging / path.name
        partial.mkdir()
        yield partial
        if path.exists():
            path.rmdir()
        partial.rename(path)
    except OSError as error:
        raise FileError(
            expected="to write this folder",
            got=error.strerror or str(error),
            remedy="free disk space or choose a folder that can be written",
            path=path,
        ) from error
    finally:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON with a final newline, atomically.

    Raises:
        FileError: The file cannot be written.
    """
    write_text(path, json_text(value))


def json_text(value: Any) -> str:
    """Give `value` as indented JSON with a final newline, as `write_json` writes it."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 `text`, atomically.

    Raises:
        FileError: The file cannot be written.
    """
    with written_atomically(path) as partial:
        partial.write_text(text, encoding="utf-8")


def _umask() -> int:
    # The mask can only be read by setting it; mkstemp's 0600 would surprise whoever shares the folder.
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
