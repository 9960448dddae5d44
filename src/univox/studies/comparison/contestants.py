"""Who is compared: models, or folders of finished predictions, and what each is known to have learned from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from univox.data.dataset import Dataset
from univox.errors import ModelError, RecipeError
from univox.inference.record import Record, read_record
from univox.model.domain import Domain, domain_name
from univox.model.folder import read_model
from univox.model.staging import MANIFEST
from univox.model.stored import StoredModel

NAME = re.compile(r"\w[\w .+()-]{0,60}")


@dataclass(frozen=True)
class Contestant:
    """A model, or predictions that somebody made before.

    Args:
        name: Of its rows and its folder in the study.
        folder: The model, or the predictions.
        predicts: Whether it is a model, which the study lets predict.
        model: What made or makes the predictions; none where nobody can tell.
        domain: Of that model.
    """

    name: str
    folder: Path
    predicts: bool
    model: StoredModel | None
    domain: Domain | None

    @property
    def split(self) -> Mapping[str, Sequence[str]] | None:
        """Names of the cases that trained, validated and were kept out; none where that is not known."""
        return None if self.domain is None or not self.domain.split else self.domain.split

    @property
    def seen(self) -> frozenset[str]:
        """Names of the cases that it is known to have learned from, or that chose its weights."""
        split = self.split or {}
        return frozenset((*split.get("train", ()), *split.get("validation", ())))

    @property
    def identity(self) -> str:
        """What must be the same for its predictions to be its own still."""
        if not self.predicts or self.model is None or self.domain is None:
            return f"predictions {self.folder.resolve()}"
        return f"model {self.model.identity} {self.model.manifest.domains[self.domain.name].sha256}"


def choose_contestants(asked: Sequence[str], dataset: Dataset, *, domain: str | None = None) -> tuple[Contestant, ...]:
    """Read who is to be compared.

    Args:
        asked: "FOLDER" or "NAME=FOLDER" of each.
        dataset: Whose cases they are compared on; their classes and channels must be its own.
        domain: Of models that have several; none: the one called like the dataset.

    Raises:
        RecipeError: Fewer than two, two of one name, or a name that cannot be a folder's.
        ModelError: A folder is neither a model nor one of predictions, or a model is of other classes or channels.
    """
    chosen = tuple(_contestant(*_named(text), dataset, domain) for text in asked)
    names = [each.name for each in chosen]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or len(chosen) < 2:
        raise RecipeError(
            expected="at least two models, each of another name",
            got=f"{twice[0]!r} twice" if twice else f"{len(chosen)}",
            remedy="give --model NAME=FOLDER for each",
        )
    return chosen


def _named(text: str) -> tuple[str, Path]:
    """Part a name from its folder; without a name it is called like the folder, or the one above a `model`.

    >>> _named("ours=runs/a/model"), _named("runs/a/model")[0], _named("runs/b")[0]
    (('ours', PosixPath('runs/a/model')), 'a', 'b')
    """
    name, equals, folder = text.partition("=")
    if not equals or Path(text).exists():
        path = Path(text)
        place = path.resolve()
        name, folder = place.parent.name if place.name in ("model", "predictions") else place.name, text
    if not NAME.fullmatch(name) or not folder:
        raise RecipeError(
            expected="NAME=FOLDER, of a name that begins with a letter or digit and is a plain folder name",
            got=repr(text),
            remedy="name it, as in --model ours=FOLDER",
        )
    return name, Path(folder)


def _contestant(name: str, folder: Path, dataset: Dataset, domain: str | None) -> Contestant:
    if (folder / MANIFEST).is_file():
        model = read_model(folder)
        found = _domain_of(model, dataset, domain)
        _refuse_another_kind(found, dataset, folder)
        return Contestant(name, folder, True, model, found)
    if not folder.is_dir():
        raise ModelError(
            expected="a model folder, or a folder of predictions",
            got="no such folder" if not folder.exists() else "a file",
            remedy="give what `univox train` or `univox predict` wrote",
            path=folder,
        )
    return Contestant(name, folder, False, *_maker(read_record(folder)))


def _domain_of(model: StoredModel, dataset: Dataset, asked: str | None) -> Domain:
    if asked is None and len(model.domains) > 1 and domain_name(dataset.name) in model.domains:
        return model.domain(domain_name(dataset.name))
    return model.domain(asked if len(model.domains) > 1 else None)


def _maker(record: Record | None) -> tuple[StoredModel | None, Domain | None]:
    """Read the model that made predictions; none where nobody knows it, or it is no longer there."""
    if record is None:
        return None, None
    try:
        model = read_model(record.model)
        return model, model.domain(record.domain)
    except ModelError:
        return None, None


def _refuse_another_kind(domain: Domain, dataset: Dataset, folder: Path) -> None:
    ours = {each.name: each.codes for each in dataset.classes.classes}
    theirs = {each.name: each.codes for each in domain.label_classes.classes}
    if ours != theirs:
        raise ModelError(
            expected=f"a model of the classes {', '.join(ours)}, with the dataset's codes",
            got=f"one of {', '.join(theirs)}",
            remedy="select the classes that it was trained on by --classes, or name another --domain",
            path=folder,
        )
    if len(domain.channel_names) != len(dataset.channel_names):
        raise ModelError(
            expected=f"a model of {len(dataset.channel_names)} channels, as the dataset has",
            got=f"one of {len(domain.channel_names)}",
            remedy="compare models of one kind of images",
            path=folder,
        )
