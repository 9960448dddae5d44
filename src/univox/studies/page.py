"""A study's page: offline, light or dark as the reader's system is."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;"
    "background:#fff}.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}"
    "td,th{padding:.3rem .6rem;text-align:right;"
    "border-bottom:1px solid #8884}td:first-child,th:first-child{text-align:left}svg{width:100%;height:auto}"
    "code{font-size:.85em}@media(prefers-color-scheme:dark){body{color:#ddd;background:#181a1b}}"
)


def study_page(title: str, parts: Iterable[str], *, command: str) -> str:
    """Give a page.

    Args:
        title: As text.
        parts: Its body: tables and plots as HTML.
        command: That made it, as text.
    """
    heading = html.escape(title)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{heading}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style><h1>{heading}</h1>'
        f"{''.join(parts)}<p>Made by <code>{html.escape(command)}</code>.</p></html>\n"
    )


def table_html(heads: Sequence[str], rows: Iterable[Sequence[str]], hints: Iterable[str] | None = None) -> str:
    """Give a table of text; a row's hint is shown where the pointer rests on it.

    >>> table_html(["a"], [["<"]])
    '<div class="wide"><table><thead><tr><th>a</th></tr></thead><tbody><tr><td>&lt;</td></tr></tbody></table></div>'
    """
    rows = list(rows)
    titles = [""] * len(rows) if hints is None else [f' title="{html.escape(hint)}"' for hint in hints]
    head = "".join(f"<th>{html.escape(name)}</th>" for name in heads)
    body = "".join(
        f"<tr{title}>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>"
        for title, row in zip(titles, rows, strict=True)
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def table_markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Give a table of text; all columns but the first lean right.

    >>> print(table_markdown(["a", "b"], [["x", "1"]]))
    | a | b |
    | --- | ---: |
    | x | 1 |
    """
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
