"""The arms of a study: what is compared, each a recipe with its changes under a name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from univox.errors import RecipeError


class Arm(BaseModel):
    """One thing that a study tries.

    Args:
        name: Of its folder and its row.
        recipe: A shipped recipe's name, or a YAML file.
        set: "section.field=value" assignments on the recipe.
        init_from: A model or weights file to start from; none: a random start.
        init_part: What of it is taken.
        freeze: What of it stays as it is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^\w[\w .+()-]{0,60}$")]
    recipe: str = "univox"
    set: tuple[str, ...] = ()
    init_from: Path | None = None
    init_part: Literal["network", "encoder"] = "network"
    freeze: Literal["encoder"] | None = None


def arms_of_recipes(recipes: Sequence[str]) -> tuple[Arm, ...]:
    """Make one arm of each recipe, under its name.

    >>> arms_of_recipes(["univox", "nonlocal-unet-2020"])[1].recipe
    'nonlocal-unet-2020'
    """
    return distinct_arms([Arm(name=Path(recipe).stem, recipe=recipe) for recipe in recipes])


def choose_arms(
    recipes: Sequence[str] | None, file: Path | None, only: Sequence[str] | None = None, changes: Sequence[str] = ()
) -> tuple[Arm, ...]:
    """Give the arms that are asked for.

    Args:
        recipes: An arm of each.
        file: Of arms, in place of recipes.
        only: Names of those wanted; none: all.
        changes: "section.field=value" assignments on the recipe of each.

    Raises:
        RecipeError: Recipes and a file, or neither; a name that is not there; a file that cannot be read.

    >>> [arm.set for arm in choose_arms(["univox"], None, changes=["optimizer.lr=1e-3"])]
    [('optimizer.lr=1e-3',)]
    """
    if (not recipes) == (file is None):
        raise RecipeError(expected="--recipe NAME for each arm, or --arms FILE", got="both or none", remedy="give one")
    chosen = read_arms(file) if file is not None else arms_of_recipes(recipes or ())
    unknown = sorted(set(only or ()) - {arm.name for arm in chosen})
    if unknown:
        raise RecipeError(expected="--only with arms of the file", got=unknown[0], remedy="name an arm of the file")
    wanted = [arm for arm in chosen if not only or arm.name in only]
    return tuple(arm.model_copy(update={"set": (*arm.set, *changes)}) for arm in wanted)


def read_arms(path: Path) -> tuple[Arm, ...]:
    """Read arms from a YAML file: a mapping of each name to the fields of `Arm`.

    Raises:
        RecipeError: The file is missing, no such mapping, or an arm has a field that does not exist.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        named = TypeAdapter(dict[str, dict[str, object]]).validate_python(values)
        return distinct_arms([Arm.model_validate({"name": name, **fields}) for name, fields in named.items()])
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
        raise RecipeError(
            expected="a YAML file of arms, NAME: {recipe: univox, set: [optimizer.lr=3e-4]}",
            got=" ".join(str(error).split())[:300],
            remedy="mend the file",
            path=path,
        ) from error


def distinct_arms(arms: Sequence[Arm]) -> tuple[Arm, ...]:
    """Give arms back of which each has a name of its own.

    Raises:
        RecipeError: There is none, or two have one name.
    """
    names = [arm.name for arm in arms]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or not arms:
        raise RecipeError(
            expected="at least one arm, each of another name",
            got=f"{twice[0]} twice" if twice else "none",
            remedy="name each arm once",
        )
    return tuple(arms)
