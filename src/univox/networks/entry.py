"""What is known of a network: its name, its source, and how its parameters compare with the publication."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Verdict = Literal["exact", "stand-in", "differs", "unpublished"]


@dataclass(frozen=True)
class CountedForm:
    """One form of a network whose parameters are counted, and compared where a publication prints a number.

    Args:
        in_channels, num_classes, spatial_dims: Of the form.
        variant: What tells it from the other forms of the network; empty for the only or main one.
        arguments: Of the class, beyond the entry's own.
        published: The number that the publication prints; None where it prints none.
        rounded_to: The unit to which it is printed: 10,000 for "1.47M".
        counter: "package.module.function" that counts a built network in the publication's way; empty: every number
            that training changes.
        rule: That way, in words; empty for the plain count.
        stand_in: Whether the layers were chosen to meet the number, which proves nothing about them.
        reason: Why the count differs, is no reproduction, or has nothing to be compared with.
    """

    in_channels: int = 1
    num_classes: int = 2
    spatial_dims: int = 3
    variant: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    published: int | None = None
    rounded_to: int = 1
    counter: str = ""
    rule: str = ""
    stand_in: bool = False
    reason: str = ""

    def verdict(self, parameters: int) -> Verdict:
        """Judge a count.

        >>> CountedForm(published=1_470_000, rounded_to=10_000).verdict(1_471_921)
        'exact'
        """
        if self.published is None:
            return "unpublished"
        if round(parameters / self.rounded_to) * self.rounded_to != self.published:
            return "differs"
        return "stand-in" if self.stand_in else "exact"


@dataclass(frozen=True)
class NetworkEntry:
    """A network that a recipe can name.

    Args:
        name: As in the recipe.
        title: As in print.
        year: Of publication.
        path: "package.module.Class", imported when built.
        source: The publication.
        arguments: What the class is given unless the caller says otherwise.
        forms: What is counted; the first is the main one.
        library: The package that the layers come from; empty for our own.
    """

    name: str
    title: str
    year: int
    path: str
    source: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    forms: tuple[CountedForm, ...] = (CountedForm(),)
    library: str = ""
