"""univox: U-Net-family segmentation of biomedical images, in 2-D and 3-D.

>>> import univox
>>> "train" in univox.__all__
True
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from univox.version import __version__

if TYPE_CHECKING:
    from univox.data.check import check_dataset
    from univox.data.layouts import open_dataset
    from univox.data.source import DatasetSource
    from univox.errors import UnivoxError
    from univox.image import read_image, read_label, write_image, write_label
    from univox.inference.calibrate import calibrate
    from univox.inference.loaded_model import load
    from univox.inference.postprocess import postprocess
    from univox.judging.evaluate import evaluate
    from univox.model.pack import add_pack, export_pack, read_pack, verify_pack
    from univox.training.extend import extend
    from univox.training.extend_request import ExtendRequest
    from univox.training.fill import fill
    from univox.training.request import TrainRequest
    from univox.training.run import train

__all__ = [
    "DatasetSource",
    "ExtendRequest",
    "TrainRequest",
    "UnivoxError",
    "__version__",
    "add_pack",
    "calibrate",
    "check_dataset",
    "evaluate",
    "export_pack",
    "extend",
    "fill",
    "load",
    "open_dataset",
    "postprocess",
    "read_image",
    "read_label",
    "read_pack",
    "train",
    "verify_pack",
    "write_image",
    "write_label",
]

# Imported when first asked for: `import univox` pays neither for torch nor for any reader.
_HOMES = {
    "DatasetSource": "univox.data.source",
    "ExtendRequest": "univox.training.extend_request",
    "TrainRequest": "univox.training.request",
    "UnivoxError": "univox.errors",
    "add_pack": "univox.model.pack",
    "calibrate": "univox.inference.calibrate",
    "check_dataset": "univox.data.check",
    "evaluate": "univox.judging.evaluate",
    "export_pack": "univox.model.pack",
    "extend": "univox.training.extend",
    "fill": "univox.training.fill",
    "load": "univox.inference.loaded_model",
    "open_dataset": "univox.data.layouts",
    "postprocess": "univox.inference.postprocess",
    "read_image": "univox.image",
    "read_label": "univox.image",
    "read_pack": "univox.model.pack",
    "train": "univox.training.run",
    "verify_pack": "univox.model.pack",
    "write_image": "univox.image",
    "write_label": "univox.image",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'univox' has no attribute '{name}'")
