"""One training iteration of a separable network beside the standard one of equal width.

    python benchmarks/universal_iteration.py [--patch 48] [--batch 2]

Two pairs: the 3D U2-Net of 16 channels and three halvings, adapted (a universal model's) beside standard, and univox's
own network with separable and with standard blocks. Channels-last, the precision that training chooses here, forward,
Dice with cross-entropy, backward, AdamW. Both of a pair run by turns. The ceiling is three times the
forward's multiply-adds at the rate of a matrix product: channel-wise convolutions, bound by memory, stay far below it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from ceilings import gemm_flops
from row import Row, parser, report, seconds_of
from torch import nn

from univox.data.batches import Batch
from univox.data.window import Window
from univox.inference.device import computes_bfloat16
from univox.losses.registry import build_loss
from univox.networks.cost import multiply_adds
from univox.networks.memory_order import channels_last
from univox.networks.residual_unet import ResidualUNet
from univox.networks.universal_unet import UniversalUNet
from univox.training.step import Step

CLASSES = 3
Networks = tuple[Callable[[], nn.Module], Callable[[], nn.Module]]


def pairs(*, quick: bool) -> dict[str, Networks]:
    """Separable and standard form of each network."""
    width, widths = (2, (4, 4)) if quick else (16, (32, 64, 128))
    pools, strides = (1 if quick else 3), [(2, 2, 2)] * len(widths)

    def u2net(units: str) -> nn.Module:
        return UniversalUNet(1, CLASSES, pools=pools, width=width, units=units)

    def own(convolution: str) -> nn.Module:
        return ResidualUNet(1, CLASSES, widths=widths, strides=strides, convolution=convolution)

    return {
        "3D U2-Net": (lambda: u2net("adapted"), lambda: u2net("standard")),
        "univox": (lambda: own("separable"), lambda: own("standard")),
    }


def iteration(network: nn.Module, batch: Batch) -> Callable[[], float]:
    channels_last(network.train())
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    loss = build_loss("dice-cross-entropy")
    step = Step(network, loss, optimizer, torch.device("cpu"), "auto", gradient_clip=5.0, seed=0)
    return lambda: step(batch, 0, learning_rate=1e-3)


def rows(patch: int, batch_size: int, *, threads: int, runs: int, quick: bool) -> Iterator[Row]:
    torch.manual_seed(0)
    shape = (patch,) * 3
    image, label = torch.randn(batch_size, 1, *shape), torch.randint(CLASSES, (batch_size, *shape))
    batch = Batch(image, label, ("case",) * batch_size, (Window((0, 0, 0), shape),) * batch_size)
    precision = "bf16" if computes_bfloat16(torch.device("cpu")) else "fp32"
    for name, (separable, standard) in pairs(quick=quick).items():
        network = separable()
        operations = 3 * 2 * multiply_adds(network, image)
        ours, theirs = iteration(network, batch), iteration(standard(), batch)
        ours(), theirs()  # sets up threads and kernels
        figures = [(seconds_of(ours), seconds_of(theirs)) for _ in range(runs)]
        first, second = (min(side) for side in zip(*figures, strict=True))
        yield Row(
            name=f"separable iteration, {name}",
            unit="s",
            ours=first,
            peer=second,
            peer_name="standard convolutions",
            ceiling=operations / gemm_flops(precision, quick=quick),
            to_reach={"what": "ratio", "at_most": 0.25},
            shape=f"{batch_size} patches of {patch}^3",
            threads=threads,
            precision=precision,
            quick=quick,
        )


def main(argv: list[str] | None = None) -> None:
    made = parser(__doc__, runs=5)
    made.add_argument("--patch", type=int, default=None)
    made.add_argument("--batch", type=int, default=2)
    asked = made.parse_args(argv)
    torch.set_num_threads(asked.threads)
    runs = 1 if asked.quick else asked.runs
    found = rows(
        asked.patch or (8 if asked.quick else 48), asked.batch, threads=asked.threads, runs=runs, quick=asked.quick
    )
    report(found, as_json=asked.json)


if __name__ == "__main__":
    main()
