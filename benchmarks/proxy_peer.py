"""Six and seven proxies of full-size NAS-Bench-201 networks, ours beside SamsungLabs/zero-cost-nas, in one process.

    python benchmarks/proxy_peer.py --peer CHECKOUT [--cells 20] [--timed 1] [--turns 1] [--batch 64] [--agree-batch 64]

CHECKOUT is a copy of that repository (release 1.0.0); nothing of it is kept here. Prints processor seconds of both on
the same networks and batch, the tools taking turns, and Spearman's correlation between their values over the cells.
Weights are torch's default draw; the batch is CIFAR-10 of ``$ARCHLOCK_DATA``.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from archlock.benches.proxies import ProxyBenchOptions, cifar10_batch
from archlock.benches.proxy_agreement import spearman
from archlock.iospec import IOSpec, OutputKind
from archlock.proxies import score_network
from archlock.scores import Score
from archlock.seeding import numpy_generator
from archlock.spaces.registry import load_space

SIX = ("grad_norm", "snip", "plain", "fisher", "jacov", "synflow")
THEIRS = {"jacov": "jacob_cov"}
BARS = {"six": 2.5, "six + grasp": 2.0}
FIRST_CELL = (3, 1, 2, 1, 4, 3)
"""The first timed cell: three convolutions and a pooling, about the middle of the space in cost."""


def peer(folder: Path) -> Callable[[nn.Module, Tensor, Tensor, tuple[str, ...]], Mapping[str, float]]:
    """The peer's measures of a network, as a function."""
    sys.path.insert(0, str(folder))
    from foresight.pruners import predictive  # type: ignore[import-not-found]

    def measure(network: nn.Module, inputs: Tensor, targets: Tensor, names: tuple[str, ...]) -> Mapping[str, float]:
        theirs = [THEIRS.get(name, name) for name in names]
        loader: list[Any] = [(inputs.clone(), targets)]
        found = predictive.find_measures(
            network, loader, ("random", 1, 10), torch.device("cpu"), functional.cross_entropy, theirs
        )
        return {name: float(found[their]) for name, their in zip(names, theirs, strict=True)}

    return measure


def ours(network: nn.Module, inputs: Tensor, targets: Tensor, names: tuple[str, ...]) -> dict[str, float]:
    """The same of this library."""
    scores = score_network(network, inputs, targets, functional.cross_entropy, names)
    return {name: score.value for name, score in scores.items() if isinstance(score, Score)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", type=Path, required=True)
    for name, default in (("cells", 20), ("timed", 1), ("turns", 1), ("batch", 64), ("agree-batch", 64)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    torch.set_num_threads(1)
    theirs = peer(options.peer)
    for label, names in (("six", SIX), ("six + grasp", (*SIX, "grasp"))):
        batch = cifar10_batch(ProxyBenchOptions(batch=options.batch))
        times = [seconds(genotype, batch, names, theirs, options.turns) for genotype in genotypes(options.timed)]
        mine, peers = (statistics.fmean(pair[k] for pair in times) for k in range(2))
        print(
            f"{label}: ours {mine:.2f} s, peer {peers:.2f} s, {peers / mine:.2f} times (bar {BARS[label]})", flush=True
        )
    agree(options.cells, cifar10_batch(ProxyBenchOptions(batch=options.agree_batch)), theirs)


def genotypes(count: int) -> list[tuple[int, ...]]:
    """A fixed cell and then random ones that convolve on the edge from end to end, so that every score exists."""
    rng = numpy_generator(0, "benchmark", "proxy peer")
    drawn = [tuple(int(gene) for gene in rng.integers(0, 5, 6)) for _ in range(count)]
    return [FIRST_CELL, *((*genes[:3], 3, *genes[4:]) for genes in drawn)][:count]


def build(genotype: tuple[int, ...]) -> nn.Module:
    """A full-size network from a fixed seed."""
    torch.manual_seed(0)
    return load_space("nasbench201").build(genotype, IOSpec(3, 32, 32, OutputKind.CLASSES, 10))


def seconds(
    genotype: tuple[int, ...], batch: tuple[Tensor, Tensor], names: tuple[str, ...], theirs: Any, turns: int
) -> tuple[float, float]:
    """Median processor seconds of ours and theirs."""
    network = build(genotype)
    found: tuple[list[float], list[float]] = ([], [])
    for _ in range(turns):
        for times, tool in zip(found, (ours, theirs), strict=True):
            start = time.process_time()
            tool(network, *batch, names)
            times.append(time.process_time() - start)
    return statistics.median(found[0]), statistics.median(found[1])


def agree(cells: int, batch: tuple[Tensor, Tensor], theirs: Any) -> None:
    """Print the correlation of each score over the cells."""
    names = (*SIX, "grasp")
    pairs = []
    for genotype in genotypes(cells):
        network = build(genotype)
        pairs.append((ours(network, *batch, names), theirs(network, *batch, names)))
    for name in names:
        columns = torch.tensor([[one[name], other[name]] for one, other in pairs], dtype=torch.float64).T.numpy()
        print(f"{name}: Spearman {spearman(columns[0], columns[1]):.4f} over {cells} cells, batch {len(batch[0])}")


if __name__ == "__main__":
    main()
