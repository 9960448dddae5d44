"""`univox doctor`."""

from __future__ import annotations

import platform
import shutil
from importlib import metadata

from univox.cli.console import say, table
from univox.version import __version__

PACKAGES = (
    "torch",
    "numpy",
    "scipy",
    "nibabel",
    "SimpleITK",
    "tifffile",
    "pillow",
    "pydantic",
    "safetensors",
)


def doctor() -> None:
    """Say what this machine has and what ails it."""
    import os

    import torch

    from univox.data.cache import default_cache_dir
    from univox.inference.device import computes_bfloat16, pick_device

    device = pick_device("auto")
    cache = default_cache_dir()
    existing = next(folder for folder in (cache, *cache.parents) if folder.exists())
    free = shutil.disk_usage(existing).free / 2**30
    rows = [
        ["univox", __version__],
        ["Python", platform.python_version()],
        *([name, metadata.version(name)] for name in PACKAGES),
        ["device", str(device)],
        ["bfloat16 arithmetic", "yes" if computes_bfloat16(device) else "no: float32 is used"],
        ["processors / torch threads", f"{os.cpu_count()} / {torch.get_num_threads()}"],
        ["cache of prepared cases", f"{cache} ({free:.1f} GiB free)"],
    ]
    table("", ["what", "here"], rows)
    ailments = _ailments(torch.__version__, free)
    for ailment in ailments:
        say(f"! {ailment}")
    say("nothing ails this machine" if not ailments else f"{len(ailments)} to mend")


def _ailments(torch_version: str, free_gib: float) -> list[str]:
    found: list[str] = []
    if torch_version.startswith("2.9."):
        found.append("torch 2.9 runs 3-D convolution under autocast several times slower; install another version")
    if free_gib < 2:
        found.append("less than 2 GiB free where prepared cases are kept; choose another folder with --cache")
    return found
