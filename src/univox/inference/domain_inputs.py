"""Cases for a model of several domains, each domain with its own view of which files are one case."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence

from univox.errors import DatasetError
from univox.inference.inputs import Input, find_inputs
from univox.model.domain import Domain
from univox.types import PathLike

PARTS = ("train", "validation", "test")

DomainInputs = dict[str, list[Input]]
"""Cases by the name of the domain; whether a case's channels fit its domain, only its files say."""


def find_domain_inputs(paths: Iterable[PathLike], domains: Mapping[str, Domain]) -> DomainInputs:
    """Find the cases that paths stand for, as each domain sees them.

    The names of a domain's channels decide which loose files are one case, and in which order its channels come. A
    file that is one channel of a case for some domain is not a case of its own for another.

    Args:
        paths: As the user gave them.
        domains: Of the model, by name.

    Returns:
        Cases of each domain, in the order of `univox.inference.inputs.find_inputs`.

    Raises:
        FileError: A path does not exist, or is no image.
        DatasetError: A folder without images, or two cases of one name.
    """
    asked = list(paths)
    find = functools.cache(functools.partial(find_inputs, asked))
    found = {name: find(domain.channel_names) for name, domain in domains.items()}
    together = [entry for entries in found.values() for entry in entries if len(entry.files) > 1]
    channels = {file for entry in together for file in entry.files}
    return {
        name: [entry for entry in entries if len(entry.files) > 1 or channels.isdisjoint(entry.files)]
        for name, entries in found.items()
    }


def select_domain_inputs(found: DomainInputs, wanted: str | None, domains: Mapping[str, Domain]) -> DomainInputs:
    """Keep of each domain the cases of a part of its own split, or those of some names.

    Args:
        found: As `find_domain_inputs` gives them.
        wanted: "train", "validation" or "test", or names separated by commas; None keeps all.
        domains: Of the model, by name.

    Raises:
        DatasetError: A name that no domain has among its cases, or a part of which none is among them.
    """
    if wanted is None:
        return found
    part = wanted in PARTS
    names = {name: domain.split.get(wanted, []) if part else wanted.split(",") for name, domain in domains.items()}
    chosen = {name: [entry for entry in entries if entry.name in names[name]] for name, entries in found.items()}
    missing = _missing(chosen, [] if part else wanted.split(","))
    if missing or not any(chosen.values()):
        raise DatasetError(
            expected="cases that are among the inputs",
            got=", ".join(missing[:5]) or f"none of the {wanted} cases of any domain",
            remedy="give the dataset that holds them",
        )
    return chosen


def _missing(chosen: DomainInputs, names: Sequence[str]) -> list[str]:
    there = {entry.name for entries in chosen.values() for entry in entries}
    return [name for name in names if name not in there]
