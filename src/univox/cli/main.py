"""The `univox` command: parses and shows; every verb is a function of the library."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from univox.cli.calibrate import calibrate
from univox.cli.cascade import cascade
from univox.cli.check import check
from univox.cli.console import EXIT_ERROR, EXIT_INTERRUPTED, complain
from univox.cli.demo import demo
from univox.cli.divide import divide
from univox.cli.doctor import doctor
from univox.cli.evaluate import evaluate
from univox.cli.extend import extend
from univox.cli.fill import fill
from univox.cli.info import info
from univox.cli.metrics import metrics
from univox.cli.networks import networks
from univox.cli.pack import pack
from univox.cli.plan import plan
from univox.cli.postprocess import postprocess
from univox.cli.predict import predict
from univox.cli.recipes import recipes
from univox.cli.slices import slices
from univox.cli.sparsify import sparsify
from univox.cli.study import study
from univox.cli.threads import let_go_of_idle_cores
from univox.cli.train import train
from univox.cli.view import view
from univox.errors import UnivoxError
from univox.version import __version__

app = typer.Typer(
    name="univox",
    help="Train, run and judge U-Net-family segmentation of biomedical images, in 2-D and 3-D.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(  # pyright: ignore[reportUnusedFunction]
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


for _verb in (
    demo,
    check,
    divide,
    sparsify,
    slices,
    plan,
    train,
    extend,
    cascade,
    predict,
    fill,
    calibrate,
    postprocess,
    evaluate,
    view,
    info,
    metrics,
    networks,
    recipes,
    doctor,
):
    app.command()(_verb)
app.add_typer(pack, name="pack")
app.add_typer(study, name="study")


def main() -> None:
    """Run the command; a user's mistake is one sentence and exit status 1, never a traceback."""
    let_go_of_idle_cores()
    try:
        app()
    except UnivoxError as error:
        complain(str(error))
        sys.exit(EXIT_ERROR)
    except KeyboardInterrupt:
        complain("stopped; what was finished is kept (a training goes on with --resume)")
        sys.exit(EXIT_INTERRUPTED)


if __name__ == "__main__":
    main()
