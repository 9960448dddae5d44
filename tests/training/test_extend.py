"""A domain added, and nothing forgotten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from model_witness import logits, seeded, tree

from univox.data.source import DatasetSource
from univox.errors import CheckpointError, DatasetError, ModelError, RecipeError
from univox.model.folder import read_model
from univox.model.membership import remove_domain
from univox.model.postprocessing import ChosenStep, Postprocessing
from univox.model.store_domain import store_domain
from univox.model.temperature_scaling import CalibrationFigures, TemperatureScaling
from univox.training.donor import begin_like
from univox.training.extend import extend
from univox.training.extend_request import ExtendRequest
from univox.training.finetune import finetune_all
from univox.training.observer import Observer


def test_older_logits_and_the_shared_file_stay_to_the_last_bit(base: Path, asked: Callable[..., ExtendRequest]) -> None:
    before, old = tree(base), logits(base, "Ball")
    done = extend(asked())
    after = tree(base)
    assert torch.equal(logits(base, "Ball"), old)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"model.json", "README.md"}
    stored = read_model(base)
    assert list(stored.domains) == ["Ball", "Dark"]
    assert done.added_parameters == stored.manifest.domains["Dark"].parameters
    own = stored.own_tensors("Dark").keys()
    network = stored.build("Dark")
    assert done.added_parameters == sum(p.numel() for name, p in network.named_parameters() if name in own)
    facts = stored.domains["Dark"].provenance
    assert (facts["by"], facts["base"], facts["like"], facts["after"]) == ("extend", stored.identity, "Ball", ["Ball"])
    # Taken away again, the folder is as it was.
    remove_domain(stored, "Dark")
    assert tree(base) == before


def test_any_order_of_extensions_leaves_each_as_it_was(base: Path, asked: Callable[..., ExtendRequest]) -> None:
    extend(asked(name="first", iterations=2))
    first = logits(base, "first")
    done = extend(asked(name="second", iterations=2, seed=1))
    assert done.like in ("Ball", "first")
    assert set(read_model(base).domains["second"].provenance["trial"]) == {"Ball", "first"}
    second = logits(base, "second")
    remove_domain(read_model(base), "Ball")
    assert torch.equal(logits(base, "first"), first)
    assert torch.equal(logits(base, "second"), second)


def test_a_killed_extension_leaves_the_model_and_goes_on(base: Path, asked: Callable[..., ExtendRequest]) -> None:
    class Killed(BaseException):
        pass

    class Killer(Observer):
        def event(self, event: dict[str, object]) -> None:
            if event["event"] == "iteration" and event["iteration"] == 4:
                raise Killed

    before = tree(base)
    with pytest.raises(Killed):
        extend(asked(), observer=Killer())
    left = {name: value for name, value in tree(base).items() if not name.startswith("extensions/")}
    assert left == before
    assert list(read_model(base).domains) == ["Ball"]
    with pytest.raises(CheckpointError, match="--resume"):
        extend(asked())
    extend(asked(), resume=True)
    resumed = (base / "domains/Dark/weights.safetensors").read_bytes()
    remove_domain(read_model(base), "Dark")
    extend(asked())
    assert (base / "domains/Dark/weights.safetensors").read_bytes() == resumed


def test_what_cannot_be_added_is_one_sentence(
    base: Path, asked: Callable[..., ExtendRequest], tiny_dataset: Path, shared_data: Callable[[str], Path]
) -> None:
    before = tree(base)
    with pytest.raises(ModelError, match="'Ball'; remedy: name it otherwise"):
        extend(asked(datasets=(DatasetSource(path=tiny_dataset),)))
    with pytest.raises(ModelError, match="plain folder name"):
        extend(asked(name="../elsewhere"))
    with pytest.raises(ModelError, match="one of the model's domains"):
        extend(asked(like="spleen"))
    with pytest.raises(ModelError, match="3-D domain"):
        extend(asked(datasets=(DatasetSource(path=shared_data("em_membrane_isbi2012")),)))
    with pytest.raises(RecipeError, match="never overwritten"):
        extend(asked(mode="finetune-all"))
    assert tree(base) == before


def test_a_new_domain_begins_with_what_fits_of_another(base: Path, asked: Callable[..., ExtendRequest]) -> None:
    stored = read_model(base)
    donor = stored.own_tensors("Ball")
    network = stored.build("Ball")
    state = network.state_dict()
    assert set(begin_like(network, donor)) == donor.keys()
    # Two channels in place of one: each has half of the kernel, so two equal channels answer as the one did.
    wide = stored.blank(stored.domain("Ball").model_copy(update={"channel_names": ("a", "b")}))
    wide.load_state_dict(stored.shared_tensors(), strict=False)
    begin_like(wide, donor)
    image = torch.randn(1, 1, 8, 8, 8, generator=seeded())
    with torch.no_grad():
        torch.testing.assert_close(wide.eval()(image.expand(1, 2, 8, 8, 8)), network(image), rtol=1e-4, atol=1e-5)
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())


def test_finetuning_all_forgets_and_says_so(
    base: Path, asked: Callable[..., ExtendRequest], tiny_dataset: Path, tmp_path: Path
) -> None:
    request = asked(mode="finetune-all", output=tmp_path / "changed", iterations=30, overrides=("optimizer.lr=1e-2",))
    with pytest.raises(DatasetError, match="--old DATASET"):
        finetune_all(request, old=[])
    merged = DatasetSource(path=tiny_dataset, classes="sphere=1")
    with pytest.raises(DatasetError, match=r"the classes of the domain Ball: background, ball, got background, sphere"):
        finetune_all(request, old=[merged])
    assert not (tmp_path / "changed").exists()
    figures = CalibrationFigures(voxels=1, nll_before=1, nll_after=1, ece_before=0, ece_after=0)
    scaling = TemperatureScaling(temperature=2, surroundings=figures, whole=figures)
    stored = read_model(base)
    store_domain(stored, stored.domain("Ball").model_copy(update={"calibration": scaling}))
    step = {"class_name": "ball", "kind": "largest", "dice_before": 0.5, "dice_after": 0.6, "cases": 2}
    chosen = Postprocessing(steps=(ChosenStep.model_validate({**step, "better": 2, "worse": 0}),))
    stored = read_model(base)
    store_domain(stored, stored.domain("Ball").model_copy(update={"postprocessing": chosen}))
    before = tree(base)
    _, [lost] = finetune_all(request, old=[DatasetSource(path=tiny_dataset)])
    assert tree(base) == before
    changed = read_model(tmp_path / "changed")
    assert changed.identity != read_model(base).identity
    assert not torch.equal(logits(tmp_path / "changed", "Ball"), logits(base, "Ball"))
    kept = changed.domains["Ball"].provenance["forgotten"]
    assert (kept["before"], kept["after"]) == (lost.before.mean, lost.after.mean)
    assert changed.domains["Ball"].validation == {}
    # A temperature holds for the weights that it was fitted with, and so does what was chosen for their labels.
    assert changed.domains["Ball"].calibration is None
    assert changed.domains["Ball"].postprocessing is None
    assert read_model(base).domains["Ball"].postprocessing == chosen
    assert lost.before.mean == pytest.approx(read_model(base).domains["Ball"].validation["mean_dice"])
