"""The model card: a README written from what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from univox.model.domain import Domain
from univox.model.lineage import OF_RUN, lineage
from univox.model.stored import StoredModel

PLAIN_FACTS = ("finished", "command", "began_like", "frozen", "seed", "iterations", "seconds", "budget_seconds")

LIMITS = """\
- This is not a medical device. It was not examined for clinical use; nobody may base a diagnosis or a
  treatment on it.
- The figures hold for images like those it was trained on. Another scanner, protocol, age group or disease
  can make it fail without a sign: judge it on some cases of your own first (`univox evaluate`).
- It finds only the classes listed above, and calls everything else background."""


def model_card(stored: StoredModel) -> str:
    """Write the README.md of a model folder.

    Args:
        stored: The model. Of its provenance the card shows `versions` (a version per package) and PLAIN_FACTS; of
            a domain's validation `mean_dice`, `dice` (a value per class) and `iteration`.

    Returns:
        Markdown.
    """
    recipe, spec = stored.recipe, stored.spec
    several = len(stored.domains) > 1
    sections = [
        f"# Segmentation model: {', '.join(stored.domains)}",
        f"Made by univox {stored.manifest.univox_version} with the recipe"
        f" `{recipe.get('name', 'not recorded')}` and the network `{spec.name}` ({spec.spatial_dims}-D).",
    ]
    for domain in stored.domains.values():
        sections += _domain_sections(stored, domain)
    sections += ["## Use", _use(next(iter(stored.domains)) if several else None)]
    sections += ["## Limits", LIMITS]
    if several:
        sections += ["## Lineage", _lineage(stored)]
    sections += ["## Provenance", _provenance(stored, several=several)]
    return "\n\n".join(sections) + "\n"


def _domain_sections(stored: StoredModel, domain: Domain) -> list[str]:
    heading = f"## Domain {domain.name}" if len(stored.domains) > 1 else "## What it segments"
    own = stored.manifest.domains[domain.name].parameters
    parameters = f"{stored.num_parameters(domain.name):,} parameters"
    if own:
        parameters += f", {own:,} of them this domain's own"
    return [
        heading,
        f"Images: {domain.spatial_dims}-D; channels: {', '.join(domain.channel_names)}. Network: {parameters}.",
        _class_table(domain),
        f"### Data\n\n{_data(domain)}",
        f"### Measured\n\n{_measured(domain)}\n\n{_calibrated(domain)}\n\n{_postprocessed(domain)}",
    ]


def _class_table(domain: Domain) -> str:
    rows = ((entry.name, ", ".join(map(str, entry.codes)), entry.codes[0]) for entry in domain.label_classes.classes)
    return _table(("class", "codes in the dataset", "code in predictions"), rows)


def _data(domain: Domain) -> str:
    plan = domain.plan
    lines = [f"Dataset: {plan.get('dataset', domain.name)}."]
    if plan.get("num_cases"):
        lines.append(f"Planned on {plan['num_cases']} training cases.")
    if plan.get("median_shape"):
        lines.append(f"Median shape {_by(plan['median_shape'])} voxels.")
    if plan.get("spacing_mm"):
        lines.append(f"Spacing {_by(plan['spacing_mm'])} mm.")
    if plan.get("patch_size"):
        lines.append(f"Patch {_by(plan['patch_size'])} voxels.")
    names = [_part(part, members) for part, members in domain.split.items() if members]
    return "\n".join([" ".join(lines), *([""] if names else []), *names])


def _part(part: str, members: Sequence[Any]) -> str:
    noun = "case" if len(members) == 1 else "cases"
    return f"- {part}, {len(members)} {noun}: {', '.join(map(str, members))}"


def _measured(domain: Domain) -> str:
    figures = domain.validation
    dice = figures.get("dice")
    if not isinstance(dice, Mapping) or not dice:
        return "Nothing was measured: no case was held out."
    rows = [(name, _number(value)) for name, value in dice.items()]
    rows.append(("**mean**", f"**{_number(figures.get('mean_dice'))}**"))
    when = f" after {figures['iteration']} iterations" if figures.get("iteration") is not None else ""
    return (
        f"Dice on the validation cases{when}. They chose the weights that were kept: expect somewhat less"
        f" on new cases.\n\n{_table(('class', 'Dice'), rows)}"
    )


def _calibrated(domain: Domain) -> str:
    fitted = domain.calibration
    if fitted is None:
        return "Probabilities are the network's own: no temperature was fitted (`univox calibrate`)."
    figures = fitted.surroundings
    return (
        f"Probabilities have the temperature {fitted.temperature:.3f}, fitted on"
        f" {len(fitted.cases) or 'an untold number of'} cases. Around the foreground that took the expected calibration"
        f" error from {figures.ece_before:.4f} to {figures.ece_after:.4f} there; labels do not hang on it."
    )


def _postprocessed(domain: Domain) -> str:
    chosen = domain.postprocessing
    if chosen is None:
        return "Labels are the network's own: no post-processing was chosen (`univox postprocess`)."
    steps = "\n".join(f"- {step}" for step in chosen.steps)
    return f"Labels are post-processed, as validation cases chose (`univox postprocess`):\n\n{steps}"


def _use(domain: str | None) -> str:
    option = f' --domain "{domain}"' if domain else ""
    chosen = f'.domain("{domain}")' if domain else ""
    return f"""\
```
univox predict THIS_FOLDER IMAGE ... -o PREDICTIONS{option}
univox evaluate PREDICTIONS DATASET
```

```python
import univox
from univox.image import read_image

prediction = univox.load("THIS_FOLDER"){chosen}.predict(read_image("IMAGE"))
prediction.codes  # label in the dataset's codes, on the image's canonical grid
```"""


def _lineage(stored: StoredModel) -> str:
    heads = (
        "",
        "domain",
        "by",
        "when",
        "dataset",
        "training cases",
        "began like",
        "iterations of the run",
        "own parameters",
    )
    rows = [
        (
            str(number),
            origin.domain,
            origin.by,
            *("-" if value is None else str(value) for value in (origin.finished, origin.dataset)),
            str(origin.cases.get("train", "-")),
            *("-" if value is None else str(value) for value in (origin.like, origin.iterations)),
            f"{stored.manifest.domains[origin.domain].parameters:,}",
        )
        for number, origin in enumerate(lineage(stored), start=1)
    ]
    shared = stored.manifest.shared
    return (
        f"In the order in which the model came to know them; all use the same {shared.parameters:,} shared parameters"
        f" (`shared.safetensors`, sha256 `{shared.sha256}`).\n\n{_table(heads, rows)}"
    )


def _provenance(stored: StoredModel, *, several: bool) -> str:
    provenance = stored.provenance
    if not several:
        [origin] = lineage(stored)
        # One domain has no table of lineage: its facts stand here.
        provenance = {**{name: getattr(origin, name) for name in OF_RUN}, "began_like": origin.like, **provenance}
    lines = [f"- {key.replace('_', ' ')}: {provenance[key]}" for key in PLAIN_FACTS if provenance.get(key) is not None]
    init = provenance.get("init")
    if isinstance(init, Mapping):
        taken = len(init.get("taken", ()))
        lines.append(f"- began with {taken} tensors of {init.get('source')} ({init.get('part')})")
    versions = provenance.get("versions")
    if isinstance(versions, Mapping) and versions:
        lines.append("- versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()))
    lines.append("- `model.json` holds the whole recipe, and the sha256 of every weights file.")
    return "\n".join(lines)


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def _by(values: Sequence[float]) -> str:
    return " x ".join(f"{value:g}" for value in values)


def _number(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else "undefined"
