"""The reference population of an audit's predictor, made of the cases of `audit_calibration`, and how it ranks others.

A case's architecture is encoded by its workload. Its label is what the strongest attack reached, less what a line over
difficulty and chance explains within the case's kind of target. Each case is scored by a predictor fitted without it:
`FOLDS` parts, each left out once, so that neither the network nor its target was seen. Run `audit_calibration.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import kendalltau

from archlock.auditing.prediction.encoding import NAMES
from archlock.auditing.prediction.foresight import ReferencePopulation, ReferenceTask, fit_relation
from archlock.auditing.record import MeasuredRank
from archlock.intervals import LEVEL
from archlock.scores import FloatArray

FOLDS = 10
RESAMPLES = 1_000
Cases = Sequence[Mapping[str, Any]]


def kind_of(case: Mapping[str, Any]) -> str:
    """Name of the generator of a case's target."""
    return str(case["target"]).partition("(")[0]


def difficulty_of(case: Mapping[str, Any]) -> float:
    """Of a case's target, 0 to 1, as its title says."""
    found = re.search(r"difficulty=([0-9.eE+-]+)", case["target"])
    assert found is not None
    return float(found[1])


def reference_tasks(cases: Cases, places: Sequence[int]) -> Iterator[ReferenceTask]:
    """Cases at some places by the kind of their target, with labels freed of difficulty."""
    for name in sorted({kind_of(cases[place]) for place in places}):
        own = [place for place in places if kind_of(cases[place]) == name]
        reached = np.array([cases[place]["reached"] for place in own])
        causes = [[1.0, difficulty_of(cases[place]), cases[place]["look"]["chance"]] for place in own]
        due, *_ = np.linalg.lstsq(np.array(causes), reached, rcond=None)
        embedding = np.mean([cases[place]["embedding"] for place in own], axis=0)
        yield ReferenceTask(
            task=name,
            embedding=tuple(map(float, np.round(embedding, 6))),
            networks=tuple(own),
            reached=tuple(map(float, np.round(reached - np.array(causes) @ due, 6))),
        )


def left_out_scores(cases: Cases) -> FloatArray:
    """Score of each case on its own target, shape (n,), by a predictor that never saw the case."""
    encodings, everyone = encodings_of(cases), np.arange(len(cases))
    scores = np.empty(len(cases))
    for fold in range(FOLDS):
        seen = [int(place) for place in everyone if place % FOLDS != fold]
        model = fit_relation(encodings, list(reference_tasks(cases, seen)))
        for place in everyone[everyone % FOLDS == fold]:
            scores[place] = model.score(encodings[[place]], np.array(cases[place]["embedding"]))[0][0]
    return scores


def encodings_of(cases: Cases) -> FloatArray:
    """Shape (n, f)."""
    return np.array([case["encoding"] for case in cases])


def population(cases: Cases, scores: FloatArray, shape: tuple[int, int, int], note: str) -> ReferencePopulation:
    """The population with the rank correlation that its predictor has on what it has not seen.

    Args:
        cases: all of one kind of task.
        scores: of each, see `left_out_scores`.
        shape: that all were traced at.
        note: what they are.
    """
    tasks = tuple(reference_tasks(cases, range(len(cases))))
    return ReferencePopulation(
        note=note,
        input_shape=shape,
        names=NAMES,
        encodings=tuple(map(tuple, encodings_of(cases).tolist())),
        tasks=tasks,
        left_out=mean_tau(scores, tasks),
    )


def mean_tau(scores: FloatArray, tasks: Sequence[ReferenceTask]) -> MeasuredRank:
    """Kendall's tau within each kind of target, mean over the kinds, with an interval bootstrapped over cases."""
    rng = np.random.default_rng(0)
    pairs = [(scores[list(task.networks)], np.array(task.reached)) for task in tasks]

    def mean(chosen: Sequence[np.ndarray[Any, np.dtype[np.intp]]]) -> float:
        return float(np.mean([kendalltau(found[own], reached[own]).statistic
                              for (found, reached), own in zip(pairs, chosen, strict=True)]))  # fmt: skip

    drawn = [mean([rng.integers(len(one), size=len(one)) for one, _ in pairs]) for _ in range(RESAMPLES)]
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    tau = mean([np.arange(len(one)) for one, _ in pairs])
    return MeasuredRank(kendall_tau=tau, low=float(low), high=float(high), level=LEVEL, cases=len(scores))
