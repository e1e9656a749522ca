"""What ``bench proxies`` reads: cells and their accuracy, published scores, and pictures of CIFAR-10."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from archlock.proxies import PROXIES
from archlock.scores import FloatArray
from archlock.tables.archive import IntArray, open_archive
from archlock.tables.cells import ROWS, hint
from archlock.tables.published import CELL_PROXIES_FILE, IMPORT_HINT

PUBLISHED: Mapping[str, str] = {
    **dict.fromkeys(("epe_nas", "fisher", "grad_norm", "grasp", "jacov", "l2_norm", "nwot", "params", "plain"), ""),
    **dict.fromkeys(("snip", "synflow", "zen"), ""),
    "macs": "flops",
    "logsynflow": "freerea_cifar10_logsynflow",
    "linear_regions": "freerea_cifar10_nregions",
}
"""Proxy to the column of its published score; empty where the column bears the proxy's name."""
TABLE_FILE = Path("nasbench201", "nasbench201.npz")
PICTURES_FILE = Path("images", "cifar10.npz")
PICTURES_HINT = (
    "It holds pictures of CIFAR-10: x_train of shape (n, 32, 32, 3), uint8, and y_train of shape (n,), 0 to 9; write "
    "it with numpy.savez from any copy of the data set, or name only proxies that need no data with --proxy"
)
SIDE, CLASSES = 32, 10

Batch = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Cells:
    """What is known of all cells of NAS-Bench-201.

    Attributes:
        operations: shape (15625, 6).
        accuracy: shape (15625,), CIFAR-10 test accuracy in % after 200 epochs.
        published: proxy to its published score, shape (15625,), NaN where there is none.
    """

    operations: IntArray
    accuracy: FloatArray
    published: Mapping[str, FloatArray]


def read_cells(folder: Path) -> Cells:
    """The two tables of a data folder.

    Raises:
        TableError: one is missing, damaged, or of another version.
    """
    with open_archive(folder / TABLE_FILE, "nasbench201", hint("nasbench201")) as archive:
        operations = archive.integers("arch_ops", (ROWS, 6), 0, 4)
        accuracy = archive.numbers("nats_cifar10_test_200", (ROWS,))
    with open_archive(
        folder / CELL_PROXIES_FILE, "nasbench201_zerocost", IMPORT_HINT.format("nasbench201_zerocost")
    ) as archive:
        names = archive.words("suitezero_columns", (None,))
        suite = dict(zip(names, archive.array("suitezero_cifar10", (ROWS, len(names))).T, strict=True))
        columns = {name: column or name for name, column in PUBLISHED.items()}
        published = {
            name: np.asarray(suite[column] if column in suite else archive.array(column, (ROWS,)), np.float64)
            for name, column in columns.items()
        }
    return Cells(operations, accuracy, published)


def need_pictures(names: Sequence[str]) -> bool:
    """Whether any of some proxies needs data."""
    return any("data" in PROXIES[name].needs for name in names)


def read_pictures(folder: Path, drawn: np.random.Generator, batch: int) -> Batch:
    """CIFAR-10's training pictures, standardised by channel, and their classes; (batch, 3, 32, 32) and (batch,).

    Raises:
        TableError: the file is missing or damaged.
    """
    with open_archive(folder / PICTURES_FILE, "CIFAR-10", PICTURES_HINT) as archive:
        held: NDArray[np.uint8] = archive.integers("x_train", (None, SIDE, SIDE, 3), 0, 255).astype(np.uint8)
        classes = archive.integers("y_train", (len(held),), 0, CLASSES - 1)
    if len(held) < batch:
        raise archive.fault(f"{len(held)} pictures, fewer than a batch of {batch}")
    pictures = torch.from_numpy(held).permute(0, 3, 1, 2).float() / 255
    deviation, mean = torch.std_mean(pictures, dim=(0, 2, 3), keepdim=True)
    order = drawn.permutation(len(pictures))[:batch]
    return ((pictures - mean) / deviation)[order], torch.from_numpy(classes)[order]


def no_pictures(batch: int) -> Batch:
    """A batch of the same shapes for proxies that look at nothing but it."""
    return torch.zeros(batch, 3, SIDE, SIDE), torch.arange(batch) % CLASSES
