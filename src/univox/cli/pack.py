"""`univox pack`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from univox.cli.console import say, table

if TYPE_CHECKING:
    from univox.model.domain import Domain
    from univox.model.pack import Pack

pack = typer.Typer(help="One domain of a model as one small file, for others with the same base.", no_args_is_help=True)

Model = Annotated[Path, typer.Argument(help="A model folder.", show_default=False)]
PackFile = Annotated[Path, typer.Argument(help="A pack, FILE.univox.", show_default=False)]
DomainName = Annotated[str, typer.Argument(help="A domain of the model.", show_default=False)]

COLUMNS = ["domain", "own parameters", "kB", "classes", "channels", "base (sha256)"]


@pack.command("export")
def export_command(
    model: Model,
    domain: DomainName,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write, FILE.univox.")],
    without_case_names: Annotated[
        bool,
        typer.Option(
            "--without-case-names",
            help="Leave out which cases it was trained and judged on. A pack holds their names, which may be private.",
        ),
    ] = False,
) -> None:
    """Write one domain of a model as one file: its weights, plan, classes, validation figures and provenance."""
    from univox.model.pack import export_pack

    written = export_pack(model, domain, output, case_names=not without_case_names)
    say(f"{output.resolve()}, {_kilobytes(written.num_bytes)} kB, sha256 {written.sha256}")
    say(f"for models with shared weights of sha256 {written.record.base}")
    names = sum(map(len, written.domain.split.values()))
    if names:
        say(f"it holds the names of {names} cases; --without-case-names leaves them out")


@pack.command("add")
def add_command(
    model: Model,
    file: PackFile,
    name: Annotated[str | None, typer.Option(help="Call the domain otherwise.")] = None,
) -> None:
    """Add a pack to the model that it was made with; what the model has stays byte for byte."""
    from univox.model.pack import add_pack

    stored = add_pack(model, file, name=name)
    say(f"{model}: {', '.join(stored.domains)}")


@pack.command("list")
def list_command(
    path: Annotated[Path, typer.Argument(help="A model folder or a pack.", show_default=False)],
) -> None:
    """Show each domain with what it alone adds, and the base that it belongs to."""
    from univox.model.folder import read_model
    from univox.model.pack import read_pack

    if not path.is_dir():
        found = read_pack(path)
        table(
            "", COLUMNS, [_row(found.domain, found.record.parameters, found.num_bytes, found.record.base)], right={1, 2}
        )
        return
    stored = read_model(path)
    rows = [
        _row(domain, stored.manifest.domains[name].parameters, stored.num_bytes(name), stored.identity)
        for name, domain in stored.domains.items()
    ]
    table("", COLUMNS, rows, right={1, 2})


@pack.command("remove")
def remove_command(model: Model, domain: DomainName) -> None:
    """Remove a domain from a model; what the others use stays byte for byte."""
    from univox.model.folder import read_model
    from univox.model.membership import remove_domain

    stored = remove_domain(read_model(model), domain)
    say(f"{model}: {', '.join(stored.domains)}")


@pack.command("verify")
def verify_command(
    file: PackFile,
    model: Annotated[Path | None, typer.Option(help="Prove too that this model can take it.")] = None,
) -> None:
    """Prove that a pack is whole and unaltered, and that nothing in it is what no pack may hold."""
    from univox.model.pack import verify_pack

    found = verify_pack(file, model)
    say(f"{file}: sound; {_in_words(found)}")
    say(f"sha256 {found.sha256}: compare it with what its author says")
    if model is None:
        say(f"for models with shared weights of sha256 {found.record.base}; --model MODEL compares one")
    else:
        say(f"fits {model}")


def _in_words(found: Pack) -> str:
    return (
        f"domain {found.domain.name!r}, {found.record.parameters:,} parameters of its own, network"
        f" {found.record.network.name}, written by univox {found.record.univox_version}"
    )


def _row(domain: Domain, parameters: int, num_bytes: int, base: str) -> list[str]:
    classes, channels = ", ".join(domain.label_classes.names), ", ".join(domain.channel_names)
    return [domain.name, f"{parameters:,}", _kilobytes(num_bytes), classes, channels, base[:12]]


def _kilobytes(num_bytes: int) -> str:
    return f"{num_bytes / 1000:,.1f}"
