"""Our zero-cost scores of NAS-Bench-201 cells beside the published ones, and both beside true accuracy.

    python benchmarks/proxy_published.py [--cells 300] [--batch 64] [--proxy NAME]... [--kept FILE] [--out FILE]
                                         [--draw 1]

Needs the tables and pictures of ``$ARCHLOCK_DATA``. Prints Spearman correlations: ours with the published score (in
brackets ours to two digits, where the rest is the draw of the weights), ours with accuracy, the published score's.
With ``--draw`` the cells are scored once more with that other draw of weights and pictures, and the correlation of the
two draws is printed: about the most that can be asked of the agreement with anyone else's.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch

from archlock.benches.proxies import ProxyBench, ProxyBenchOptions, repeatability, run
from archlock.benches.proxy_table import proxy_document, proxy_text


def main() -> None:
    """Measure, print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("cells", 300), ("batch", 64), ("seed", 0), ("threads", 1), ("draw", 0)):
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
    asked = ProxyBenchOptions(None, options.cells, options.batch, options.seed, names, options.kept, tell)
    bench = run(asked)
    print(proxy_text(bench))
    document = proxy_document(bench)
    if options.draw:
        document["draws"] = show_draws(bench, run(replace(asked, draw=options.draw)))
    if options.out is not None:
        options.out.write_text(json.dumps(document, indent=1) + "\n")


def show_draws(first: ProxyBench, second: ProxyBench) -> dict[str, float | None]:
    """Print and return how two draws agree, by proxy."""
    found = repeatability(first, second)
    print(f"{len(first.cells)} cells, two draws of weights and pictures; Spearman")
    for name, figure in found.items():
        print(f"{name:<17} {'-' if figure is None else format(figure, '.3f')}")
    return found


if __name__ == "__main__":
    main()
