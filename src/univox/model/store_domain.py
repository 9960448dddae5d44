"""What was learned of a domain after its training, written into a model that is there; no weight is touched."""

from __future__ import annotations

from univox.atomic import write_json, write_text
from univox.model.card import model_card
from univox.model.domain import Domain
from univox.model.staging import CARD, DOMAIN, as_read, finite
from univox.model.stored import DOMAINS, StoredModel


def store_domain(stored: StoredModel, domain: Domain) -> StoredModel:
    """Write a domain's `domain.json`, then the card.

    Each of the two is replaced as a whole: whenever the program is killed, the model is the earlier one or the new one.

    Args:
        stored: As it was read.
        domain: One of its own, with other figures.

    Returns:
        The model with it.

    Raises:
        ModelError: The model has no such domain.
        FileError: A file cannot be written.
    """
    name = stored.domain(domain.name).name
    changed = as_read(domain)
    model = StoredModel(stored.path, stored.manifest, {**stored.domains, name: changed})
    write_json(stored.path / DOMAINS / name / DOMAIN, finite(changed.model_dump(mode="json")))
    write_text(stored.path / CARD, model_card(model))
    return model
