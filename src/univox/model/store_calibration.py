"""A temperature written into a model that is there; its weights are not touched."""

from __future__ import annotations

from univox.atomic import write_json, write_text
from univox.model.card import model_card
from univox.model.staging import CARD, DOMAIN, as_read, finite
from univox.model.stored import DOMAINS, StoredModel
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
    changed = as_read(stored.domain(domain).model_copy(update={"calibration": calibration}))
    model = StoredModel(stored.path, stored.manifest, {**stored.domains, domain: changed})
    write_json(stored.path / DOMAINS / domain / DOMAIN, finite(changed.model_dump(mode="json")))
    write_text(stored.path / CARD, model_card(model))
    return model
