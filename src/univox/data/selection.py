"""The grammars of a class selection, "organ=1,2;tumour=3", and of what is ignored, "4,unlabelled"."""

from __future__ import annotations

from collections.abc import Mapping

from univox.errors import DatasetError


def selected_codes(selection: str, declared: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Read a selection of classes.

    Args:
        selection: Parts "name=codes or names, separated by commas", separated by semicolons; a part without
            "=" is a declared name that stays as it is.
        declared: The codes of each declared name.

    Returns:
        The codes of each new class, in the order given.

    Raises:
        DatasetError: A part cannot be read, names what is not declared, or a new name comes twice.

    >>> selected_codes("organ=1,tumor", {"background": (0,), "liver": (1,), "tumor": (2, 3)})
    {'organ': (1, 2, 3)}
    """
    chosen: dict[str, tuple[int, ...]] = {}
    for part in selection.split(";"):
        if not part.strip():
            continue
        name, equals, members = (piece.strip() for piece in part.partition("="))
        if not equals:
            members = name
        if not name or not members:
            raise _unreadable(part, declared)
        if name in chosen:
            raise DatasetError(
                expected="each new class once",
                got=f"{name!r} twice in {selection!r}",
                remedy=f"join its codes with commas, as in '{name}=1,2'",
            )
        chosen[name] = _members(members, declared, part)
    if not chosen:
        raise _unreadable(selection, declared)
    return chosen


def ignored_codes(wanted: str, declared: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    """Read which codes stand for voxels that nobody labelled.

    Args:
        wanted: Codes and declared names, separated by commas; a code need not be declared.
        declared: The codes of each declared name.

    Raises:
        DatasetError: Neither a code nor a declared name.

    >>> ignored_codes("-1, Unsure", {"background": (0,), "unsure": (3, 4)})
    (-1, 3, 4)
    """
    names = {_plain(name): codes for name, codes in declared.items()}
    codes: list[int] = []
    for token in (piece.strip() for piece in wanted.split(",")):
        try:
            codes += names.get(_plain(token)) or (int(token),)
        except ValueError:
            known = ", ".join(declared)
            raise DatasetError(
                expected="codes or names of voxels that nobody labelled, as in '255' or 'unlabelled'",
                got=repr(token),
                remedy=f"give a code, or a name of {known}" if known else "give a code",
            ) from None
    return tuple(dict.fromkeys(codes))


def _members(text: str, declared: Mapping[str, tuple[int, ...]], part: str) -> tuple[int, ...]:
    tokens = [token.strip() for token in text.split(",")]
    codes: list[int] = []
    start = 0
    while start < len(tokens):
        # A declared name may hold commas itself ("thalamus, side A"): the longest that fits is meant.
        for stop in range(len(tokens), start, -1):
            found = _codes(", ".join(tokens[start:stop]), declared)
            if found:
                codes += [code for code in found if code not in codes]
                start = stop
                break
        else:
            raise _unreadable(part, declared, tokens[start])
    return tuple(codes)


def _codes(token: str, declared: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    if token in declared:
        return declared[token]
    names = {_plain(name): codes for name, codes in declared.items()}
    if _plain(token) in names:
        return names[_plain(token)]
    try:
        code = int(token)
    except ValueError:
        return ()
    return (code,) if any(code in codes for codes in declared.values()) else ()


def _plain(name: str) -> str:
    return ", ".join(piece.strip() for piece in name.casefold().split(","))


def _unreadable(part: str, declared: Mapping[str, tuple[int, ...]], token: str | None = None) -> DatasetError:
    known = "; ".join(f"{name}={','.join(map(str, codes))}" for name, codes in declared.items())
    return DatasetError(
        expected="classes as in 'organ=1,2;tumor=3', by declared code or name",
        got=repr(part.strip()) if token is None else f"{token!r}, which is not declared, in {part.strip()!r}",
        remedy=f"choose from {known}",
    )
