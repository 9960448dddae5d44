"""Colors that readers with any color vision tell apart, on black, white and the cards of a page."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from univox.judging.palette import COLORS

# Linear RGB as each kind of dichromat sees it: Machado et al., IEEE TVCG 15(6), 2009, severity 1.
VISION = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def linear(color: str) -> np.ndarray:
    values = np.array([int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    t = (XYZ @ np.clip(rgb, 0, 1)) / (0.95047, 1.0, 1.08883)
    f = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(one: str, other: str) -> float:
    low, high = sorted(float(linear(color) @ XYZ[1]) for color in (one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("vision", VISION)
def test_every_pair_is_told_apart(vision: str) -> None:
    # CIE76 distances; 2.3 is what a trained eye just sees side by side.
    seen = [lab(np.asarray(VISION[vision]) @ linear(color)) for color in COLORS]
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen[:4], 2)) > 35
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 15


@pytest.mark.parametrize("ground", ["#ffffff", "#1a2027", "#000000"])
def test_every_color_is_seen_on_every_ground(ground: str) -> None:
    assert min(contrast(color, ground) for color in COLORS) > 2.1
    assert min(contrast(color, ground) for color in COLORS[:6]) > 2.6
