"""What is run beside a cell of the lock bench: the harder variant of labels, and each part replaced by random."""

from __future__ import annotations

from dataclasses import replace

from archlock.benches.lock import LockBench
from archlock.locking.tabular.problem import ABLATIONS, Ablation, Mode

ABLATED_IN: dict[Mode, tuple[Ablation, ...]] = {
    "known": ("predictor", "acquisition"),
    "unknown": ("predictor", "acquisition"),
    "paper": ABLATIONS,
}
"""Which parts a mode has: targets are simulated only where no label of another task can be had."""


def variants(bench: LockBench) -> dict[str, LockBench]:
    """Name to bench: ``valid-to-test`` where the table has validation values of every task in play, and ablations."""
    table, rules = bench.choice.open(), bench.rules
    beside: dict[str, LockBench] = {}
    if not rules.valid and set(bench.choice.tasks_in_play()) <= set(table.valid) and not bench.thresholds:
        beside["valid-to-test"] = replace(bench, rules=replace(rules, valid=True))
    for part in ABLATED_IN[rules.mode]:
        if part not in rules.ablated:
            ablated = (*rules.ablated, part)
            beside[f"random-{part}"] = replace(bench, rules=replace(rules, ablated=ablated))
    return beside
