"""Which domain a new one begins like, and with what of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from univox.data.batches import Batches
from univox.model.stored import StoredModel
from univox.networks.domain_parts import domain_state_names
from univox.training.observer import Observer
from univox.training.step import Step

TRIAL_STEPS = 16
JUDGED_STEPS = 8
"""The last of them, whose mean loss counts."""


@dataclass(frozen=True)
class Trial:
    """What the short trial of each domain as a start came to: the mean loss of its last steps."""

    losses: dict[str, float]

    @property
    def best(self) -> str:
        """The domain with the lowest loss; the earlier one in a tie."""
        return min(self.losses, key=lambda name: self.losses[name])


def most_similar(
    stored: StoredModel,
    fresh: Callable[[], nn.Module],
    make_step: Callable[[nn.Module], Step],
    batches: Batches,
    *,
    learning_rate: float,
    observer: Observer,
) -> Trial:
    """Try every domain of a model as the start of a new one, and see from which the loss falls lowest.

    Each trial trains a few steps on the same batches, with the shared weights frozen as in the extension itself.

    Args:
        stored: The model.
        fresh: Gives a network of the new domain, with the shared weights, frozen, and random own ones.
        make_step: Gives the update of a network, with an optimizer of its own.
        batches: Of the new domain.
        learning_rate: Of every step.
        observer: Hears of the outcome.
    """
    observer.stage(f"trying {len(stored.domains)} domains as the start")
    losses: dict[str, float] = {}
    tried_on = [batches.batch(index) for index in range(TRIAL_STEPS)]
    for number, name in enumerate(stored.domains):
        network = fresh()
        begin_like(network, stored.own_tensors(name))
        step = make_step(network.train())
        found = [step(batch, index, learning_rate=learning_rate) for index, batch in enumerate(tried_on)]
        losses[name] = sum(found[-JUDGED_STEPS:]) / JUDGED_STEPS
        observer.advance(number + 1, len(stored.domains))
    told = ", ".join(f"{name} {loss:.3f}" for name, loss in losses.items())
    observer.stage(f"loss after {TRIAL_STEPS} steps from each domain: {told}")
    return Trial(losses)


@torch.no_grad()
def begin_like(network: nn.Module, donor: Mapping[str, Tensor]) -> tuple[str, ...]:
    """Give a new domain's own weights the values of another's, where they fit.

    A kernel of other input channels takes the donor's mean over them, scaled so that equal channels give an equal
    sum. What has another shape for any other reason (the output of other classes) keeps its random start.

    Args:
        network: Of the new domain; changed in place.
        donor: The other domain's own tensors, by name.

    Returns:
        The names of what was taken.
    """
    state = network.state_dict()
    taken: list[str] = []
    for name in domain_state_names(network):
        value = _fitted(donor.get(name), state[name])
        if value is not None:
            state[name].copy_(value)
            taken.append(name)
    return tuple(taken)


def _fitted(there: Tensor | None, here: Tensor) -> Tensor | None:
    if there is None or there.ndim != here.ndim:
        return None
    if there.shape == here.shape:
        return there
    other_inputs = here.ndim > 2 and _but_inputs(there.shape) == _but_inputs(here.shape)
    if not other_inputs:
        return None
    return (there.mean(1, keepdim=True) * (there.shape[1] / here.shape[1])).expand_as(here)


def _but_inputs(shape: Sequence[int]) -> tuple[int, ...]:
    return (shape[0], *shape[2:])
