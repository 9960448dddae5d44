"""One domain of a model as one file, for whoever has the same base: written, read, proved, added.

FILE.univox, a zip of
  pack.json             format version, sha256 of the base, its network, sha256 of the two other members
  domain.json           as in the model's folder
  weights.safetensors   as in the model's folder

Whoever wrote a pack, nothing of it is executed: its network is built from the base's own description, never from the
pack's, and every value is checked before anything is written. The hashes inside tell damage; whom a pack comes from,
only its own sha256 tells, heard from its author.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from univox.atomic import json_text, written_atomically
from univox.errors import ModelError
from univox.model.domain import Domain, NetworkSpec, check_domain_name
from univox.model.folder import read_model
from univox.model.membership import add_domain
from univox.model.pack_archive import DISTRUST, check_members, read_archive, read_bounded, write_archive
from univox.model.pack_guard import check_domain, check_window, own_tensors, tensors_of
from univox.model.pack_json import strict_json, strictly
from univox.model.staging import DOMAIN, finite
from univox.model.stored import WEIGHTS, StoredModel
from univox.model.tensors import count_among, divided_state, tensor_bytes
from univox.networks.registry import NETWORKS
from univox.types import PathLike
from univox.version import __version__

PACK_FORMAT = 1
RECORD = "pack.json"

Sha256 = Annotated[str, Field(pattern=r"\A[0-9a-f]{64}\z")]
PositiveInt = Annotated[int, Field(ge=1)]


class PackRecord(BaseModel):
    """The content of `pack.json`.

    Attributes:
        pack_format: Version of this format.
        univox_version: Which wrote it.
        base: The sha256 of the shared weights that the domain was trained on.
        network: The base's, with this domain's channels and classes.
        domain: The sha256 of `domain.json`.
        weights: The sha256 of `weights.safetensors`.
        parameters: The domain's own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pack_format: PositiveInt
    univox_version: Annotated[str, Field(max_length=100)]
    base: Sha256
    network: NetworkSpec
    domain: Sha256
    weights: Sha256
    parameters: PositiveInt


@dataclass(frozen=True)
class Pack:
    """A pack that was read and is whole; that its weights fit a model, `verify_pack` proves.

    Attributes:
        path: The file.
        record: The content of `pack.json`.
        domain: The domain, every value of which was checked.
        weights: Bytes of a safetensors file.
        sha256: Of the whole file: what its author may tell by another way.
        num_bytes: Of the whole file.
    """

    path: Path
    record: PackRecord
    domain: Domain
    weights: bytes
    sha256: str
    num_bytes: int


def export_pack(model: PathLike | StoredModel, domain: str | None, path: PathLike, *, case_names: bool = True) -> Pack:
    """Write one domain of a model as a file.

    The same domain always makes the same bytes.

    Args:
        model: A model folder, or one that was read.
        domain: Its name; None where the model has one.
        path: The file, by custom NAME.univox; one that is there is replaced.
        case_names: Keep the names of the cases that the domain was trained and judged on. They may be private.

    Returns:
        The pack as `read_pack` gives it.

    Raises:
        ModelError: The model has no such domain, its network is not of univox, or the domain is one that
            `add_pack` would refuse (weights that are not finite, settings that are left open).
        FileError: The file cannot be written.
    """
    stored, path = _read(model), Path(path)
    chosen = stored.domain(domain)
    _check_own_network(stored)
    if not case_names:
        chosen = _without_case_names(chosen)
    own = stored.own_tensors(chosen.name)
    about = json_text(finite(chosen.model_dump(mode="json"))).encode()
    weights = tensor_bytes(own)
    record = PackRecord(
        pack_format=PACK_FORMAT,
        univox_version=__version__,
        base=stored.identity,
        network=_spec_of(stored, chosen),
        domain=_sha256(about),
        weights=_sha256(weights),
        parameters=stored.manifest.domains[chosen.name].parameters,
    )
    members = {RECORD: json_text(finite(record.model_dump(mode="json"))).encode(), DOMAIN: about, WEIGHTS: weights}
    content = write_archive(members)
    pack = _pack_of(content, path)
    _network_with(pack, stored)
    with written_atomically(path) as partial:
        partial.write_bytes(content)
    return pack


def read_pack(path: PathLike) -> Pack:
    """Read a pack and prove that it is whole, unaltered and of lawful values; it builds no network.

    Raises:
        ModelError: What is wrong with it, in one sentence.
    """
    path = Path(path)
    return _pack_of(read_bounded(path), path)


def verify_pack(path: PathLike, model: PathLike | StoredModel | None = None) -> Pack:
    """Prove all that can be proved of a pack; with a model, that it could be added to it.

    Args:
        path: The file.
        model: The base that it is for. Without one, names and shapes of its weights stay unproved, for they are
            the base's to say.

    Raises:
        ModelError: What is wrong with it, in one sentence.
    """
    pack = read_pack(path)
    if model is None:
        tensors_of(pack.weights, pack.path)
    else:
        _network_with(pack, _read(model))
    return pack


