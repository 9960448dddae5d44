"""Files of a model written beside it first, so that a full disk or a killed program costs nothing."""

from __future__ import annotations

import contextlib
import math
import shutil
import tempfile
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from univox.atomic import write_json
from univox.errors import FileError
from univox.model.domain import Domain
from univox.model.stored import DOMAINS, WEIGHTS, Manifest, WeightsRecord
from univox.model.tensors import count_among, write_tensors

MANIFEST, CARD, DOMAIN = "model.json", "README.md", "domain.json"
STAGING = ".partial-model-"


@contextlib.contextmanager
def writing(path: Path) -> Generator[None]:
    """Turn the system's errors into one sentence."""
    try:
        yield
    except OSError as error:
        raise FileError(
            expected="to write a model here",
            got=error.strerror or str(error),
            remedy="free disk space or choose a folder that can be written",
            path=path,
        ) from error


@contextlib.contextmanager
def staged(path: Path) -> Generator[Path]:
    """Give a hidden folder inside the model's, gone again at the end whatever happens."""
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)
        _remove_staging(path)
        try:
            yield Path(tempfile.mkdtemp(dir=path, prefix=STAGING))
        finally:
            _remove_staging(path)


def stage_domain(folder: Path, domain: Domain, network: nn.Module, own: Mapping[str, Tensor]) -> WeightsRecord:
    """Write a domain's two files below a folder, and say what `model.json` is to know of them."""
    home = folder / DOMAINS / domain.name
    record = WeightsRecord(sha256=write_tensors(home / WEIGHTS, own), parameters=count_among(network, own))
    write_json(home / DOMAIN, finite(domain.model_dump(mode="json")))
    return record


def manifest_json(manifest: Manifest) -> Any:
    """Give the content of `model.json`."""
    return finite(manifest.model_dump(mode="json"))


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


def as_read(domain: Domain) -> Domain:
    """Give the domain as it comes back from its file."""
    return Domain.model_validate(finite(domain.model_dump(mode="json")))


def _remove_staging(path: Path) -> None:
    for leftover in path.glob(f"{STAGING}*"):
        shutil.rmtree(leftover, ignore_errors=True)
