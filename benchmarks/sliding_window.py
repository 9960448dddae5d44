"""Windows of the exact Non-local U-Net over a volume of two channels, beside MONAI's sliding-window inference.

    python benchmarks/sliding_window.py [--full] [--shape 56 56 48]

Windows of 32^3 at step 8, four classes. The full volume, 152x120x104, takes 1,920 windows; without --full one of 48.
The peer is the best of MONAI in float32, in bfloat16, and in bfloat16 with channels-last; it averages probabilities, as
ours does. Ours is the default: what precision "auto" chooses on this machine. The ceiling is the network's
multiply-adds at the rate of a matrix product in that precision. The largest difference of the float32 peer's
probabilities from ours in the precision chosen stands in the note.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from ceilings import gemm_flops
from row import NO_PEER, Row, installed, parser, report, seconds_of
from torch import Tensor

from univox.data.window import regular_grid
from univox.inference.device import computes_bfloat16
from univox.inference.sliding_window import sliding_window
from univox.networks.cost import multiply_adds
from univox.networks.memory_order import channels_last
from univox.networks.nonlocal_unet import NonLocalUNet
from univox.recipes.inference_settings import InferenceSettings

FULL, SMALL, QUICK = (152, 120, 104), (56, 56, 48), (16, 16, 12)
CLASSES = 4


def network(edge: int, image: Tensor) -> NonLocalUNet:
    """The same one at each call, with running statistics of a window: without them its logits explode."""
    torch.manual_seed(0)
    width = 32 if edge == 32 else 4
    net = NonLocalUNet(2, CLASSES, width=width, attention_dropout=0.0, output_dropout=0.0, batch_norm_momentum=1.0)
    with torch.no_grad():
        net.train()(image[None, :, :edge, :edge, :edge])
    return net.eval()


def monai_seconds(image: Tensor, edge: int, windows: int) -> tuple[dict[str, float], Tensor]:
    """Seconds of each of MONAI's three ways, and the probabilities of the first."""
    from monai.inferers.utils import sliding_window_inference

    seconds: dict[str, float] = {}
    kept: list[Tensor] = []
    for name, dtype, last in (
        ("fp32", None, False),
        ("bf16", torch.bfloat16, False),
        ("bf16 last", torch.bfloat16, True),
    ):
        net = channels_last(network(edge, image)) if last else network(edge, image)
        order = torch.channels_last_3d if last else torch.contiguous_format

        def predict(batch: Tensor, net: NonLocalUNet = net, order: torch.memory_format = order) -> Tensor:
            return net(batch.contiguous(memory_format=order)).float().softmax(1)

        def run(dtype: torch.dtype | None = dtype, predict=predict) -> None:
            with torch.inference_mode(), torch.autocast("cpu", dtype, enabled=dtype is not None):
                kept.append(sliding_window_inference(image[None], (edge,) * 3, windows, predict, overlap=0.75)[0])

        seconds[name] = seconds_of(run)
    return seconds, kept[0]


def rows(shape: tuple[int, ...], *, threads: int, runs: int, quick: bool) -> Iterator[Row]:
    edge = 8 if quick else 32
    torch.manual_seed(1)
    image = torch.randn(2, *shape)
    settings = InferenceSettings(step=edge // 4, blend="uniform")
    net = channels_last(network(edge, image))
    precision = "bf16" if computes_bfloat16(torch.device("cpu")) else "fp32"
    sliding_window(net, image[:, :edge, :edge, :edge], window_size=(edge,) * 3, num_classes=CLASSES, settings=settings)
    probabilities: list[Tensor] = []

    def run() -> None:
        probabilities.append(
            sliding_window(net, image, window_size=(edge,) * 3, num_classes=CLASSES, settings=settings)
        )

    ours = min(seconds_of(run) for _ in range(runs))
    count = len(regular_grid(shape, (edge,) * 3, (edge // 4,) * 3))
    operations = 2 * multiply_adds(net, torch.zeros(1, 2, *(edge,) * 3)) * count
    peer, peer_name, note = None, "MONAI", NO_PEER
    if installed("monai"):
        each, theirs = monai_seconds(image, edge, windows=8)
        best = min(each, key=each.__getitem__)
        peer, peer_name = each[best], f"MONAI {best}"
        difference = float((probabilities[0] - theirs).abs().max())
        note = ", ".join(f"MONAI {name} {seconds:.3g} s" for name, seconds in each.items())
        note += f"; largest difference of probabilities {difference:.1e}"
    yield Row(
        name=f"sliding window, Non-local U-Net, {count:,} windows",
        unit="s",
        ours=ours,
        peer=peer,
        peer_name=peer_name,
        ceiling=operations / gemm_flops(precision, quick=quick),
        to_reach={"what": "ratio", "at_most": 1.1},
        shape="x".join(map(str, shape)) + f", windows {edge}^3, step {edge // 4}",
        threads=threads,
        precision=precision,
        quick=quick,
        note=note,
    )


def main(argv: list[str] | None = None) -> None:
    made = parser(__doc__, runs=1)
    made.add_argument("--full", action="store_true", help="the whole volume: minutes for each of the four ways")
    made.add_argument("--shape", type=int, nargs=3, default=None)
    asked = made.parse_args(argv)
    torch.set_num_threads(asked.threads)
    shape = tuple(asked.shape or (QUICK if asked.quick else FULL if asked.full else SMALL))
    report(rows(shape, threads=asked.threads, runs=asked.runs, quick=asked.quick), as_json=asked.json)


if __name__ == "__main__":
    main()
