"""Peak memory and seconds of `univox predict` with 100 classes, beside the same with 10.

    python benchmarks/many_classes.py [--full] [--shape 128 128 128] [--classes 10 100]

A network of one level and 8 channels, so that the probabilities and not the network decide; it is trained for one
iteration on random labels, untimed. The image is noise of 1 mm in int16, uncompressed; --full makes it 512x512x1000,
whose probabilities of 100 classes would be 105 GB. Each prediction is a process of its own. The ceiling of memory is
the image in float32 and the label; where memory does not grow with the classes, the ratio is 1.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray
from peak_memory import measured
from row import Row, parser, report

UNIVOX = (sys.executable, "-m", "univox.cli.main")
FULL, USUAL, QUICK = (512, 512, 1000), (128, 128, 128), (20, 18, 16)
RECIPE = {
    "base": "univox",
    "name": "one-level",
    "title": "one level of eight channels",
    "patches": {"patch_size": 16, "batch_size": 1},
    "network": {
        "name": "residual-unet",
        "arguments": {"strides": [[1, 1, 1]], "widths": [8], "detail_channels": 8, "attention": "none"},
    },
}


def write(path: Path, array: NDArray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(array, np.eye(4)), path)


def model_of(classes: int, folder: Path) -> Path:
    """A model of so many classes, the background among them."""
    random, shape, names = np.random.default_rng(0), (20, 20, 20), ("a", "b")
    for name in names:
        write(folder / "data" / "imagesTr" / f"{name}.nii", random.normal(0, 100, shape).astype(np.int16))
        write(folder / "data" / "labelsTr" / f"{name}.nii", random.integers(0, classes, shape).astype(np.uint8))
    listed = [{"image": f"./imagesTr/{name}.nii", "label": f"./labelsTr/{name}.nii"} for name in names]
    labels = {str(index): f"class{index}" for index in range(1, classes)} | {"0": "background"}
    facts = {"name": "Noise", "modality": {"0": "MRI"}, "labels": labels, "numTraining": 2, "test": []}
    (folder / "data" / "dataset.json").write_text(json.dumps({**facts, "training": listed}))
    (folder / "recipe.yaml").write_text(json.dumps(RECIPE))
    command = [*UNIVOX, "train", str(folder / "data"), "-o", str(folder / "model"), "--iterations", "1"]
    command += ["--validation", "0", "--recipe", str(folder / "recipe.yaml"), "--cache", str(folder / "cache")]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "model"


def predicted(model: Path, image: Path, output: Path, *, threads: int) -> tuple[float, float]:
    """Seconds and MiB."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    command = [*UNIVOX, "predict", str(model), str(image), "-o", str(output)]
    seconds, peak, status = measured(command, env=environment, stdout=subprocess.DEVNULL)
    if status:
        raise SystemExit(f"the prediction with {model} ended with {status}")
    return seconds, peak


def rows(shape: tuple[int, ...], few: int, many: int, folder: Path, *, threads: int, quick: bool) -> Iterator[Row]:
    image = folder / "image.nii"
    write(image, np.random.default_rng(1).integers(-300, 300, shape, dtype=np.int16))
    found = [
        predicted(model_of(count, folder / str(count)), image, folder / str(count) / "out", threads=threads)
        for count in (few, many)
    ]
    (few_seconds, few_mib), (seconds, mib) = found
    common = {"peer_name": f"{few} classes", "shape": f"{'x'.join(map(str, shape))}, {many} classes"}
    common |= {"threads": threads, "precision": "auto", "quick": quick}
    yield Row(
        name="predicting many classes, peak memory",
        unit="MiB",
        ours=mib,
        peer=few_mib,
        ceiling=5 * math.prod(shape) / 2**20,
        to_reach={"what": "ratio", "at_most": 1.1},
        note="at 512x512x1000 it is to stay under 4 GB",
        **common,
    )
    yield Row(name="predicting many classes", unit="s", ours=seconds, peer=few_seconds, **common)


def main(argv: list[str] | None = None) -> None:
    made = parser(__doc__, runs=1)
    made.add_argument("--full", action="store_true", help="512x512x1000")
    made.add_argument("--shape", type=int, nargs=3, default=None)
    made.add_argument("--classes", type=int, nargs=2, default=(10, 100))
    asked = made.parse_args(argv)
    shape = tuple(asked.shape or (QUICK if asked.quick else FULL if asked.full else USUAL))
    with tempfile.TemporaryDirectory() as folder:
        found = rows(shape, *asked.classes, Path(folder), threads=asked.threads, quick=asked.quick)
        report(found, as_json=asked.json)


if __name__ == "__main__":
    main()
