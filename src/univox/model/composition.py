"""Several model folders that predict as one: an ensemble of folds, or the stages of a cascade.

MODEL/
  composition.json     what the members are, the sha256 of their weights, and how they join
  folds/0, folds/1     members of an ensemble, each a model folder
  stages/1, stages/2   or those of a cascade
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from univox.atomic import write_json
from univox.data.region import Region
from univox.errors import ModelError
from univox.model.folder import read_model
from univox.model.stored import StoredModel
from univox.types import PathLike

COMPOSITION = "composition.json"
FORMAT_VERSION = 1


class Member(BaseModel):
    """One model folder of several.

    Attributes:
        folder: Inside the composition's, with forward slashes.
        sha256: Of its shared weights, then of each domain's.
    """

    model_config = ConfigDict(frozen=True)

    folder: str
    sha256: tuple[str, ...]


class Ensemble(BaseModel):
    """Members whose probabilities are averaged, voxel by voxel.

    Attributes:
        members: At least one; they know the same channels and classes.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["ensemble"] = "ensemble"
    format_version: int = FORMAT_VERSION
    members: Annotated[tuple[Member, ...], Field(min_length=1)]


class Cascade(BaseModel):
    """Two members: the first finds a region, the second segments inside it.

    Attributes:
        members: The first, then the second.
        region: How the first one's segmentation becomes a box.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["cascade"] = "cascade"
    format_version: int = FORMAT_VERSION
    members: Annotated[tuple[Member, ...], Field(min_length=2, max_length=2)]
    region: Region


Composition = Ensemble | Cascade


def member_of(path: PathLike, folder: str) -> Member:
    """Give the record of a member.

    Args:
        path: The composition's folder.
        folder: The member's, inside it.

    Raises:
        ModelError: There is no whole model.
    """
    return Member(folder=folder, sha256=_hashes(read_model(Path(path) / folder)))


def write_composition(path: PathLike, composition: Composition) -> None:
    """Write `composition.json`, the last file of a composition to appear.

    Raises:
        FileError: It cannot be written.
    """
    write_json(Path(path) / COMPOSITION, composition.model_dump(mode="json"))


def is_composition(path: PathLike) -> bool:
    """Say whether a folder holds several models that predict as one."""
    return (Path(path) / COMPOSITION).is_file()


def read_composition(path: PathLike) -> tuple[Composition, list[StoredModel]]:
    """Read a composition and its members, and prove that they are whole and the ones that were joined.

    Raises:
        ModelError: The file is broken, names a folder outside its own, or a member is missing, altered or another.
    """
    file = Path(path) / COMPOSITION
    try:
        composition: Composition = TypeAdapter[Composition](
            Annotated[Composition, Field(discriminator="kind")]
        ).validate_python(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError, ValidationError) as error:
        raise ModelError(
            expected="a composition of models",
            got=" ".join(str(error).split())[:200],
            remedy="copy the folder again, with everything in it",
            path=file,
        ) from error
    if composition.format_version > FORMAT_VERSION:
        raise ModelError(
            expected=f"a composition of format {FORMAT_VERSION} or older",
            got=f"format {composition.format_version}",
            remedy="update univox",
            path=file,
        )
    stored: list[StoredModel] = []
    for member in composition.members:
        stored.append(read_model(_inside(Path(path), member.folder)))
        if _hashes(stored[-1]) != member.sha256:
            raise ModelError(
                expected="the members that were joined",
                got=f"another model in {member.folder}",
                remedy="join them again, or copy the folder again with everything in it",
                path=file,
            )
    return composition, stored


def _inside(path: Path, folder: str) -> Path:
    # The name comes from a file that a stranger may have written.
    parts = PurePosixPath(folder).parts
    if not parts or PurePosixPath(folder).is_absolute() or ".." in parts or "\\" in folder or ":" in folder:
        raise ModelError(
            expected="members inside the composition's folder",
            got=repr(folder),
            remedy="do not use this model; it points outside its own folder",
            path=path,
        )
    return path.joinpath(*parts)


def _hashes(stored: StoredModel) -> tuple[str, ...]:
    manifest = stored.manifest
    return (manifest.shared.sha256, *(record.sha256 for record in manifest.domains.values()))
