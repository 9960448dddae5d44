"""One case: from an image to its label."""

from univox.inference.inputs import Input, find_inputs
from univox.inference.loaded_model import LoadedModel, load
from univox.inference.predict_domains import predict_domains
from univox.inference.predict_files import Outcome, predict_files
from univox.inference.predictor import Prediction, Predictor
from univox.inference.sliding_window import sliding_window

__all__ = [
    "Input",
    "LoadedModel",
    "Outcome",
    "Prediction",
    "Predictor",
    "find_inputs",
    "load",
    "predict_domains",
    "predict_files",
    "sliding_window",
]
