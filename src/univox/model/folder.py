"""The folder that a run leaves behind: all that prediction needs, and nothing that executes.

MODEL/
  model.json                    format version, network, sha256 of every weights file, recipe, provenance
  shared.safetensors            what all domains use
  domains/NAME/domain.json      channels, classes, plan, preprocessing, validation figures
  domains/NAME/weights.safetensors
  README.md                     the model card

`model.json` is the last file to appear: a folder without it holds no model.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from torch import nn

from univox.atomic import write_json, write_text
from univox.errors import ModelError
from univox.model.card import model_card
from univox.model.domain import Domain, NetworkSpec
from univox.model.staging import CARD, DOMAIN, MANIFEST, as_read, finite, manifest_json, stage_domain, staged
from univox.model.stored import DOMAINS, SHARED, WEIGHTS, Manifest, StoredModel, WeightsRecord
from univox.model.tensors import check_hash, count_among, divided_state, write_tensors
from univox.types import PathLike
from univox.version import __version__

__all__ = ["FORMAT_VERSION", "Domain", "NetworkSpec", "StoredModel", "finite", "read_model", "write_model"]

FORMAT_VERSION = 2

Record = TypeVar("Record", bound=BaseModel)


def write_model(
    path: PathLike,
    *,
    spec: NetworkSpec,
    members: Sequence[tuple[Domain, nn.Module]],
    recipe: dict[str, Any],
    provenance: dict[str, Any],
) -> StoredModel:
    """Write a model; what else the folder holds (a run, its log) stays.

    All files are first written into a hidden folder inside; then `model.json` of an older model goes, the
    files take their places, and the new `model.json` is the last to appear. Whenever the program is killed
    there is either a whole model or none, and a full disk leaves the older one.

    Args:
        path: The folder; made where it is missing.
        spec: How to build the networks again; its channels and classes are the first domain's.
        members: Each domain with its network. Parameters and buffers are stored: those that
            `univox.networks.domain_parts` calls a domain's own with the domain, all others once, as shared.
        recipe: As plain values. Numbers that JSON cannot hold (nan) become null, here and below.
        provenance: As plain values; the card shows `versions` and `seed`.

    Returns:
        The model as `read_model` would give it.

    Raises:
        ModelError: Network, spec and domain contradict each other; two domains of one name.
        FileError: A file cannot be written.
    """
    path = Path(path)
    _check_agreement(spec, [domain for domain, _ in members], path)
    shared, _ = divided_state(members[0][1])
    with staged(path) as staging:
        records: dict[str, WeightsRecord] = {}
        for domain, network in members:
            _, own = divided_state(network)
            records[domain.name] = stage_domain(staging, domain, network, own)
        manifest = Manifest(
            format_version=FORMAT_VERSION,
            univox_version=__version__,
            network=spec,
            shared=WeightsRecord(
                sha256=write_tensors(staging / SHARED, shared), parameters=count_among(members[0][1], shared)
            ),
            domains=records,
            recipe=finite(recipe),
            provenance=finite(provenance),
        )
        stored = StoredModel(path, manifest, {domain.name: as_read(domain) for domain, _ in members})
        write_text(staging / CARD, model_card(stored))
        write_json(staging / MANIFEST, manifest_json(manifest))
        _move_into_place(staging, path, tuple(records))
    return stored


def read_model(path: PathLike) -> StoredModel:
    """Read a model folder and prove that it is whole and unaltered; weights are loaded by `build`.

    Raises:
        ModelError: A file is missing or altered, or the folder was written by a newer univox.
    """
    path = Path(path)
    if not (path / MANIFEST).is_file():
        raise ModelError(
            expected=f"a model folder, with a {MANIFEST}",
            got="a folder without one" if path.is_dir() else "no such folder",
            remedy="give the folder that `univox train` wrote; a run that has not ended has no model yet",
            path=path,
        )
    manifest = _read_manifest(path / MANIFEST)
    check_hash(path / SHARED, manifest.shared.sha256)
    domains: dict[str, Domain] = {}
    for name, record in manifest.domains.items():
        domains[name] = _known_as_before(_read_domain(path / DOMAINS, name), manifest)
        check_hash(path / DOMAINS / name / WEIGHTS, record.sha256)
    return StoredModel(path, manifest, domains)


def _check_agreement(spec: NetworkSpec, domains: Sequence[Domain], path: Path) -> None:
    first = domains[0]
    stated = (spec.in_channels, spec.num_classes, spec.spatial_dims)
    measured = (len(first.channel_names), first.label_classes.num_classes, first.spatial_dims)
    if stated != measured:
        raise ModelError(
            expected="a network for {} channels, {} classes and {} axes, as its domain has".format(*measured),
            got="one for {} channels, {} classes and {} axes".format(*stated),
            remedy="build the network for this domain",
            path=path,
        )
    names = [domain.name for domain in domains]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ModelError(
            expected="domains of different names", got=f"{twice!r} twice", remedy="rename a dataset", path=path
        )


def _move_into_place(staging: Path, path: Path, domains: tuple[str, ...]) -> None:
    (path / MANIFEST).unlink(missing_ok=True)
    homes = [Path(DOMAINS) / domain for domain in domains]
    for home in homes:
        (path / home).mkdir(parents=True, exist_ok=True)
    own = [home / name for home in homes for name in (WEIGHTS, DOMAIN)]
    for name in (Path(SHARED), *own, Path(CARD), Path(MANIFEST)):
        (staging / name).replace(path / name)
    for other in (path / DOMAINS).iterdir():
        # Domains of the model that was replaced; a folder without domain.json is not ours.
        if other.name not in domains and (other / DOMAIN).is_file():
            shutil.rmtree(other)


def _read_manifest(path: Path) -> Manifest:
    values = _read_json(path)
    version = values.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise ModelError(
            expected=f"a model of format {FORMAT_VERSION} or older",
            got=f"format {version}, written by univox {values.get('univox_version', 'of unknown version')}",
            remedy="update univox",
            path=path,
        )
    return _validated(Manifest, values, path)


def _read_domain(folder: Path, name: str) -> Domain:
    # The name comes from a file that a stranger may have written: it must be a folder's name, not a way out.
    if name in (".", "..") or Path(name).name != name or "\\" in name:
        raise ModelError(
            expected="a domain's name that is a plain folder name",
            got=repr(name),
            remedy="do not use this model; it points outside its own folder",
            path=folder,
        )
    path = folder / name / DOMAIN
    domain = _validated(Domain, _read_json(path), path)
    if domain.name != name:
        raise ModelError(
            expected=f"the domain '{name}', as its folder is called",
            got=f"'{domain.name}'",
            remedy="copy the model folder again; folders of a model are not renamed by hand",
            path=path,
        )
    return domain


def _known_as_before(domain: Domain, manifest: Manifest) -> Domain:
    """Give a domain of format 1, whose model kept what is the domain's now; one added since keeps its own."""
    if manifest.format_version > 1 or "provenance" in domain.model_fields_set:
        return domain
    kept = {key: manifest.provenance[key] for key in ("dataset", "layout", "split") if key in manifest.provenance}
    return domain.model_copy(update={"provenance": kept})


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ModelError(
            expected="a readable JSON file of a model",
            got=reason,
            remedy="copy the model folder again, with everything in it",
            path=path,
        ) from error
    return values if isinstance(values, dict) else {}


def _validated(kind: type[Record], values: dict[str, Any], path: Path) -> Record:
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ModelError(
            expected=f"a valid '{place}'",
            got=first["msg"].lower(),
            remedy="copy the model folder again; this file was altered or is not univox's",
            path=path,
        ) from error
