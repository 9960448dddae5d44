"""Each value of a published system's recipe says where it comes from."""

from __future__ import annotations

import pytest

from univox.recipes.catalog import recipe_names, recipe_text

OURS = ("univox",)
NOT_VALUES = ("base", "name", "title", "year", "source", "notes", "published", "measured")


def unmarked(text: str) -> list[str]:
    """Lines with a value that neither they nor a line they stand under comment on; the network's name is plain."""
    found: list[str] = []
    above: list[tuple[int, str, bool]] = []
    for line in text.splitlines():
        code = line.partition("#")[0].rstrip()
        if not code or code.lstrip().startswith("-"):
            continue
        indent = len(code) - len(code.lstrip())
        above = [entry for entry in above if entry[0] < indent]
        key, _, value = code.strip().partition(":")
        path = [entry[1] for entry in above] + [key]
        above.append((indent, key, "#" in line))
        plain = path[0] in NOT_VALUES or path == ["network", "name"]
        if value and not plain and not any(entry[2] for entry in above):
            found.append(".".join(path))
    return found


def test_what_is_not_marked_is_found() -> None:
    text = "year: 2015\nnetwork:\n  name: unet\n  arguments: {a: 1}  # paper\n"
    assert unmarked(text) == []
    text += "optimizer:\n  name: sgd\n  lr: 1  # chosen here\ntraining:  # chosen here\n  iterations: 1\n"
    assert unmarked(text) == ["optimizer.name"]


@pytest.mark.parametrize("name", [name for name in recipe_names() if name not in OURS])
def test_every_value_says_where_it_comes_from(name: str) -> None:
    assert unmarked(recipe_text(name)) == []
