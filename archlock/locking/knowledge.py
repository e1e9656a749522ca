"""What a search knows after its labels: source and transfer scores of any architecture, with their uncertainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.isotonic import IsotonicRegression

from archlock.locking.laboratory import Laboratory
from archlock.locking.plan import Plan
from archlock.predictors import RelationModel, TaskEvidence, nearest, simulate_targets
from archlock.proxies import vote
from archlock.scores import FloatArray, ScoreBatch
from archlock.seeding import numpy_generator
from archlock.spaces.protocol import Genotype
from archlock.tasks.settings import TaskSettings


@dataclass(frozen=True)
class TaskKnowledge:
    """Votes and labels of one task.

    Attributes:
        votes: shape (population,), the proxies' Copeland score of each architecture of the population.
        labels: shape (labelled,), micro-trained metric of the first ``labelled`` of the population.
    """

    votes: FloatArray
    labels: FloatArray


@dataclass(frozen=True)
class SimulatedTargets:
    """Simulated target embeddings, and the library task whose data stands for each.

    Attributes:
        embeddings: shape (k, d).
        stands_for: library task title to the share of simulated targets that it is nearest to; all of the library,
            zero where none is.
    """

    embeddings: FloatArray
    stands_for: Mapping[str, float]

    @property
    def weights(self) -> dict[str, float]:
        """Library task title to its weight in the mean transfer score.

        Half is the share of simulated targets and half is spread evenly: at a high cosine all simulated targets may
        lie nearest to one task, and a lock against one task alone is none.
        """
        even = 1 / len(self.stands_for)
        return {title: 0.5 * share + 0.5 * even for title, share in self.stands_for.items()}


@dataclass(frozen=True)
class Prediction:
    """Predicted scores of n architectures, all shape (n,).

    Attributes:
        source: micro-trained source metric, in raw units, pessimistic by the configured uncertainty.
        transfer_mean: utility on the library tasks, weighted by `SimulatedTargets.weights`, in logits, pessimistic:
            high is unsafe.
        transfer_worst: the same on the library task where it is highest.
    """

    source: FloatArray
    transfer_mean: FloatArray
    transfer_worst: FloatArray


@dataclass(frozen=True)
class Knowledge:
    """The fitted predictor with what it was fitted to."""

    plan: Plan
    population: tuple[Genotype, ...]
    embeddings: Mapping[str, FloatArray]
    tasks: Mapping[str, TaskKnowledge]
    simulated: SimulatedTargets
    model: RelationModel
    to_metric: IsotonicRegression
    quality: tuple[dict[str, Any], ...]

    def predict(self, genotypes: Sequence[Genotype]) -> Prediction:
        """Source and transfer scores of any genotypes."""
        features = self.plan.space.encode(genotypes)
        caution = self.plan.settings.engine.uncertainty
        mean, deviation = self.model.score(features, self.embeddings[self.plan.settings.source.task.title])
        transfer = {}
        for title in self.simulated.stands_for:
            utility, spread = self.model.score(features, self.embeddings[title])
            transfer[title] = utility + caution * spread
        weights = self.simulated.weights
        return Prediction(
            np.asarray(self.to_metric.predict(mean - caution * deviation), dtype=np.float64),
            np.asarray(sum(weights[title] * transfer[title] for title in weights), dtype=np.float64),
            np.max(list(transfer.values()), axis=0),
        )

    @property
    def best_source_label(self) -> float:
        """Source metric that the best labelled architectures reach, by the fitted curve: free of the winner's luck."""
        features = self.plan.space.encode(self.population[: len(self._source.labels)])
        mean, _ = self.model.score(features, self.embeddings[self.plan.settings.source.task.title])
        return float(np.max(self.to_metric.predict(mean)))

    @property
    def _source(self) -> TaskKnowledge:
        return self.tasks[self.plan.settings.source.task.title]


def learn(laboratory: Laboratory, population: Sequence[Genotype]) -> Knowledge:
    """Embed the tasks, score and label the population, and fit the predictor.

    Args:
        laboratory: where labels are bought.
        population: distinct random architectures; the first ones are labelled.
    """
    plan = laboratory.plan
    source, library = plan.settings.source.task, plan.settings.targets.search
    embeddings = laboratory.embed((source, *library))
    simulated = _simulate(plan, embeddings[source.title], {task.title: embeddings[task.title] for task in library})
    tasks = {source.title: _study(laboratory, population, source, "label source", plan.settings.labels.architectures)}
    for task in library:
        count = plan.settings.labels.target_architectures
        tasks[task.title] = _study(laboratory, population, task, "label targets", count)
    evidence = tuple(item for title, known in tasks.items() for item in _evidence(embeddings[title], known))
    features = plan.space.encode(population)
    quality = laboratory.judge_predictor(features, evidence)
    model = RelationModel.fit(features, evidence)
    labels = tasks[source.title].labels
    mean, _ = model.score(features[: len(labels)], embeddings[source.title])
    to_metric = IsotonicRegression(out_of_bounds="clip").fit(mean, labels)
    return Knowledge(plan, tuple(population), embeddings, tasks, simulated, model, to_metric, quality)


def _simulate(plan: Plan, source: FloatArray, library: Mapping[str, FloatArray]) -> SimulatedTargets:
    targets = plan.settings.targets
    rng = numpy_generator(plan.settings.seed, "simulated targets")
    embeddings = simulate_targets(source, targets.simulated, targets.cosine, rng)
    chosen = nearest(embeddings, np.stack(list(library.values())))
    counts = np.bincount(chosen, minlength=len(library)) / len(embeddings)
    return SimulatedTargets(embeddings, dict(zip(library, map(float, counts), strict=True)))


def _study(
    laboratory: Laboratory, population: Sequence[Genotype], task: TaskSettings, stage: str, count: int
) -> TaskKnowledge:
    batches: dict[str, ScoreBatch] = laboratory.score_proxies(population, task)
    labels = laboratory.micro_train(population[: min(count, len(population))], task, stage)
    return TaskKnowledge(vote(batches), labels)


def _evidence(embedding: FloatArray, known: TaskKnowledge) -> list[TaskEvidence]:
    found = [TaskEvidence(embedding, np.arange(len(known.votes)), known.votes, "vote")]
    if len(known.labels) > 1:
        found.append(TaskEvidence(embedding, np.arange(len(known.labels)), known.labels, "label"))
    return found
