"""A temperature written into a model that is there; its weights are not touched."""

from __future__ import annotations

from univox.model.store_domain import store_domain
from univox.model.stored import StoredModel
from univox.model.temperature_scaling import TemperatureScaling


def store_calibration(stored: StoredModel, domain: str, calibration: TemperatureScaling | None) -> StoredModel:
    """Write a domain's calibration into its `domain.json`, then the card.

    Each of the two is replaced as a whole: whenever the program is killed, the model is the earlier one or the new one.

    Args:
        stored: As it was read.
        domain: Its name.
        calibration: None takes an earlier one away.

    Returns:
        The model with it.

    Raises:
        ModelError: The model has no such domain.
        FileError: A file cannot be written.
    """
    return store_domain(stored, stored.domain(domain).model_copy(update={"calibration": calibration}))
