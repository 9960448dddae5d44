"""Shape and path aliases; imports nothing of univox."""

from __future__ import annotations

import os
from typing import TypeAlias

PathLike: TypeAlias = str | os.PathLike[str]
SpatialShape: TypeAlias = tuple[int, ...]
"""Sizes in array order: (D, H, W) or (H, W)."""
SpacingMM: TypeAlias = tuple[float, ...]
"""Voxel edges in mm, array order."""
