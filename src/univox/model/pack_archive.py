"""The one file that a pack is: a zip of members stored as they are, opened as what a stranger may have made."""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from univox.errors import ModelError

MOST_BYTES = 256 << 20
"""No pack is larger: 64 million weights of one domain's own. So much is read of a file, and never more."""
MOST_JSON = 1 << 20
"""No JSON member is larger."""

DISTRUST = "do not use this file; ask its author for the pack as `univox pack export` wrote it"

_PLAIN_NAME = re.compile(r"[\w-][\w.-]{0,99}", re.ASCII)
_EPOCH = (1980, 1, 1, 0, 0, 0)
_ORDINARY_FILE = stat.S_IFREG | 0o644
_LOCAL, _CENTRAL, _END, _END64 = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x07"
# Bytes of a local header, a line of the directory and the end, without names.
_LOCAL_SIZE, _CENTRAL_SIZE, _END_SIZE, _END64_SIZE = 30, 46, 22, 20
_ENCRYPTED = 0x0041
_BROKEN = (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError, struct.error)


def write_archive(members: Mapping[str, bytes]) -> bytes:
    """Give the bytes of a zip of these members, in this order; equal members make equal bytes.

    Nothing is compressed: weights hardly shrink, compressed bytes would differ from one zlib to the next, and what is
    stored as it is cannot swell when it is read.

    >>> write_archive({"a.json": b"{}"}) == write_archive({"a.json": b"{}"})
    True
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = 3
            info.external_attr = _ORDINARY_FILE << 16
            archive.writestr(info, content)
    return stream.getvalue()


def read_bounded(path: Path) -> bytes:
    """Read a file, but no more than a pack may have.

    Raises:
        ModelError: It is missing, no ordinary file, or too large.
    """
    if not path.is_file():
        raise ModelError(
            expected="a pack",
            got="a folder" if path.is_dir() else "no such file",
            remedy="give the FILE.univox that `univox pack export` wrote",
            path=path,
        )
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise ModelError(
            expected="a pack", got=error.strerror or str(error), remedy="check the file's permissions", path=path
        ) from error
    if len(content) > MOST_BYTES:
        raise ModelError(
            expected=f"a pack of at most {MOST_BYTES >> 20} MiB", got="a larger file", remedy=DISTRUST, path=path
        )
    return content


def read_archive(content: bytes, path: Path) -> dict[str, bytes]:
    """Give the members of a pack's bytes by name.

    Nothing is unpacked, and nothing is read twice: a member is plain bytes of the file, the members lie one behind
    the other, and no byte lies between them, before them or behind them.

    Args:
        content: Of the file.
        path: The file, for messages.

    Raises:
        ModelError: It is no zip, not whole, or holds what a pack never does.
    """
    _check_ends(content, path)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
            for info in infos:
                _check_member(info, path)
            _check_once(infos, path)
            _check_layout(infos, archive.start_dir, len(content), path)
            return {info.filename: archive.read(info) for info in infos}
    except _BROKEN as error:
        raise ModelError(
            expected="a whole zip file",
            got=f"a damaged one ({' '.join(str(error).split())[:100] or type(error).__name__})",
            remedy="copy the pack again",
            path=path,
        ) from error


def check_members(members: Mapping[str, bytes], wanted: Sequence[str], path: Path) -> None:
    """Prove that these members are there, and no other.

    Raises:
        ModelError: Names the first that is missing or too many.
    """
    for name in [*wanted, *members]:
        if (name in members) != (name in wanted):
            raise ModelError(
                expected=f"a pack of {', '.join(wanted)}",
                got=f"no {name}" if name in wanted else f"{name!r} too",
                remedy=DISTRUST,
                path=path,
            )


def _check_ends(content: bytes, path: Path) -> None:
    if content[:4] not in (_LOCAL, _END):
        raise ModelError(
            expected="a zip file, as every pack is",
            got="a file of another kind",
            remedy="give the FILE.univox that `univox pack export` wrote",
            path=path,
        )
    if content[-_END_SIZE:][:4] != _END or content[-_END_SIZE - _END64_SIZE :][:4] == _END64:
        raise ModelError(
            expected="a whole zip file",
            got="one that is cut short, or has bytes behind its end",
            remedy="copy the pack again",
            path=path,
        )


def _check_member(info: zipfile.ZipInfo, path: Path) -> None:
    """Refuse what no member of a pack is; nothing of it was read yet."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    # The name as it is in the file: zipfile cuts it at a zero byte.
    name = info.orig_filename
    if not _PLAIN_NAME.fullmatch(name):
        wrong = ("members with plain file names", f"{name[:80]!r}, which may point elsewhere")
    elif kind not in (0, stat.S_IFREG):
        wrong = ("members that are plain files", f"{name!r}, a link or device")
    elif info.flag_bits & _ENCRYPTED:
        wrong = ("members that are not encrypted", f"{name!r}, encrypted")
    elif info.compress_type != zipfile.ZIP_STORED:
        swelling = info.file_size // max(1, info.compress_size)
        wrong = ("members stored as they are", f"{name!r}, compressed to swell {swelling}-fold")
    elif info.compress_size != info.file_size:
        wrong = (
            f"{info.compress_size} bytes in {name!r}, as many as are stored",
            f"{info.file_size} by the zip's own word",
        )
    elif name.endswith(".json") and info.file_size > MOST_JSON:
        wrong = (f"at most {MOST_JSON >> 10} KiB of JSON", f"{info.file_size >> 10} KiB in {name!r}")
    else:
        return
    raise ModelError(expected=wrong[0], got=wrong[1], remedy=DISTRUST, path=path)


def _check_once(infos: Sequence[zipfile.ZipInfo], path: Path) -> None:
    for name, count in Counter(info.filename for info in infos).items():
        if count > 1:
            raise ModelError(expected="each member once", got=f"{name!r} {count} times", remedy=DISTRUST, path=path)


def _check_layout(infos: Sequence[zipfile.ZipInfo], directory: int, size: int, path: Path) -> None:
    """Prove that members, directory and end make up the whole file, so that none overlaps and nothing hides."""
    position, lines = 0, 0
    for info in infos:
        if info.header_offset != position:
            break
        position += _LOCAL_SIZE + len(info.filename) + info.file_size
        lines += _CENTRAL_SIZE + len(info.filename)
    if position != directory or directory + lines + _END_SIZE != size:
        raise ModelError(
            expected="members one behind the other and nothing else",
            got="bytes that belong to no member, or to two",
            remedy=DISTRUST,
            path=path,
        )
