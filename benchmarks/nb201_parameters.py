"""Parameter counts of NAS-Bench-201 networks beside the published table, architecture by architecture.

Run: ``python benchmarks/nb201_parameters.py TABLE.npz [--rows 500] [--real 20]``. Every architecture of the table is
counted for all three tasks from built parts: a skeleton, and what one edge of each operation adds. A random sample is
built whole on torch's meta device, and a smaller one in memory. Exits with 1 if any count differs.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
import torch
from numpy.typing import NDArray

from archlock.iospec import IOSpec, OutputKind
from archlock.seeding import numpy_generator
from archlock.spaces.protocol import Genotype
from archlock.spaces.registry import load_space

CLASSES = {"cifar10": 10, "cifar100": 100, "imagenet16": 120}
SPACE = load_space("nasbench201")


IntArray = NDArray[np.int64]


def count(genotype: Genotype, classes: int, device: str = "meta") -> int:
    """Parameters of one network."""
    with torch.device(device):
        network = SPACE.build(genotype, IOSpec(3, 32, 32, OutputKind.CLASSES, classes))
    return sum(parameter.numel() for parameter in network.parameters())


def count_all(cells: IntArray, classes: int) -> IntArray:
    """Parameters of many networks from what one edge of each operation adds; shape (n, 6) to (n,)."""
    skeleton = count((0,) * 6, classes)
    added = [count((operation, 0, 0, 0, 0, 0), classes) - skeleton for operation in range(5)]
    counts: IntArray = skeleton + np.array(added)[cells].sum(axis=1)
    return counts


def main() -> int:
    """Print how many counts agree; 1 if any does not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table")
    parser.add_argument("--rows", type=int, default=500, help="architectures to build on the meta device")
    parser.add_argument("--real", type=int, default=20, help="architectures to build in memory")
    given = parser.parse_args()
    with np.load(given.table, allow_pickle=False) as table:
        cells = table["arch_ops"].astype(np.int64)
        published = {task: table[f"params_{task}"].astype(np.int64) for task in CLASSES}
    rows = numpy_generator(0, "benchmark", "nb201_parameters").permutation(len(cells))
    agree = True
    for task, classes in CLASSES.items():
        whole = {"meta": rows[: given.rows], "cpu": rows[: given.real]}
        equal = {
            "counted from parts": count_all(cells, classes) == published[task],
            **{
                f"built on {device}": [count(tuple(cells[row].tolist()), classes, device) for row in chosen]
                == published[task][chosen]
                for device, chosen in whole.items()
            },
        }
        for way, hits in equal.items():
            print(f"{task}, {way}: {hits.sum()} of {len(hits)} counts equal the table's")
            agree &= bool(hits.all())
    return int(not agree)


if __name__ == "__main__":
    sys.exit(main())
