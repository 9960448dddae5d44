"""Losses by name; each maps logits (B, K, *spatial) and a label (B, *spatial) to one number.

Importing this package does not import torch: `build_loss` does, when it is called.
"""

from univox.losses.registry import LOSSES, build_loss

__all__ = ["LOSSES", "build_loss"]
