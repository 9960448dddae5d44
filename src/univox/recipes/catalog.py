"""Recipes by name or by file, with overrides."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from univox.errors import RecipeError
from univox.recipes.recipe import Recipe

DEFAULT_RECIPE = "univox"


def recipe_names() -> list[str]:
    """List the recipes that ship inside, the default first."""
    folder = resources.files("univox.recipes")
    names = sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    return sorted(names, key=lambda name: (name != DEFAULT_RECIPE, name))


def recipe_text(name: str) -> str:
    """Give the YAML of a shipped recipe.

    Raises:
        RecipeError: There is no recipe of that name.
    """
    if name not in recipe_names():
        raise _unknown(name)
    return (resources.files("univox.recipes") / f"{name}.yaml").read_text(encoding="utf-8")


def load_recipe(name_or_path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe and apply overrides.

    Args:
        name_or_path: A shipped recipe's name, or a YAML file. A file may say `base: NAME` and then only
            what it changes.
        overrides: Assignments such as "optimizer.lr=3e-4" or "patches.patch_size=[32, 32, 32]"; the value
            is YAML.

    Raises:
        RecipeError: Unknown name, unreadable YAML, a field that does not exist, or a value that does not fit.

    >>> load_recipe("univox", ["optimizer.lr=3e-4"]).optimizer.lr
    0.0003
    """
    values, path = _read(name_or_path)
    return recipe_from(values, overrides, path=path)


def recipe_from(values: dict[str, Any], overrides: Sequence[str] = (), *, path: Path | None = None) -> Recipe:
    """Build a recipe from plain values, as a YAML file or a model holds them, and apply overrides.

    Raises:
        RecipeError: A field that does not exist, or a value that does not fit; names the field.
    """
    values = copy.deepcopy(values)
    for assignment in overrides:
        _assign(values, assignment)
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise RecipeError(
            expected=f"a valid value at '{place}' of the recipe",
            got=f"{first.get('input')!r} ({first['msg'].lower()})",
            remedy="see the fields in `univox recipes show univox`",
            path=path,
        ) from error


def _read(name_or_path: str | Path) -> tuple[dict[str, Any], Path | None]:
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        return _on_its_base(_parse(recipe_text(str(name_or_path)), None), None), None
    try:
        values = _parse(path.read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(
            expected="a readable recipe file", got=str(error), remedy="check the path", path=path
        ) from error
    return _on_its_base(values, path), path


def _on_its_base(values: dict[str, Any], path: Path | None) -> dict[str, Any]:
    base = values.pop("base", None)
    if base is None:
        return values
    merged, _ = _read(base if path is None or base in recipe_names() else path.parent / str(base))
    # Figures are of the recipe that they stand in, and of no other.
    for figures in ("published", "measured"):
        merged.pop(figures, None)
    return _merge(merged, values if path is None else {"name": path.stem, **values})


def _parse(text: str, path: Path | None) -> dict[str, Any]:
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        problem = " ".join(str(error).split())
        raise RecipeError(expected="YAML", got=problem, remedy="mend the file", path=path) from error
    if not isinstance(values, dict):
        raise RecipeError(
            expected="a YAML mapping of sections",
            got=type(values).__name__,
            remedy="start from `univox recipes show univox`",
            path=path,
        )
    return values


def _merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = copy.deepcopy(base)
    for key, value in changes.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict) and not _is_renamed(old, value):
            merged[key] = _merge(old, value)
        else:
            merged[key] = value
    return merged


def _is_renamed(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Another network or loss by name does not inherit the arguments of the one that it replaces."""
    return new.get("name", old.get("name")) != old.get("name")


def _assign(values: dict[str, Any], assignment: str) -> None:
    place, separator, text = assignment.partition("=")
    if not separator or not place:
        raise RecipeError(
            expected="an override such as optimizer.lr=3e-4", got=repr(assignment), remedy="write FIELD=VALUE"
        )
    *parents, last = place.split(".")
    section = values
    for parent in parents:
        section = section.setdefault(parent, {})
        if not isinstance(section, dict):
            raise RecipeError(expected=f"'{parent}' to be a section", got=repr(section), remedy=f"set {parent} itself")
    section[last] = yaml.safe_load(text)


def _unknown(name: str) -> RecipeError:
    near = difflib.get_close_matches(name, recipe_names(), n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return RecipeError(
        expected=f"one of the recipes {', '.join(recipe_names())}, or a .yaml file",
        got=repr(name),
        remedy=f"{hint}`univox recipes` lists them",
    )
