"""Our zero-cost scores of NAS-Bench-201 cells beside the published ones, and both beside true accuracy.

    python benchmarks/proxy_published.py [--cells 300] [--batch 64] [--proxy NAME]... [--kept FILE] [--out FILE]

Needs the tables and pictures of ``$ARCHLOCK_DATA``. Prints Spearman correlations: ours with the published score (in
brackets ours to two digits, where the rest is the draw of the weights), ours with accuracy, the published score's.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import torch

from archlock.benches.proxies import ProxyBench, ProxyBenchOptions, ProxyRow, run


def main() -> None:
    """Measure, print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("cells", 300), ("batch", 64), ("seed", 0), ("threads", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--proxy", action="append", default=[])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--kept", type=Path, help="scores are kept here, so that a run can go on where it stopped")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    start = time.perf_counter()

    def tell(done: int) -> None:
        if done % 10 == 0:
            print(f"{done} cells, {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)

    names = tuple(options.proxy)
    bench = run(ProxyBenchOptions(None, options.cells, options.batch, options.seed, names, options.kept, tell))
    show(bench)
    if options.out is not None:
        facts = {"cells": bench.cells.tolist(), "batch": bench.batch, "seed": bench.seed, "rows": bench.rows()}
        options.out.write_text(json.dumps(facts, indent=1) + "\n")


def show(bench: ProxyBench) -> None:
    """Print one line per proxy."""
    print(f"{len(bench.cells)} cells of NAS-Bench-201, CIFAR-10, batch {bench.batch}, seed {bench.seed}; Spearman")
    print(f"{'proxy':<17} {'scored':>6}  {'published':>15}  {'bar':>4}  {'accuracy':>8}  {'published':>9}")
    for row in bench.results:
        print(line(row))


def line(row: ProxyRow) -> str:
    """One proxy's figures."""
    figures = [row.with_published, row.with_accuracy, row.published_with_accuracy]
    ours, accuracy, theirs = ("-" if figure is None else f"{figure:.3f}" for figure in figures)
    tied = "" if row.with_published_tied is None else f" ({row.with_published_tied:.3f})"
    bar = "" if row.bar is None else f"{row.bar:.2f}"
    verdict = {None: "", True: "met", False: "missed"}[row.meets]
    near = {None: "", True: "near", False: "far"}[row.near]
    return f"{row.name:<17} {row.known:>6}  {ours + tied:>15}  {bar:>4}  {accuracy:>8}  {theirs:>9}  {verdict} {near}"


if __name__ == "__main__":
    main()
