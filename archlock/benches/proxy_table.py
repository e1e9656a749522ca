"""What ``bench proxies`` prints: our scores beside the published ones, and both beside true accuracy."""

from __future__ import annotations

from archlock.benches.proxies import ProxyBench
from archlock.benches.proxy_agreement import ProxyRow


def proxy_document(bench: ProxyBench) -> dict[str, object]:
    """What ``--json`` prints."""
    return {"cells": bench.cells.tolist(), "batch": bench.batch, "seed": bench.seed, "rows": bench.rows()}


def proxy_text(bench: ProxyBench) -> str:
    """One line per proxy: Spearman of ours with the published score, and of either with accuracy."""
    head = f"{len(bench.cells)} cells of NAS-Bench-201, CIFAR-10, batch {bench.batch}, seed {bench.seed}; Spearman"
    columns = f"{'':<17} {'':>6}  {'ours with':>15}  {'':>4}  {'ours with':>9}  {'published':>14}"
    names = f"{'proxy':<17} {'scored':>6}  {'published':>15}  {'bar':>4}  {'accuracy':>9}  {'with accuracy':>14}"
    foot = "in brackets: where scores differ by nothing but the draw of the weights, these as ties"
    return "\n".join([head, columns, names, *map(_line, bench.results), foot])


def _line(row: ProxyRow) -> str:
    ours = _shown(row.with_published)
    if row.with_published_tied is not None:
        ours += f" ({row.with_published_tied:.3f})"
    bar = "" if row.bar is None else f"{row.bar:.2f}"
    verdict = {None: "", True: "met", False: "missed, met in brackets" if row.meets_tied else "missed"}[row.meets]
    near = {None: "", True: "near", False: "far"}[row.near]
    accuracy, theirs = _shown(row.with_accuracy), _shown(row.published_with_accuracy)
    line = f"{row.name:<17} {row.known:>6}  {ours:>15}  {bar:>4}  {accuracy:>9}  {theirs:>14}  {verdict} {near}"
    return line.rstrip()


def _shown(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:.3f}"
