"""The project's predictor on foreign networks: where an architecture would stand among others on a target, untrained.

A reference population of random networks was encoded by their workloads, and each was attacked on a target; the
relation model learns from their order on each kind of target. Of networks unlike them nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import numpy as np
from torch import nn

from archlock.auditing.prediction.encoding import NAMES, SIZES, encode_workload
from archlock.auditing.prediction.ranges import outside, ranges_of
from archlock.auditing.record import EstimateLine, MeasuredRank
from archlock.auditing.units import Case
from archlock.documents import Document, read_yaml, validate
from archlock.figures import Figure
from archlock.hwcost import trace
from archlock.predictors import RelationModel, TaskEvidence, offline_embedder
from archlock.scores import FloatArray, Origin, ScoreFailed
from archlock.seeding import torch_generator
from archlock.tasks.registry import load_task
from archlock.tasks.task import Task, TaskKind

SHIPPED = "calibrations/reference.yaml"
ESTIMATOR = "predictor"


class ReferenceTask(Document):
    """Networks that were attacked on targets of one kind, such as glyphs of any difficulty.

    Attributes:
        task: name of the kind.
        embedding: shape (d,), mean over its targets; see `embedding_of`.
        networks: shape (n,), places of the networks in the population.
        reached: shape (n,), what the strongest attack on each reached, less what is due to its target's difficulty; the
            order alone counts.
    """

    task: str
    embedding: tuple[float, ...]
    networks: tuple[int, ...]
    reached: tuple[float, ...]


class ReferencePopulation(Document):
    """Networks whose order on some kinds of targets was measured.

    Attributes:
        note: what they are, and how they were attacked.
        input_shape: (channels, height, width) that all were traced at.
        names: of an encoding's numbers.
        encodings: shape (n, f), see `archlock.auditing.prediction.encoding`.
        tasks: what they were attacked on.
        left_out: Kendall's tau of a network's score, by a predictor that never saw the network or its target, with
            ``reached``; mean over the kinds of targets.
    """

    format: Literal["archlock-reference/1"] = "archlock-reference/1"
    note: str
    input_shape: tuple[int, int, int]
    names: tuple[str, ...]
    encodings: tuple[tuple[float, ...], ...]
    tasks: tuple[ReferenceTask, ...]
    left_out: MeasuredRank


def embedding_of(target: Task) -> FloatArray:
    """Where a task lies among tasks, shape (d,), by the probe that needs no download; from training samples only.

    Args:
        target: at its own size, so that all networks that are compared on it see the same embedding.
    """
    generator = torch_generator(0, "embedding", target.name)
    train, io = target.train, target.io
    return offline_embedder().embed(train.inputs, train.targets, io.output.value, io.outputs, generator)


def fit_relation(encodings: FloatArray, tasks: Iterable[ReferenceTask]) -> RelationModel:
    """The predictor, fitted to the order of networks on each kind of target.

    Args:
        encodings: shape (n, f), of all networks that the tasks point into.
        tasks: what they were attacked on.
    """
    evidence = [
        TaskEvidence(np.array(task.embedding), np.array(task.networks), np.array(task.reached), "label", 1.0)
        for task in tasks
    ]
    return RelationModel.fit(encodings, evidence)


@lru_cache(maxsize=1)
def shipped_population() -> ReferencePopulation:
    """The population that archlock ships; ``benchmarks/audit_calibration.py`` makes it."""
    path = Path(str(files("archlock.configs") / SHIPPED))
    return validate(ReferencePopulation, read_yaml(path, SHIPPED))


@lru_cache(maxsize=1)
def _shipped_relation() -> RelationModel:
    known = shipped_population()
    return fit_relation(np.array(known.encodings), known.tasks)


def foreseen(case: Case) -> list[float] | str:
    """A unit of work: utility and place of the audited architecture on a target, or the reason why there is none."""
    model, target = case.subject.load(), load_task(case.target)
    assert model.network is not None  # a loot was made of it
    found = foresee(model.network, model.input_shape, target)
    return found.reason if isinstance(found, ScoreFailed) else list(found)


def foresight_lines(found: Mapping[Any, list[float] | str]) -> Iterator[EstimateLine]:
    """What `foreseen` gave on each target, as the record has it."""
    for (_, title), given in found.items():
        if isinstance(given, str):
            yield EstimateLine(estimator=ESTIMATOR, target=title, figure=None, reason=given)
            continue
        value, place = given
        figure = Figure(value=value, origin=Origin.PREDICTED, unit="logit")
        yield EstimateLine(estimator=ESTIMATOR, target=title, figure=figure, percentile=place)


def foresee(network: nn.Module, input_shape: tuple[int, int, int], target: Task) -> tuple[float, float] | ScoreFailed:
    """What the architecture would reach on a target, among the reference population; its weights are not looked at.

    Args:
        network: any module, traced at ``input_shape`` (channels, height, width).
        input_shape: of the network.
        target: at its own size.

    Returns:
        Utility in logits, higher is more transferable, and the share of the population with a lower one; or the reason
        why the predictor knows nothing of such a network.
    """
    if target.kind is not TaskKind.CLASSIFICATION:
        return ScoreFailed(
            f"{target.name} is no classification, and the reference population was attacked on nothing else"
        )
    encoding = encode_workload(trace(network, (1, *input_shape)))
    return placed(encoding, input_shape, embedding_of(target))


def placed(
    encoding: FloatArray, input_shape: tuple[int, int, int], embedding: FloatArray
) -> tuple[float, float] | ScoreFailed:
    """The same of an architecture that is encoded, and a target that is embedded; see `foresee`.

    Args:
        encoding: shape (f,).
        input_shape: that the architecture was traced at.
        embedding: shape (d,).
    """
    known = shipped_population()
    if tuple(input_shape) != known.input_shape:
        shape, theirs = ("x".join(map(str, each)) for each in (input_shape, known.input_shape))
        return ScoreFailed(f"outside the reference population: input {shape} ({theirs})")
    unlike = outside(_sizes(known), dict(zip(NAMES, map(float, encoding), strict=True)))
    if unlike:
        return ScoreFailed(f"outside the reference population: {', '.join(unlike)}")
    scores, _ = _shipped_relation().score(np.vstack([encoding, known.encodings]), embedding)
    return float(scores[0]), float((scores[1:] < scores[0]).mean())


def _sizes(known: ReferencePopulation) -> Mapping[str, Any]:
    """Ranges of what says how large a network is; of the rest, the model's own uncertainty takes care."""
    rows = [dict(zip(known.names, encoding, strict=True)) for encoding in known.encodings]
    return {name: bounds for name, bounds in ranges_of(rows).items() if name in SIZES}
