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
import math
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from torch import nn

from univox.atomic import write_json, write_text
from univox.errors import FileError, ModelError
from univox.model.card import model_card
from univox.model.domain import Domain, NetworkSpec
from univox.model.stored import DOMAINS, SHARED, WEIGHTS, Manifest, StoredModel, WeightsRecord
from univox.model.tensors import check_hash, count_among, divided_state, write_tensors
from univox.types import PathLike
from univox.version import __version__

__all__ = ["FORMAT_VERSION", "Domain", "NetworkSpec", "StoredModel", "finite", "read_model", "write_model"]

FORMAT_VERSION = 1
MANIFEST, CARD, DOMAIN = "model.json", "README.md", "domain.json"
STAGING = ".partial-model-"

Record = TypeVar("Record", bound=BaseModel)


def write_model(
    path: PathLike,
    *,
    network: nn.Module,
    spec: NetworkSpec,
    domain: Domain,
    recipe: dict[str, Any],
    provenance: dict[str, Any],
) -> StoredModel:
    """Write a model of one domain; what else the folder holds (a run, its log) stays.

    All files are first written into a hidden folder inside; then `model.json` of an older model goes, the
    files take their places, and the new `model.json` is the last to appear. Whenever the program is killed
    there is either a whole model or none, and a full disk leaves the older one.

    Args:
        path: The folder; made where it is missing.
        network: Its parameters and buffers are stored, those that
            `univox.networks.domain_parts` calls a domain's own with the domain, all others as shared.
        spec: How to build the network again.
        domain: What the network was trained on.
        recipe: As plain values. Numbers that JSON cannot hold (nan) become null, here and below.
        provenance: As plain values; the card shows `split` (names per part), `versions` and `seed`.

    Returns:
        The model as `read_model` would give it.

    Raises:
        ModelError: Network, spec and domain contradict each other.
        FileError: A file cannot be written.
    """
    path = Path(path)
    _check_agreement(spec, domain, path)
    shared, own = divided_state(network)
    try:
        staging = _staging_folder(path)
        home = staging / DOMAINS / domain.name
        manifest = Manifest(
            format_version=FORMAT_VERSION,
            univox_version=__version__,
            network=spec,
            shared=WeightsRecord(
                sha256=write_tensors(staging / SHARED, shared), parameters=count_among(network, shared)
            ),
            domains={
                domain.name: WeightsRecord(
                    sha256=write_tensors(home / WEIGHTS, own), parameters=count_among(network, own)
                )
            },
            recipe=finite(recipe),
            provenance=finite(provenance),
        )
        stored = StoredModel(path, manifest, {domain.name: _plain(domain)})
        write_json(home / DOMAIN, finite(domain.model_dump(mode="json")))
        write_text(staging / CARD, model_card(stored))
        write_json(staging / MANIFEST, finite(manifest.model_dump(mode="json")))
        _move_into_place(staging, path, domain.name)
    except OSError as error:
        raise FileError(
            expected="to write a model here",
            got=error.strerror or str(error),
            remedy="free disk space or choose a folder that can be written",
            path=path,
        ) from error
    finally:
        _remove_staging(path)
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
        domains[name] = _read_domain(path / DOMAINS, name)
        check_hash(path / DOMAINS / name / WEIGHTS, record.sha256)
    return StoredModel(path, manifest, domains)


def finite(value: Any) -> Any:
    """Give plain values with null in place of numbers that JSON cannot hold.

    >>> finite({"dice": (0.5, float("nan"))})
    {'dice': [0.5, None]}
    """
    if isinstance(value, Mapping):
        return {str(key): finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(domain: Domain) -> Domain:
    """Give the domain as it comes back from its file."""
    return Domain.model_validate(finite(domain.model_dump(mode="json")))


def _check_agreement(spec: NetworkSpec, domain: Domain, path: Path) -> None:
    stated = (spec.in_channels, spec.num_classes, spec.spatial_dims)
    measured = (len(domain.channel_names), domain.label_classes.num_classes, domain.spatial_dims)
    if stated != measured:
        raise ModelError(
            expected="a network for {} channels, {} classes and {} axes, as its domain has".format(*measured),
            got="one for {} channels, {} classes and {} axes".format(*stated),
            remedy="build the network for this domain",
            path=path,
        )


def _staging_folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    _remove_staging(path)
    return Path(tempfile.mkdtemp(dir=path, prefix=STAGING))


def _remove_staging(path: Path) -> None:
    for leftover in path.glob(f"{STAGING}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _move_into_place(staging: Path, path: Path, domain: str) -> None:
    (path / DOMAINS / domain).mkdir(parents=True, exist_ok=True)
    (path / MANIFEST).unlink(missing_ok=True)
    home = Path(DOMAINS) / domain
    for name in (Path(SHARED), home / WEIGHTS, home / DOMAIN, Path(CARD), Path(MANIFEST)):
        (staging / name).replace(path / name)
    for other in (path / DOMAINS).iterdir():
        # Domains of the model that was replaced; a folder without domain.json is not ours.
        if other.name != domain and (other / DOMAIN).is_file():
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


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
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
