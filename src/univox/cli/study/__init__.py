"""`univox study`: a verb for each question, one file each."""

from __future__ import annotations

import typer

from univox.cli.study.ablation import ablation
from univox.cli.study.compare import compare
from univox.cli.study.crossval import crossval
from univox.cli.study.extension import extension
from univox.cli.study.patch_size import patch_size
from univox.cli.study.sparse import sparse
from univox.cli.study.step_size import step_size
from univox.cli.study.training_size import training_size
from univox.cli.study.universal import universal

study = typer.Typer(help="Many runs, one question.", no_args_is_help=True)
for verb in (ablation, crossval, compare, training_size, step_size, patch_size, universal, extension, sparse):
    study.command()(verb)
