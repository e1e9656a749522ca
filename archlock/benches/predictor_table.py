"""The table that ``bench predictor`` prints: each predictor over tasks, pairs and seeds, and what is published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations

import numpy as np

from archlock.benches.predictor import VOTE, PredictorResult
from archlock.locking.tabular.resampling import Interval, pair_interval, task_interval

PUBLISHED = (
    "published: the vote of ArchLock's code orders about .75 of the pairs of NAS-Bench-201 rightly, and its contrast "
    "has a Spearman of -.12 to +.12; for predictors learnt from 128 labels none is published on these tasks"
)


@dataclass(frozen=True)
class PredictorRow:
    """A predictor over tasks, pairs and seeds.

    Attributes:
        predictor: its name.
        tau, tau_interval, worst_tau, worst_task: mean Kendall tau over tasks, tasks and seeds drawn again for its
            interval, and the task with the least.
        pair_accuracy: share of pairs of classes that are ordered rightly, (1 + tau) / 2 where nothing is tied.
        contrast, contrast_interval, worst_contrast, worst_pair: likewise for the contrast.
        labels: labels read per trial.
    """

    predictor: str
    tau: float
    tau_interval: Interval | None
    worst_tau: float
    worst_task: str
    pair_accuracy: float
    contrast: float
    contrast_interval: Interval | None
    worst_contrast: float
    worst_pair: str
    labels: int


def predictor_rows(results: Sequence[PredictorResult]) -> list[PredictorRow]:
    """One row per predictor, in the order in which they were run."""
    rows = []
    for name in dict.fromkeys(one.predictor for one in results):
        own = [one for one in results if one.predictor == name]
        taus, contrasts = _means([one.taus for one in own]), _means([one.contrasts for one in own])
        task, pair = min(taus, key=taus.__getitem__), min(contrasts, key=contrasts.__getitem__)
        tau, rng = float(np.mean(list(taus.values()))), np.random.default_rng(0)
        row = PredictorRow(
            name, tau, task_interval(np.array([[one.taus[task] for one in own] for task in taus]), rng), taus[task],
            task, (1 + tau) / 2, float(np.mean(list(contrasts.values()))), _contrast_interval(own, tuple(taus), rng),
            contrasts[pair], pair, own[0].labels,
        )  # fmt: skip
        rows.append(row)
    return rows


def _means(figures: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([one[name] for one in figures])) for name in figures[0]}


def _contrast_interval(
    results: Sequence[PredictorResult], tasks: Sequence[str], rng: np.random.Generator
) -> Interval | None:
    values = np.zeros((len(tasks), len(tasks), len(results)))
    for source, target in combinations(range(len(tasks)), 2):
        values[source, target] = [one.contrasts[f"{tasks[source]}/{tasks[target]}"] for one in results]
    pairs = np.triu(np.ones((len(tasks), len(tasks)), dtype=bool), 1)
    return pair_interval(values, np.broadcast_to(pairs[:, :, None], values.shape), rng)


def predictor_document(results: Sequence[PredictorResult]) -> dict[str, object]:
    """What ``--json`` prints."""
    return {
        "predictors": [asdict(row) for row in predictor_rows(results)],
        "trials": [asdict(one) for one in results],
        "published": PUBLISHED,
    }


def predictor_text(results: Sequence[PredictorResult], labels: int) -> str:
    """The table as text."""
    seeds = {one.seed for one in results}
    lines = [
        f"{len(results[0].taus)} tasks, {len(seeds)} seeds, {labels} uniform labels per task; judged on the others",
        f"{'predictor':<18} {'tau':<20} {'worst':>6} {'on':<16} {'pairs':>5} {'contrast':<22} {'worst':>6} on",
    ]
    lines += [
        f"{row.predictor:<18} {f'{row.tau:.3f} {row.tau_interval or str()}':<20} {row.worst_tau:>6.3f} "
        f"{row.worst_task:<16} {row.pair_accuracy:>5.1%} {f'{row.contrast:.3f} {row.contrast_interval or str()}':<22} "
        f"{row.worst_contrast:>6.3f} {row.worst_pair}"
        for row in predictor_rows(results)
    ]
    if any(one.predictor == VOTE for one in results):
        lines.append(
            f"{VOTE}: the seven proxies of ArchLock as published, no label; tasks without own ones share a vote"
        )
    return "\n".join([*lines, "pairs: share of pairs of classes ordered rightly, (1 + tau) / 2", PUBLISHED])
