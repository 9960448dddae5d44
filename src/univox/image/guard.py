"""What a file library raises, turned into one sentence that names the file."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Generator
from pathlib import Path

from univox.errors import FileError, UnivoxError


@contextlib.contextmanager
def reading(path: Path, kind: str) -> Generator[None, None, None]:
    """Run a block that reads `path`; whatever goes wrong in it becomes a `FileError`.

    Args:
        path: The file that is read.
        kind: What it should be, for the message ("NIfTI").

    Raises:
        FileError: The file is missing, empty, a folder, or not what its name says.
    """
    _check_present(path, kind)
    try:
        yield
    except (UnivoxError, MemoryError):
        raise
    except Exception as error:  # a parser of damaged bytes may raise anything at all
        raise FileError(
            expected=f"a readable {kind} file",
            got=_in_words(error),
            remedy="copy the file again from its source, or leave this case out",
            path=path,
        ) from error


@contextlib.contextmanager
def writing(path: Path, kind: str) -> Generator[None, None, None]:
    """Run a block that writes `path`; whatever goes wrong in it becomes a `FileError`.

    Raises:
        FileError: The library refuses the array or the grid.
    """
    try:
        yield
    except (UnivoxError, MemoryError):
        raise
    except Exception as error:  # each library has its own exceptions for what its format cannot hold
        raise FileError(
            expected=f"an image that a {kind} file can hold",
            got=_in_words(error),
            remedy="write another format (.nii.gz for volumes, .tif for pictures)",
            path=path,
        ) from error


def _check_present(path: Path, kind: str) -> None:
    if path.is_dir():
        got, remedy = "a folder", "name a file inside it"
    elif not path.exists():
        got, remedy = "no such file", "check the path"
    elif path.stat().st_size == 0:
        got, remedy = "an empty file", "copy the file again from its source, or leave this case out"
    else:
        return
    raise FileError(expected=f"a {kind} file", got=got, remedy=remedy, path=path)


def _in_words(error: Exception) -> str:
    if isinstance(error, EOFError | zlib.error):
        return "a damaged or truncated file"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if isinstance(error, RuntimeError):  # SimpleITK: pages of C++ source positions
        return "one that its library cannot process"
    words = " ".join(str(error).split())
    return f"one that its library refuses ({words[:120] or type(error).__name__})"
