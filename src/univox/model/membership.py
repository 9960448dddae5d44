"""Domains that come to a model and leave it; what the others use is not written."""

from __future__ import annotations

import contextlib
import shutil
import unicodedata
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from univox.atomic import write_json, write_text
from univox.errors import ModelError
from univox.model.card import model_card
from univox.model.domain import Domain, NetworkSpec
from univox.model.staging import CARD, MANIFEST, as_read, manifest_json, stage_domain, staged
from univox.model.stored import DOMAINS, EXTENSIONS, Manifest, StoredModel
from univox.model.tensors import divided_state


def add_domain(stored: StoredModel, domain: Domain, network: nn.Module) -> StoredModel:
    """Add a domain to a model; nothing of the domains it has is written, nor the shared weights.

    The domain's folder takes its place first, then `model.json` names it: whenever the program is killed, the
    model is the earlier one or the new one.

    Args:
        stored: As it was read.
        domain: Of a name that the model does not have.
        network: Holds the domain's own weights, and the model's shared ones.

    Returns:
        The model with it.

    Raises:
        ModelError: The model has a domain of this name, or the network's shared weights are not the model's.
        FileError: A file cannot be written.
    """
    path = stored.path
    check_new_name(stored, domain.name)
    shared, own = divided_state(network)
    _check_shared(shared, stored)
    with staged(path) as staging:
        record = stage_domain(staging, domain, network, own)
        manifest = stored.manifest.model_copy(update={"domains": {**stored.manifest.domains, domain.name: record}})
        model = _stage_names(staging, path, manifest, {**stored.domains, domain.name: as_read(domain)})
        home = path / DOMAINS / domain.name
        if home.exists():
            # What a killed program left: model.json does not name it.
            shutil.rmtree(home)
        (staging / DOMAINS / domain.name).replace(home)
        try:
            (staging / MANIFEST).replace(path / MANIFEST)
        except OSError:
            shutil.rmtree(home, ignore_errors=True)
            raise
        (staging / CARD).replace(path / CARD)
    return model


def remove_domain(stored: StoredModel, name: str) -> StoredModel:
    """Remove a domain; the folder is byte for byte what it was before that domain was added.

    `model.json` ceases to name it first: whenever the program is killed, the model is the earlier one or the new one.

    Raises:
        ModelError: The model has no such domain, or no other.
        FileError: A file cannot be written or removed.
    """
    stored.domain(name)
    if len(stored.domains) == 1:
        raise ModelError(
            expected="a model that keeps a domain",
            got=f"{name!r}, its only one",
            remedy="delete the folder instead",
            path=stored.path,
        )
    path = stored.path
    records = {other: record for other, record in stored.manifest.domains.items() if other != name}
    left = {other: domain for other, domain in stored.domains.items() if other != name}
    manifest = stored.manifest.model_copy(update={"domains": records, "network": _sized(stored.spec, left)})
    with staged(path) as staging:
        model = _stage_names(staging, path, manifest, left)
        (staging / MANIFEST).replace(path / MANIFEST)
        (staging / CARD).replace(path / CARD)
        # Into the hidden folder, which goes at the end: the domain is never there by half.
        (path / DOMAINS / name).replace(staging / "removed")
        if (path / EXTENSIONS / name).exists():
            (path / EXTENSIONS / name).replace(staging / "removed extension")
            with contextlib.suppress(OSError):
                # Only where nothing is left in it.
                (path / EXTENSIONS).rmdir()
    return model


def check_new_name(stored: StoredModel, name: str) -> None:
    """Prove that a model has no domain of this name, nor of one that some file systems take for the same.

    Raises:
        ModelError: It has one.
    """
    for other in stored.domains:
        if _as_folder(other) == _as_folder(name):
            raise ModelError(
                expected=f"a domain that the model does not have ({', '.join(stored.domains)})",
                got=repr(name),
                remedy="name it otherwise with --name, or remove the other with `univox pack remove`",
                path=stored.path,
            )


def _as_folder(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().rstrip(" .")


def _sized(spec: NetworkSpec, domains: Mapping[str, Domain]) -> NetworkSpec:
    """Give the network with the channels and classes of the first domain."""
    first = next(iter(domains.values()))
    sizes = {"in_channels": len(first.channel_names), "num_classes": first.label_classes.num_classes}
    return spec.model_copy(update=sizes)


def _check_shared(shared: Mapping[str, Tensor], stored: StoredModel) -> None:
    there = stored.shared_tensors()
    if shared.keys() == there.keys() and all(torch.equal(value.cpu(), there[name]) for name, value in shared.items()):
        return
    raise ModelError(
        expected="a domain that was trained on this model's shared weights",
        got="one with others",
        remedy="train it with `univox extend` on this model",
        path=stored.path,
    )


def _stage_names(staging: Path, path: Path, manifest: Manifest, domains: Mapping[str, Domain]) -> StoredModel:
    """Write a `model.json` that names other domains, and the card that tells of them."""
    stored = StoredModel(path, manifest, domains)
    write_json(staging / MANIFEST, manifest_json(manifest))
    write_text(staging / CARD, model_card(stored))
    return stored
