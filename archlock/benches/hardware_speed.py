"""Layers per second of the batched cost model, and of SCALE-Sim and ZigZag where their environments are given.

Ours is the whole cost (latency and energy of every layer) of all 15,625 NAS-Bench-201 networks in one call, every layer
of every network computed, none twice and none left out because it is like another. The peers cost matrix products
alone: each size that occurs is timed once, and their rate is the mean over the products of all the networks. Our passes
are timed before, between and after theirs, in one run on one machine; medians count.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from archlock.benches.nasbench201_workloads import assemble_cells
from archlock.errors import RunFailedError, UsageError
from archlock.hwcost import Hardware, WorkloadBatch, estimate_batch, load_hardware
from archlock.iospec import IOSpec, OutputKind
from archlock.spaces.protocol import Genotype

PEERS = {"SCALE-Sim": "scalesim", "ZigZag": "zigzag"}
"""Peer to the word that `archlock.benches.peer_products` knows it by."""
PASSES = 5
"""Timed calls before the peers, and after each."""
CELLS: tuple[Genotype, ...] = tuple(product(range(5), repeat=6))
"""All of NAS-Bench-201."""
FACTOR = 1e6
"""How many times the peers' rate ours shall be."""
SCRIPT = Path(__file__).with_name("peer_products.py")


@dataclass(frozen=True)
class PeerSpeed:
    """One peer.

    Attributes:
        peer: its name.
        products_per_s: matrix products, each size as often as it occurs.
        fastest_s, slowest_s: its quickest and its longest product.
        times_layers: our layers per second over its rate: a layer for a layer.
        times_products: our products per second over its rate, all of our time charged to them.
        met: ``times_layers`` is at least `FACTOR`.
    """

    peer: str
    products_per_s: float
    fastest_s: float
    slowest_s: float
    times_layers: float
    times_products: float
    met: bool


@dataclass(frozen=True)
class Speed:
    """Ours, and the peers that were run.

    Attributes:
        hardware, schema: what was estimated.
        networks, layers, products: in the batch.
        assembling_s: building the batch from parts; in no rate.
        call_s: median time of one call.
        layers_per_s, products_per_s, networks_per_s: at that time.
        peers: those that were run.
        not_run: the others.
    """

    hardware: str
    schema: str
    networks: int
    layers: int
    products: int
    assembling_s: float
    call_s: float
    layers_per_s: float
    products_per_s: float
    networks_per_s: float
    peers: tuple[PeerSpeed, ...] = ()
    not_run: tuple[str, ...] = field(default=tuple(PEERS))


def run_speed(
    pythons: Mapping[str, Path] | None = None,
    hardware: str = "npu-edge",
    schema: str = "npu-only",
    cells: Sequence[Genotype] = CELLS,
    advance: Callable[[], None] = lambda: None,
) -> Speed:
    """Time NAS-Bench-201 networks of 3x32x32 pictures and ten classes.

    Args:
        pythons: peer, out of `PEERS`, to the Python of an environment that has it.
        hardware: a profile with an NPU.
        schema: of ours.
        cells: genotypes of the networks; all of them unless given.
        advance: called when ours was timed, and after each peer.

    Raises:
        UsageError: no such Python.
        RunFailedError: a peer that does not run.
    """
    system, chosen = load_hardware(hardware), pythons or {}
    start = perf_counter()
    batch = assemble_cells(cells, IOSpec(3, 32, 32, OutputKind.CLASSES, 10))
    assembling_s = perf_counter() - start
    estimate_batch(batch, system, schema)
    seconds, rates = _passes(batch, system, schema), {}
    advance()
    for peer, python in chosen.items():
        rates[peer] = _peer(python, peer, batch, system)
        seconds += _passes(batch, system, schema)
        advance()
    call_s, layers, products = median(seconds), len(batch.layers), int(batch.layers.is_matrix.sum())
    return Speed(
        hardware, schema, len(batch), layers, products, assembling_s, call_s,
        layers / call_s, products / call_s, len(batch) / call_s,
        tuple(
            PeerSpeed(peer, *rate, layers / call_s / rate[0], products / call_s / rate[0],
                      layers / call_s / rate[0] >= FACTOR)
            for peer, rate in rates.items()
        ),
        tuple(peer for peer in PEERS if peer not in rates),
    )  # fmt: skip


def _passes(batch: WorkloadBatch, hardware: Hardware, schema: str) -> list[float]:
    """Seconds of some calls."""
    seconds = []
    for _ in range(PASSES):
        start = perf_counter()
        estimate_batch(batch, hardware, schema)
        seconds.append(perf_counter() - start)
    return seconds


def _product_sizes(batch: WorkloadBatch) -> tuple[list[dict[str, int]], NDArray[np.int64]]:
    """Every size of matrix product in the batch, and how often it occurs."""
    products = batch.layers.products
    sizes, counts = np.unique(np.stack([products.m, products.k, products.n], axis=1), axis=0, return_counts=True)
    return [dict(zip("mkn", size, strict=True)) for size in sizes.tolist()], counts.astype(np.int64)


def _peer(python: Path, peer: str, batch: WorkloadBatch, hardware: Hardware) -> tuple[float, float, float]:
    """A peer's products per second over those of the batch, and its fastest and slowest product in seconds."""
    if hardware.npu is None:
        raise UsageError(f"{hardware.name} has no npu, which is what {peer} models")
    sizes, counts = _product_sizes(batch)
    array = hardware.npu.array
    asked = json.dumps({"array": [array.rows, array.columns], "layers": sizes})
    try:
        # Isolated: modules beside the script must not stand in for the peer's own.
        done = subprocess.run(
            [str(python), "-I", str(SCRIPT), PEERS[peer]], input=asked, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise UsageError(f"{python}: {error.strerror}; give the Python of an environment with {peer}") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise RunFailedError(f"{peer} does not run with {python}: {last}")
    seconds = np.array([each["seconds"] for each in json.loads(done.stdout)])
    return float(counts.sum() / (counts * seconds).sum()), float(seconds.min()), float(seconds.max())


def speed_text(speed: Speed) -> str:
    """Ours and the peers, a line each."""
    lines = [
        f"speed, {speed.hardware}, {speed.schema}: {speed.networks:,} networks with {speed.layers:,} layers, "
        f"{speed.products:,} of them matrix products, in one call of {speed.call_s:.3f} s "
        f"(assembled in {speed.assembling_s:.1f} s)",
        f"ours       {speed.layers_per_s:>14,.0f} layers/s {speed.products_per_s:>14,.0f} products/s "
        f"{speed.networks_per_s:>10,.0f} networks/s",
    ]
    lines += [
        f"{one.peer:<10} {'':>14}          {one.products_per_s:>14.2f} products/s; ours {one.times_layers:,.0f} times "
        f"by layers (bar {FACTOR:,.0f}: {'met' if one.met else 'missed'}), "
        f"{one.times_products:,.0f} times by products alone"
        for one in speed.peers
    ]
    lines += [f"{peer:<10} not timed: give --{PEERS[peer]}-python" for peer in speed.not_run]
    return "\n".join(lines)
