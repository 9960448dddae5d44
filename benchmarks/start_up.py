"""Seconds until `univox --help` has ended, and until `univox predict` has predicted one small case.

    python benchmarks/start_up.py [--model MODEL --image IMAGE]

Each run is a process of its own. "Cold" means that nothing is in memory but what the file system keeps: the first run
of all is not counted. Without --model one is trained for two iterations on the demonstration's data, untimed; the
case is a hippocampus of that data. Peers: the help of nnU-Net's training, and `import monai`, which a script on MONAI
pays before its first case. Whether the path imports MONAI stands in the note. The ceiling is an empty Python program
for the help, and `import torch` for the prediction.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path

from row import NO_PEER, Row, best_seconds, installed, parser, report

UNIVOX = (sys.executable, "-m", "univox.cli.main")
WHETHER_MONAI = "import sys; from univox.cli.main import main\ntry: main()\nfinally: print('monai' in sys.modules)"


def seconds(command: Sequence[str], *, threads: int, runs: int, again: Sequence[str] = ()) -> float:
    """Best of some runs after one uncounted, or of a single one; `again` is added to all but the first."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}

    def run(*more: str) -> None:
        subprocess.run([*command, *more], check=True, capture_output=True, env=environment)

    if runs == 1:
        return best_seconds(run, 1)
    run()
    return best_seconds(lambda: run(*again), runs)


def imports_monai(*arguments: str) -> str:
    command = [sys.executable, "-c", WHETHER_MONAI, *arguments]
    last = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]
    return "MONAI is imported" if last == "True" else "MONAI is not imported"


def small_model(folder: Path) -> tuple[Path, Path]:
    """A model of two iterations, and an image."""
    data = Path(str(resources.files("univox"))) / "demo_data"
    [dataset] = [description.parent for description in data.rglob("dataset.json")]
    command = [*UNIVOX, "train", str(dataset), "-o", str(folder / "model"), "--iterations", "2", "--validation", "0"]
    subprocess.run([*command, "--cache", str(folder / "cache")], check=True, capture_output=True)
    return folder / "model", min(dataset.glob("images*/*.nii.gz"))


def help_row(*, threads: int, runs: int, quick: bool) -> Row:
    script = shutil.which("nnUNetv2_train", path=sysconfig.get_path("scripts"))
    return Row(
        name="univox --help",
        unit="s",
        ours=seconds([*UNIVOX, "--help"], threads=threads, runs=runs),
        peer=None if script is None else seconds([script, "--help"], threads=threads, runs=runs),
        peer_name="nnU-Net's help",
        ceiling=seconds([sys.executable, "-c", ""], threads=threads, runs=runs),
        to_reach={"what": "ours", "at_most": 0.3},
        shape="a process",
        threads=threads,
        precision="-",
        quick=quick,
        note="" if script else NO_PEER,
    )


def predict_row(model: Path, image: Path, output: Path, *, threads: int, runs: int, quick: bool) -> Row:
    command = ["predict", str(model), str(image), "-o", str(output)]
    ours = seconds([*UNIVOX, *command], threads=threads, runs=runs, again=["--overwrite"])
    peer, ceiling = (
        seconds([sys.executable, "-c", f"import {name}"], threads=threads, runs=runs) if installed(name) else None
        for name in ("monai", "torch")
    )
    return Row(
        name="univox predict, one small case",
        unit="s",
        ours=ours,
        peer=peer,
        peer_name="import monai",
        ceiling=ceiling,
        to_reach={"what": "ours", "at_most": 4.0},
        shape=image.name,
        threads=threads,
        precision="auto",
        quick=quick,
        note=imports_monai(*command, "--overwrite"),
    )


def rows(asked: object, folder: Path, *, threads: int, runs: int, quick: bool) -> Iterator[Row]:
    yield help_row(threads=threads, runs=runs, quick=quick)
    given = (getattr(asked, "model", None), getattr(asked, "image", None))
    model, image = (Path(given[0]), Path(given[1])) if all(given) else small_model(folder)
    yield predict_row(model, image, folder / "out", threads=threads, runs=runs, quick=quick)


def main(argv: list[str] | None = None) -> None:
    made = parser(__doc__)
    made.add_argument("--model")
    made.add_argument("--image")
    asked = made.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        runs = 1 if asked.quick else asked.runs
        found = rows(asked, Path(folder), threads=asked.threads, runs=runs, quick=asked.quick)
        report(found, as_json=asked.json)


if __name__ == "__main__":
    main()
