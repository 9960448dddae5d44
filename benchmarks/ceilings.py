"""What the machine can do at best: matrix products in float32 and bfloat16, copying memory.

    python benchmarks/ceilings.py [--size 2048] [--mebibytes 256]

Every other benchmark divides by these, measured in its own process. A copy counts what is read and what is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import torch
from row import Row, best_seconds, parser, report

SIZE = {True: 256, False: 2048}
"""Edge of the matrices, by whether the run is quick."""
MEBIBYTES = {True: 4, False: 256}


@lru_cache
def gemm_flops(precision: str, *, quick: bool, size: int | None = None, runs: int = 5) -> float:
    """Floating-point operations per second of a square matrix product."""
    edge = size or SIZE[quick]
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
    first, second = torch.randn(edge, edge).to(dtype), torch.randn(edge, edge).to(dtype)
    result = first @ second  # sets up threads and kernels
    return 2 * edge**3 / best_seconds(lambda: torch.matmul(first, second, out=result), runs)


@lru_cache
def copy_bytes(*, quick: bool, mebibytes: int | None = None, runs: int = 5) -> float:
    """Bytes per second that are read or written by a copy."""
    source = torch.ones((mebibytes or MEBIBYTES[quick]) * 2**18)
    target = torch.empty_like(source).copy_(source)  # its pages are there
    return 2 * 4 * source.numel() / best_seconds(lambda: target.copy_(source), runs)


def rows(size: int, mebibytes: int, *, threads: int, runs: int, quick: bool) -> Iterator[Row]:
    torch.manual_seed(0)
    for precision in ("fp32", "bf16"):
        yield Row(
            name=f"ceiling: matrix product {precision}",
            unit="GFLOP/s",
            ours=gemm_flops(precision, quick=quick, size=size, runs=runs) / 1e9,
            shape=f"{size}x{size}",
            threads=threads,
            precision=precision,
            quick=quick,
        )
    yield Row(
        name="ceiling: memory copy",
        unit="GB/s",
        ours=copy_bytes(quick=quick, mebibytes=mebibytes, runs=runs) / 1e9,
        shape=f"{mebibytes} MiB",
        threads=threads,
        precision="fp32",
        quick=quick,
    )


def main(argv: list[str] | None = None) -> None:
    made = parser(__doc__, runs=9)
    made.add_argument("--size", type=int, default=None)
    made.add_argument("--mebibytes", type=int, default=None)
    asked = made.parse_args(argv)
    torch.set_num_threads(asked.threads)
    size, mebibytes = asked.size or SIZE[asked.quick], asked.mebibytes or MEBIBYTES[asked.quick]
    found = rows(size, mebibytes, threads=asked.threads, runs=asked.runs, quick=asked.quick)
    report(found, as_json=asked.json)


if __name__ == "__main__":
    main()
