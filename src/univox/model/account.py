"""What is counted of a model: parameters, bytes, figures, origins."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from univox.errors import FileError
from univox.model.lineage import Origin, origin_of
from univox.model.stored import DOMAINS, SHARED, WEIGHTS, StoredModel


@dataclass(frozen=True)
class CountedWeights:
    """One file of weights.

    Attributes:
        parameters: Trainable values; the file holds running statistics too.
        num_bytes: Of the file.
        sha256: Of the file, in hexadecimal.
    """

    parameters: int
    num_bytes: int
    sha256: str


@dataclass(frozen=True)
class DomainAccount:
    """One domain.

    Attributes:
        own: Weights that it alone uses.
        num_channels, num_classes: Of its network; background counts as a class.
        mean_dice: Mean foreground Dice of the best validation; None where nothing was validated.
        origin: How the model came to know it.
    """

    own: CountedWeights
    num_channels: int
    num_classes: int
    mean_dice: float | None
    origin: Origin


@dataclass(frozen=True)
class Account:
    """A model.

    Attributes:
        shared: Weights that all domains use.
        domains: By name, in the order in which the model came to know them.
    """

    shared: CountedWeights
    domains: dict[str, DomainAccount]

    @property
    def parameters(self) -> int:
        """Trainable values of the model, shared ones counted once."""
        return self.shared.parameters + sum(domain.own.parameters for domain in self.domains.values())

    @property
    def num_bytes(self) -> int:
        """Bytes of all weights files."""
        return self.shared.num_bytes + sum(domain.own.num_bytes for domain in self.domains.values())

    def to_json(self) -> dict[str, Any]:
        """Give plain values, the totals among them."""
        return {"parameters": self.parameters, "num_bytes": self.num_bytes, **asdict(self)}


def account(stored: StoredModel) -> Account:
    """Count a model.

    Raises:
        FileError: A weights file is gone.
    """
    manifest, home = stored.manifest, stored.path / DOMAINS
    shared = CountedWeights(manifest.shared.parameters, _size(stored.path / SHARED), manifest.shared.sha256)
    domains: dict[str, DomainAccount] = {}
    for name, domain in stored.domains.items():
        record, dice = manifest.domains[name], domain.validation.get("mean_dice")
        domains[name] = DomainAccount(
            own=CountedWeights(record.parameters, _size(home / name / WEIGHTS), record.sha256),
            num_channels=len(domain.channel_names),
            num_classes=domain.label_classes.num_classes,
            mean_dice=float(dice) if isinstance(dice, int | float) else None,
            origin=origin_of(stored, domain),
        )
    return Account(shared, domains)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise FileError(
            expected="a weights file of this model",
            got=error.strerror or str(error),
            remedy="copy the model folder again, with everything in it",
            path=path,
        ) from error
