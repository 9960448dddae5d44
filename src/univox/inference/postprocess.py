"""Post-processing chosen on validation cases and stored with the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from univox.data.dataset import Dataset
from univox.data.restore import restore_probabilities
from univox.errors import DatasetError
from univox.inference.postprocessing_choice import Choice, ComparedCase, PackedLabel, choose_steps
from univox.inference.predictor import Predictor
from univox.inference.unseen_cases import OnCase, UnseenCase, predicted_unseen, unseen_cases
from univox.model.folder import read_model
from univox.model.postprocessing import Postprocessing
from univox.model.store_domain import store_domain
from univox.model.stored import StoredModel
from univox.types import PathLike


@dataclass(frozen=True)
class ChosenPostprocessing:
    """What the cases said.

    Attributes:
        postprocessing: What is stored; None where nothing helps.
        choice: All that was tried.
        cases: Names of those that chose.
    """

    postprocessing: Postprocessing | None
    choice: Choice
    cases: tuple[str, ...]


def postprocess(
    model: PathLike | StoredModel,
    dataset: Dataset,
    *,
    domain: str | None = None,
    cases: str | Sequence[str] = "validation",
    device: str | torch.device = "auto",
    trusted: bool = False,
    on_case: OnCase | None = None,
) -> ChosenPostprocessing:
    """Choose what is done to a domain's label maps, and store it in the model; an earlier choice is replaced.

    Each case is predicted once, without any post-processing; `choose_steps` says what is tried and what is taken. Where
    nothing helps, nothing is stored, and an earlier choice is gone. Weights and probabilities stay as they are.

    Args:
        model: A model folder, or one that was read.
        dataset: The domain's, opened; the domain's own classes read its labels.
        domain: Its name; may be left out where the model has one.
        cases: "validation" for those that chose the weights, or names of others. The test cases as such are refused:
            they judge the model.
        device: As in `Predictor`.
        trusted: Allow a network from outside univox; its import runs foreign code.
        on_case: Hears of each case.

    Raises:
        DatasetError: There are no such cases, one has no label or holds nan, or one was in training; or voxels that
            nobody labelled.
        ModelError: A case does not fit the domain, or the network gives no numbers for it.
        FileError: A case cannot be read, or the model not be written.
    """
    if cases == "test":
        raise DatasetError(
            expected="validation cases, or cases by name, to choose post-processing on",
            got="the test cases",
            remedy="leave them to judge the model: univox predict and evaluate, with it and with --no-postprocessing",
        )
    if dataset.classes.ignored:
        raise DatasetError(
            expected="labels in which every voxel is labelled, to choose post-processing on",
            got="some that nobody labelled",
            remedy="choose on other cases: what a piece holds there nobody knows",
            path=dataset.root,
        )
    predictor = Predictor(model, domain=domain, device=device, trusted=trusted)
    chosen = unseen_cases(predictor.domain, dataset, cases)
    compared = [_compared(each) for each in predicted_unseen(predictor, dataset, chosen, on_case)]
    choice = choose_steps(compared, predictor.classes.names)
    names = tuple(case.name for case in chosen)
    stored = Postprocessing(steps=choice.taken, cases=names) if choice.taken else None
    store_domain(predictor.model, predictor.domain.model_copy(update={"postprocessing": stored}))
    return ChosenPostprocessing(stored, choice, names)


def remove_postprocessing(model: PathLike | StoredModel, *, domain: str | None = None) -> Postprocessing | None:
    """Take a domain's post-processing away.

    Args:
        model: A model folder, or one that was read.
        domain: Its name; may be left out where the model has one.

    Returns:
        What it was; None where there was none.

    Raises:
        ModelError: The model has no such domain.
        FileError: The model cannot be written.
    """
    stored = model if isinstance(model, StoredModel) else read_model(model)
    known = stored.domain(domain)
    if known.postprocessing is not None:
        store_domain(stored, known.model_copy(update={"postprocessing": None}))
    return known.postprocessing


def _compared(case: UnseenCase) -> ComparedCase:
    # The network's own label: the same whether the domain has post-processing already or not.
    prediction = restore_probabilities(case.votes, case.geometry)
    return ComparedCase(PackedLabel.of(case.label), PackedLabel.of(prediction), case.geometry.image_spacing_mm)
