"""What a run tells whoever watches; the command line draws it, a script may ignore it."""

from __future__ import annotations

from typing import Any


class Observer:
    """Hears of a run's stages and events; every method does nothing unless overridden."""

    def stage(self, text: str) -> None:
        """A stage begins, or a fact worth a line."""

    def advance(self, done: int, total: int) -> None:
        """`done` of `total` cases of the stage are finished."""

    def planned(self, iterations: int, done: int) -> None:
        """The length of the run is known, or has changed; `done` iterations are behind it."""

    def event(self, event: dict[str, Any]) -> None:
        """An iteration or a validation ended; the same object that goes to the log."""
