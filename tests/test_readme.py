from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from typer.main import get_command

import univox
from univox.cli.main import app

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"univox ([a-z]+)([^`#\n]*)", README)


@pytest.mark.parametrize(("verb", "rest"), COMMANDS)
def test_every_command_exists_with_its_flags(verb: str, rest: str) -> None:
    if verb not in VERBS:
        assert verb in PROSE, f"README names the verb {verb}"
        return
    command = VERBS[verb]
    if hasattr(command, "commands"):
        command = command.commands[rest.split()[0]]
    known = {flag for parameter in command.params for flag in parameter.opts}
    assert set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", rest)) <= known


def test_the_python_snippet_parses_and_names_what_there_is() -> None:
    [snippet] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    tree = ast.parse(snippet)
    named = {
        node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "univox"
    }
    assert named <= set(univox.__all__)


def test_every_file_that_the_readme_points_to_is_there() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


VERBS = get_command(app).commands  # type: ignore[attr-defined]
PROSE = {"trains", "residual", "is"}
"""Words that follow the program's name in a sentence."""
