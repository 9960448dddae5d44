"""Figures as SVG that a page can hold: its ink is the page's text color, its ids are its own."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Generator
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

INK = "#010203"
"""Drawn by matplotlib where the page's own text color is meant; no palette holds it."""

STYLE: dict[Any, Any] = {
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10.0,
    "figure.facecolor": "none",
    "font.family": ["DejaVu Sans"],
    "font.size": 9.0,
    "grid.alpha": 0.16,
    "grid.color": INK,
    "legend.frameon": False,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "text.color": INK,
    "text.usetex": False,
    "xtick.color": INK,
    "ytick.color": INK,
}


@contextlib.contextmanager
def page_style(salt: str) -> Generator[None, None, None]:
    """Draw and save figures in the page's style.

    Args:
        salt: Makes the ids of this figure differ from those of the others on the page.
    """
    with rc_context({**STYLE, "svg.hashsalt": salt}):
        yield


def as_svg(figure: Figure, description: str) -> str:
    """Give a figure as one `<svg>` element without prologue or metadata; call inside `page_style`.

    Args:
        figure: Drawn in `INK` where the page's text color is meant.
        description: For those who cannot see it; escaped here.
    """
    stream = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(stream, format="svg", metadata=nothing)
    text = stream.getvalue()
    text = text[text.index("<svg") :].strip().replace(INK, "currentColor")
    text = re.sub(r"'DejaVu Sans'[^;\"]*", "sans-serif", text)
    referenced = set(re.findall(r'(?:href="|url\()#([^")]+)', text))
    text = re.sub(r' id="([^"]+)"', lambda found: found[0] if found[1] in referenced else "", text)
    escaped = description.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    text = text.replace("<svg", f'<svg role="img" aria-label="{escaped}"', 1)
    return text.replace(">", f"><title>{escaped}</title>", 1)


def standalone(svg: str) -> str:
    """Give an `<svg>` element as a file of its own, whose ink follows the reader's light or dark.

    >>> standalone('<svg role="img"></svg>')[:24]
    '<svg role="img"><style>s'
    """
    style = "<style>svg{color:#333}@media(prefers-color-scheme:dark){svg{color:#ccc}}</style>"
    return svg.replace(">", f">{style}", 1) + "\n"
