"""A study's page: offline, in the style of the reports, its tables sorted by a click on a heading."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from univox.judging.house_page import house_page

_FIGURE = re.compile(r"^[+\-\u2212]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?(?=$|[\s%(\u00b1])")
"""A number at the front of a cell: alone, or with its unit, interval or spread behind it."""


def study_page(title: str, parts: Iterable[str], *, command: str) -> str:
    """Give a page.

    Args:
        title: As text.
        parts: Its body: tables and plots as HTML.
        command: That made it, as text.
    """
    shown = (f'<div class="card">{part}</div>' if part.startswith("<svg") else part for part in parts)
    body = (
        f"<header><h1>{html.escape(title)}</h1></header>\n{''.join(shown)}\n"
        f"<footer><p>Made by <code>{html.escape(command)}</code>.</p></footer>"
    )
    return house_page(title, body, kind="study")


def table_html(heads: Sequence[str], rows: Iterable[Sequence[str]], hints: Iterable[str] | None = None) -> str:
    r"""Give a table of text; a row's hint is shown where the pointer rests on it.

    A column whose cells all begin with a number is sorted by it, any other as words.

    >>> print(table_html(["arm", "Dice"], [["<", "0.9"]]).replace("><", ">\n<"))  # doctest: +ELLIPSIS
    <div class="card scroll" tabindex="0" role="region" aria-label="Table of arm, Dice">
    <table class="sortable">
    ...
    <th scope="row" data-sort="&lt;" data-kind="text">&lt;</th>
    <td data-sort="0.9" data-kind="number">0.9</td>
    ...
    """
    rows = [list(row) for row in rows]
    titles = [""] * len(rows) if hints is None else [f' title="{html.escape(hint)}"' for hint in hints]
    keys = [_sort_keys([row[column] for row in rows]) for column in range(len(heads))]
    head = "".join(
        f'<th scope="col" data-kind="{kind}">{html.escape(name)}</th>'
        for name, (kind, _) in zip(heads, keys, strict=True)
    )
    body = "".join(
        f"<tr{title}>{''.join(_cell(keys[i][0], keys[i][1][number], text, i) for i, text in enumerate(row))}</tr>"
        for number, (title, row) in enumerate(zip(titles, rows, strict=True))
    )
    label = html.escape(f"Table of {', '.join(heads)}")
    return (
        f'<div class="card scroll" tabindex="0" role="region" aria-label="{label}"><table class="sortable">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def table_markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Give a table of text; all columns but the first lean right.

    >>> print(table_markdown(["a", "b"], [["x", "1"]]))
    | a | b |
    | --- | ---: |
    | x | 1 |
    """
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _sort_keys(cells: Sequence[str]) -> tuple[str, list[str]]:
    """Give the kind of a column and the key of each cell; "" is a cell without a value.

    >>> _sort_keys(["1,200", "", "-3.5 to 2", "12 %"])
    ('number', ['1200', '', '-3.5', '12'])
    >>> _sort_keys(["3d-unet", "12"])
    ('text', ['3d-unet', '12'])
    """
    filled = [cell for cell in cells if cell.strip(" -\u2013")]
    found = [_FIGURE.match(cell) for cell in filled]
    if not filled or not all(found):
        return "text", list(cells)
    figures = (match[0].replace(",", "").replace("\u2212", "-") for match in found if match)
    return "number", [next(figures) if cell.strip(" -\u2013") else "" for cell in cells]


def _cell(kind: str, key: str, text: str, column: int) -> str:
    start, end = ('<th scope="row"', "</th>") if column == 0 else ("<td", "</td>")
    return f'{start} data-sort="{html.escape(key)}" data-kind="{kind}">{html.escape(text)}{end}'
