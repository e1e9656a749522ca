"""Builds and traces random genotypes of a search space, and tells how long it takes.

Run: ``python benchmarks/hybrid_builds.py [--count 10000] [--space hybrid] [--seed 0]``. Networks are built for and
traced (on fake tensors, so without data) over inputs from 8x8x1 to 224x224x3 in turn. Prints a table and
exits with 1 if any genotype failed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

import torch

from archlock.errors import ArchlockError
from archlock.hwcost import trace
from archlock.iospec import IOSpec, OutputKind
from archlock.seeding import numpy_generator
from archlock.spaces.protocol import Genotype, SearchSpace
from archlock.spaces.registry import load_space
from archlock.spaces.text import format_genotype

SHOWN = 10
"""Failures that are told one by one."""

IO_SPECS = (
    IOSpec(1, 8, 8, OutputKind.CLASSES, 10),
    IOSpec(3, 16, 16, OutputKind.CLASSES, 10),
    IOSpec(3, 32, 32, OutputKind.LABELS, 20),
    IOSpec(2, 1, 128, OutputKind.VALUES, 1),
    IOSpec(1, 48, 48, OutputKind.DENSE, 1),
    IOSpec(3, 224, 224, OutputKind.CLASSES, 1000),
)


def failure_of(space: SearchSpace, genotype: Genotype, io: IOSpec, seconds: Counter[str]) -> str | None:
    """Why a genotype does not build and trace, or None; the time of both is added to ``seconds``."""
    begun = time.perf_counter()
    try:
        network = space.build(genotype, io)
        built = time.perf_counter()
        seconds["build"] += built - begun
        workload = trace(network, (1, *io.input_shape))
        seconds["trace"] += time.perf_counter() - built
    except (ArchlockError, RuntimeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return None if workload.macs > 0 else "no multiply-accumulates"


def main() -> int:
    """Build and trace, print the table, and tell whether all went well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--space", default="hybrid")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    space, rng = load_space(options.space), numpy_generator(options.seed, "hybrid_builds")
    seconds: Counter[str] = Counter()
    seen: set[Genotype] = set()
    failures = 0
    for index in range(options.count):
        genotype, io = space.sample(rng), IO_SPECS[index % len(IO_SPECS)]
        seen.add(genotype)
        reason = failure_of(space, genotype, io, seconds)
        if reason is not None:
            failures += 1
            if failures <= SHOWN:
                print(f"{format_genotype(genotype)} on {io}: {reason}", file=sys.stderr)
    print("space   seed  genotypes  distinct  failures  build_s  trace_s  ms_each")
    each_ms = 1000 * sum(seconds.values()) / max(1, options.count)
    print(
        f"{space.name:<8}{options.seed:>4}{options.count:>11}{len(seen):>10}{failures:>10}"
        f"{seconds['build']:>9.1f}{seconds['trace']:>9.1f}{each_ms:>9.1f}"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
