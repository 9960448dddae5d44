"""The page that every report and study of univox is: one offline file, light or dark as the reader's system is."""

from __future__ import annotations

import html
from functools import cache
from importlib import resources

# Whatever a name or a cause holds: nothing is fetched, sent or framed, and no script but the page's own runs.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"


def house_page(title: str, body: str, *, kind: str) -> str:
    """Give a whole HTML file with the house's style and the script that sorts tables.

    Args:
        title: As text.
        body: As HTML.
        kind: Class of what holds it: "report" or "study".

    >>> page = house_page("a < b", "<h1>a &lt; b</h1>", kind="study")
    >>> page.count("<style>"), "<title>a &lt; b</title>" in page
    (1, True)
    """
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta HTTP-EQUIV="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{html.escape(title)}</title>\n<style>\n{_part('page.css')}</style>\n</head>\n"
        f'<body>\n<main class="{kind}">\n{body}\n</main>\n<script>\n{_part("page.js")}</script>\n</body>\n</html>\n'
    )


@cache
def _part(name: str) -> str:
    return resources.files("univox.judging").joinpath(name).read_text(encoding="utf-8")
