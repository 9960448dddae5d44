"""What of a model must stay as it is, to the last bit: its files, and what its domains put out."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch

from univox.model.folder import read_model


def tree(folder: Path) -> dict[str, str]:
    """Give the hash of every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def logits(model: Path, domain: str) -> torch.Tensor:
    """Give what a domain puts out for an image that is always the same."""
    network = read_model(model).build(domain)
    image = torch.randn(1, len(read_model(model).domain(domain).channel_names), 8, 8, 8, generator=seeded())
    with torch.no_grad():
        return network(image)


def seeded() -> torch.Generator:
    """Give a generator in a known state."""
    return torch.Generator().manual_seed(3)
