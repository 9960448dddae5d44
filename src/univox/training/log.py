"""The run's log: one JSON object a line, and TensorBoard on request."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any, Protocol

from univox.atomic import write_text
from univox.errors import DeviceError


class Sink(Protocol):
    """Whatever takes the run's events."""

    def write(self, event: dict[str, Any]) -> None:
        """Take one event."""
        ...

    def close(self) -> None:
        """Flush and let go."""
        ...


class JSONLines:
    """Events appended to a file, each flushed as it comes, so that a killed run leaves what it did.

    Args:
        path: The log; made where it is missing.
        resume_at: Iterations that the checkpoint holds; later lines are dropped, for they will be done anew.
    """

    def __init__(self, path: Path, *, resume_at: int) -> None:
        kept = [event for event in read_log(path) if event.get("iteration", 0) <= resume_at]
        write_text(path, "".join(json.dumps(event) + "\n" for event in kept))
        self._stream = path.open("a", encoding="utf-8")

    def write(self, event: dict[str, Any]) -> None:
        """Append one event."""
        self._stream.write(json.dumps(event) + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


class TensorBoard:
    """The same events as TensorBoard scalars; needs the extra `univox[tensorboard]`.

    Raises:
        DeviceError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise DeviceError(
                expected="tensorboard to be installed",
                got="no such package",
                remedy="pip install 'univox[tensorboard]' or leave --tensorboard out",
            ) from error
        self._writer = SummaryWriter(str(folder))

    def write(self, event: dict[str, Any]) -> None:
        """Write the numbers of one event."""
        kind = f"{event['event']}/{event['domain']}" if "domain" in event else event["event"]
        for key, value in event.items():
            if key not in ("event", "iteration") and isinstance(value, int | float):
                self._writer.add_scalar(f"{kind}/{key}", value, event["iteration"])
        for name, value in (event.get("dice") or {}).items():
            if value is not None:
                self._writer.add_scalar(f"{kind}/dice/{name}", value, event["iteration"])

    def close(self) -> None:
        """Flush and close."""
        self._writer.close()


def median_seconds(path: Path) -> float:
    """Give the median time of an iteration, in seconds, by a run's log.

    Raises:
        StatisticsError: The log holds no iteration.
    """
    return statistics.median(event["seconds"] for event in read_log(path) if event["event"] == "iteration")


def read_log(path: Path) -> list[dict[str, Any]]:
    """Read a log's events; a last line cut short by a kill is left out, a missing file is empty."""
    if not path.exists():
        return []
    events: list[dict[str, Any]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            events.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return events