def add_pack(model: PathLike | StoredModel, path: PathLike, *, name: str | None = None) -> StoredModel:
    """Add a pack's domain to the model that it was made with, or to a copy of it.

    Nothing is written unless everything fits; then the domain's folder, `model.json` and the card. The shared weights
    and the other domains stay as they are, byte for byte.

    Args:
        model: A model folder, or one that was read.
        path: The file.
        name: Call the domain otherwise.

    Returns:
        The model with it.

    Raises:
        ModelError: The pack is unsound, of another base, or the model has a domain of that name.
        FileError: A file cannot be written.
    """
    stored, pack = _read(model), read_pack(path)
    return add_domain(stored, _named(pack.domain, name or pack.domain.name), _network_with(pack, stored))


def _pack_of(content: bytes, path: Path) -> Pack:
    members = read_archive(content, path)
    # The format first: a newer one may have other members.
    if RECORD in members:
        _check_format(strict_json(members[RECORD], RECORD, path), path)
    check_members(members, (RECORD, DOMAIN, WEIGHTS), path)
    record = strictly(PackRecord, members[RECORD], RECORD, path)
    for member, sha256 in ((DOMAIN, record.domain), (WEIGHTS, record.weights)):
        found = _sha256(members[member])
        if found != sha256:
            raise _refusal(f"{member} with sha256 {sha256[:12]}...", f"an altered one with {found[:12]}...", path)
    strict_json(members[DOMAIN], DOMAIN, path)
    domain = strictly(Domain, members[DOMAIN], DOMAIN, path)
    check_domain(domain, path)
    _check_agreement(record.network, domain, path)
    return Pack(path, record, domain, members[WEIGHTS], _sha256(content), len(content))


def _network_with(pack: Pack, stored: StoredModel) -> nn.Module:
    """Give the base's network with the pack's weights, if they belong together."""
    _check_base(pack, stored)
    _check_own_network(stored)
    # Without memory: what a stranger's channels and classes would ask for is compared before it is there.
    with torch.device("meta"):
        network = stored.blank(pack.domain)
    check_window(pack.domain, network, pack.path)
    wanted = divided_state(network)[1]
    own = own_tensors(pack.weights, wanted, pack.path)
    parameters = count_among(network, wanted)
    if parameters != pack.record.parameters:
        raise _refusal(f"{parameters} parameters", f"{pack.record.parameters} by the pack's word", pack.path)
    network.load_state_dict(stored.shared_tensors() | own, assign=True)
    return network


def _check_format(values: dict[str, Any], path: Path) -> None:
    version = values.get("pack_format")
    if isinstance(version, int) and version > PACK_FORMAT:
        raise ModelError(
            expected=f"a pack of format {PACK_FORMAT}",
            got=f"format {version}, written by univox {str(values.get('univox_version', 'of unknown version'))[:40]}",
            remedy="update univox",
            path=path,
        )


def _check_agreement(network: NetworkSpec, domain: Domain, path: Path) -> None:
    stated = (network.in_channels, network.num_classes, network.spatial_dims)
    found = (len(domain.channel_names), domain.label_classes.num_classes, domain.spatial_dims)
    if stated != found:
        words = "{} channels, {} classes and {} axes"
        raise _refusal(f"a network for {words.format(*found)}, as the domain has", words.format(*stated), path)


def _check_base(pack: Pack, stored: StoredModel) -> None:
    theirs, ours = pack.record, _spec_of(stored, pack.domain)
    if theirs.base != stored.identity:
        raise ModelError(
            expected=f"a pack for this model, whose shared weights have the sha256 {stored.identity[:12]}...",
            got=f"one for {theirs.base[:12]}...",
            remedy="add it to the model that it was made with, or train the domain on this one with `univox extend`",
            path=pack.path,
        )
    if theirs.network != ours:
        differing = next(key for key in NetworkSpec.model_fields if getattr(theirs.network, key) != getattr(ours, key))
        raise _refusal(
            f"the model's network ({differing} {_short(getattr(ours, differing))})",
            f"{differing} {_short(getattr(theirs.network, differing))}",
            pack.path,
        )


def _check_own_network(stored: StoredModel) -> None:
    if stored.spec.name not in NETWORKS:
        raise ModelError(
            expected=f"a model with one of univox's own networks ({', '.join(NETWORKS)})",
            got=repr(stored.spec.name),
            remedy="share the whole model folder instead; what of a foreign network is a domain's own, nobody knows",
            path=stored.path,
        )


def _spec_of(stored: StoredModel, domain: Domain) -> NetworkSpec:
    """Give the network with this domain's channels and classes, as it reads back from JSON."""
    sizes = {"in_channels": len(domain.channel_names), "num_classes": domain.label_classes.num_classes}
    return NetworkSpec.model_validate({**finite(stored.spec.model_dump(mode="json")), **sizes})


def _named(domain: Domain, name: str) -> Domain:
    return domain.model_copy(update={"name": check_domain_name(name)})


def _without_case_names(domain: Domain) -> Domain:
    calibration = domain.calibration and domain.calibration.model_copy(update={"cases": ()})
    postprocessing = domain.postprocessing and domain.postprocessing.model_copy(update={"cases": ()})
    provenance = {**domain.provenance, "split": {}}
    return domain.model_copy(
        update={"provenance": provenance, "calibration": calibration, "postprocessing": postprocessing}
    )


def _read(model: PathLike | StoredModel) -> StoredModel:
    return model if isinstance(model, StoredModel) else read_model(model)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _refusal(expected: str, got: str, path: Path) -> ModelError:
    return ModelError(expected=expected, got=got, remedy=DISTRUST, path=path)
