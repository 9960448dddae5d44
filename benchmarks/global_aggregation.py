"""Seconds and peak memory of global aggregation, beside the written-out form and torch's own call.

    python benchmarks/global_aggregation.py [--edge 32] [--channels 64] [--threads 2] [--runs 3] [--memory-gb 8]
                                            [--quick] [--json]

Attention alone, forward and backward, one case, one head: queries at edge^3, keys and values at (edge / 2)^3. Each
row runs in a process of its own, so that its peak memory is its own; memory is what the process grew by over its
inputs. Ratios are to torch's call without dropout in the same precision. A form that holds the matrix of all weights
(the written-out one, and torch's call with dropout) is not run where its matrices would not fit into --memory-gb. On a
shared machine set GOMP_SPINCOUNT=1000, as the command line does. With --json ours gives four rows of seconds and four
of memory, without the written-out form; the ceiling is the arithmetic at the rate of a matrix product, two products in
the forward and five in the backward, which computes the weights anew.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import time
from collections.abc import Iterator

from row import Row, parser, report

# Whole matrices that a form of its kind holds at its peak, as the rows at edge 32 show.
MATRICES = 4
ROWS = [
    (form, precision, dropout)
    for precision in ("fp32", "bf16")
    for form, dropout in (
        ("torch", 0.0),
        ("ours", 0.0),
        ("written out", 0.0),
        ("torch", 0.5),
        ("ours", 0.5),
        ("written out", 0.5),
    )
]


def measure(form: str, precision: str, dropout: float, arguments: argparse.Namespace) -> dict[str, float]:
    """One row, in this process."""
    import torch
    from torch.nn import functional

    from univox.networks.blocks import attend

    def written_out(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        weights = torch.softmax(query @ key.transpose(-1, -2) / math.sqrt(channels), dim=-1)
        return functional.dropout(weights, dropout) @ value

    def own_call(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        return functional.scaled_dot_product_attention(query, key, value, dropout_p=dropout)

    def ours(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        return attend(query, key, value, dropout=dropout)

    channels = arguments.channels
    run = {"torch": own_call, "ours": ours, "written out": written_out}[form]
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    dtype = torch.float32 if precision == "fp32" else torch.bfloat16

    def once(size: int) -> tuple[float, float]:
        shapes = [(size**3, channels)] + [((size // 2) ** 3, channels)] * 2
        inputs = [torch.randn(1, 1, *shape, dtype=dtype).requires_grad_() for shape in shapes]
        start = time.perf_counter()
        result = run(*inputs)
        middle = time.perf_counter()
        result.backward(torch.ones_like(result))
        return middle - start, time.perf_counter() - middle

    once(8)  # threads and kernels are set up before memory is read
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    runs = [once(arguments.edge) for _ in range(arguments.runs)]
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    forward, backward = min(runs, key=sum)
    return {"forward_s": forward, "backward_s": backward, "peak_mb": grown}


def matrices_gb(form: str, precision: str, dropout: float, edge: int) -> float:
    """What a form that holds the matrix of all weights would take; none for the others."""
    if form == "ours" or (form == "torch" and dropout == 0.0):
        return 0.0
    # torch's call with dropout computes in float32 whatever it is given.
    size = 4 if precision == "fp32" or form == "torch" else 2
    return MATRICES * edge**3 * (edge // 2) ** 3 * size / 1e9


def in_own_process(index: int, given: list[str]) -> dict[str, float]:
    command = [sys.executable, __file__, *given, "--row", str(index)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def as_rows(arguments: argparse.Namespace, given: list[str]) -> Iterator[Row]:
    """Ours beside torch's call without dropout, in the form that all benchmarks share."""
    import torch
    from ceilings import gemm_flops

    torch.set_num_threads(arguments.threads)
    operations = 7 * 2 * arguments.edge**3 * (arguments.edge // 2) ** 3 * arguments.channels
    for precision in ("fp32",) if arguments.quick else ("fp32", "bf16"):
        torch_alone = in_own_process(ROWS.index(("torch", precision, 0.0)), given)
        for dropout, at_most in ((0.0, 1.0), (0.5, 2.0)):
            ours = in_own_process(ROWS.index(("ours", precision, dropout)), given)
            common = {
                "peer_name": "torch without dropout",
                "shape": f"queries {arguments.edge}^3, keys {arguments.edge // 2}^3, {arguments.channels} channels",
                "threads": arguments.threads,
                "precision": precision,
                "quick": arguments.quick,
            }
            yield Row(
                name=f"global aggregation, dropout {dropout:g}, {precision}",
                unit="s",
                ours=ours["forward_s"] + ours["backward_s"],
                peer=torch_alone["forward_s"] + torch_alone["backward_s"],
                ceiling=operations / gemm_flops(precision, quick=arguments.quick),
                to_reach={"what": "ratio", "at_most": at_most},
                **common,
            )
            yield Row(
                name=f"global aggregation, memory, dropout {dropout:g}, {precision}",
                unit="MiB",
                # What is small fits into memory that the process has and does not use.
                ours=max(ours["peak_mb"], 2**-10),
                peer=max(torch_alone["peak_mb"], 2**-10),
                to_reach={"what": "ours", "at_most": 200.0},
                **common,
            )


def main(argv: list[str] | None = None) -> None:
    made = parser(__doc__)
    made.add_argument("--edge", type=int, default=None)
    made.add_argument("--channels", type=int, default=64)
    made.add_argument("--memory-gb", type=float, default=8.0)
    made.add_argument("--row", type=int, default=None, help="measure one row here and print JSON")
    arguments = made.parse_args(argv)
    arguments.edge = arguments.edge or (8 if arguments.quick else 32)
    given = sys.argv[1:] if argv is None else argv
    if arguments.row is not None:
        figures = measure(*ROWS[arguments.row], arguments)
        sys.stdout.write(json.dumps(figures))
        return
    if arguments.json:
        report(as_rows(arguments, given), as_json=True)
        return
    header = ("form", "", "dropout", "forward s", "backward s", "seconds /", "peak MB", "memory /")
    sys.stdout.write("{:12} {:5} {:>7} {:>10} {:>10} {:>9} {:>8} {:>8}\n".format(*header))
    for index, (form, precision, dropout) in enumerate(ROWS):
        needed = matrices_gb(form, precision, dropout, arguments.edge)
        if needed > arguments.memory_gb:
            sys.stdout.write(f"{form:12} {precision:5} {dropout:7.1f} not run: about {needed:.0f} GB of matrices\n")
            continue
        figures = in_own_process(index, given)
        seconds = figures["forward_s"] + figures["backward_s"]
        if (form, dropout) == ("torch", 0.0):
            reference = (seconds, figures["peak_mb"])
        sys.stdout.write(
            f"{form:12} {precision:5} {dropout:7.1f} {figures['forward_s']:10.3f} {figures['backward_s']:10.3f} "
            f"{seconds / reference[0]:9.2f} {figures['peak_mb']:8.0f} {figures['peak_mb'] / reference[1]:8.1f}\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
