"""Which predictor a search is guided by: our relation model, or the perceptron on pairs of the ArchLock paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from archlock.locking.plan import Plan
from archlock.predictors import PanelRanking, RelationModel, TaskEvidence, widen
from archlock.scores import FloatArray
from archlock.seeding import numpy_generator, torch_generator

PAIR_MLP = "pair-mlp"


class Predictor(Protocol):
    """Scores architectures on a task."""

    def score(self, features: FloatArray, embedding: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Utility and its standard deviation, shape (n,) each, of features (n, f) on a task's embedding (d,)."""


def is_published(plan: Plan) -> bool:
    """The run asks for the paper's predictor."""
    return plan.settings.predictor.name == PAIR_MLP


def fit_predictor(plan: Plan, features: FloatArray, evidence: Sequence[TaskEvidence]) -> Predictor:
    """The configured predictor; the source's evidence comes first."""
    if not is_published(plan):
        return RelationModel.fit(features, evidence)
    seed = plan.settings.seed
    rng, generator = numpy_generator(seed, "voted pairs"), torch_generator(seed, "pair mlp")
    return PanelRanking.fit(features, evidence, rng, generator)


def widened(plan: Plan, embeddings: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Embeddings at the configured width, angles unchanged; as they are where no width is set."""
    width = plan.settings.predictor.embedding_width
    if width is None:
        return dict(embeddings)
    rng = numpy_generator(plan.settings.seed, "embedding width")
    isometry = rng.bit_generator.state
    wide = {}
    for title, one in embeddings.items():
        rng.bit_generator.state = isometry
        wide[title] = widen(one[None], max(width, len(one)), rng)[0]
    return wide
