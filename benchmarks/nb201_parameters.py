"""Parameter counts of NAS-Bench-201 networks beside the published table, architecture by architecture.

Run: ``python benchmarks/nb201_parameters.py TABLE.npz [--rows 15625] [--real 20]``. Every row of the table is built on
torch's meta device for CIFAR-10 and counted; the other two tasks differ by the classifier, whose count is added. A
sample is built in memory for all three tasks as well. Exits with 1 if any count differs.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np
import torch

from archlock.iospec import IOSpec, OutputKind
from archlock.seeding import numpy_generator
from archlock.spaces.protocol import Genotype
from archlock.spaces.registry import load_space

CLASSES = {"cifar10": 10, "cifar100": 100, "imagenet16": 120}
SPACE = load_space("nasbench201")


def count(genotype: Genotype, classes: int, device: str) -> tuple[int, int]:
    """Parameters of one network, and how many of them are the classifier's."""
    with torch.device(device):
        network = SPACE.build(genotype, IOSpec(3, 32, 32, OutputKind.CLASSES, classes))
    head = sum(parameter.numel() for parameter in network.head.parameters())
    return head + sum(parameter.numel() for parameter in network.body.parameters()), head


def main() -> int:
    """Print how many counts agree; 1 if any does not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table")
    parser.add_argument("--rows", type=int, default=15_625, help="rows to check; a random sample if fewer than all")
    parser.add_argument("--real", type=int, default=20, help="rows to build in memory, too")
    given = parser.parse_args()
    with np.load(given.table, allow_pickle=False) as table:
        cells = [tuple(row) for row in table["arch_ops"].tolist()]
        published = {task: table[f"params_{task}"] for task in CLASSES}
    rng = numpy_generator(0, "benchmark", "nb201_parameters")
    rows = rng.permutation(len(cells))[: given.rows]
    start, wrong = time.perf_counter(), dict.fromkeys(CLASSES, 0)
    for row in rows:
        total, head = count(cells[row], CLASSES["cifar10"], "meta")
        for task, classes in CLASSES.items():
            ours = total - head + head // CLASSES["cifar10"] * classes
            wrong[task] += ours != published[task][row]
    for task in CLASSES:
        print(f"{task}: {len(rows) - wrong[task]} of {len(rows)} counts equal the table's")
    print(f"{(time.perf_counter() - start) / len(rows) * 1e3:.1f} ms a network")
    sample = rows[: given.real]
    differ = sum(
        count(cells[row], k, "cpu")[0] != published[task][row] for row in sample for task, k in CLASSES.items()
    )
    print(f"built in memory: {3 * len(sample) - differ} of {3 * len(sample)} counts equal the table's")
    return int(any(wrong.values()) or differ > 0)


if __name__ == "__main__":
    sys.exit(main())
