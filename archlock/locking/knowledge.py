"""What a search knows after its labels: source and transfer scores of any architecture, with their uncertainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from archlock.locking.laboratory import Laboratory
from archlock.locking.plan import Plan
from archlock.locking.predicting import Predictor, fit_predictor, is_published, widened
from archlock.predictors import TaskEvidence, nearest, simulate_targets
from archlock.proxies import vote
from archlock.scores import FloatArray, ScoreBatch
from archlock.seeding import numpy_generator
from archlock.spaces.protocol import Genotype
from archlock.tasks.settings import TaskSettings

SOURCE_STAGE, TARGET_STAGE = "label source", "label targets"


@dataclass(frozen=True)
class TaskKnowledge:
    """Votes and labels of one task.

    Attributes:
        votes: shape (population,), the proxies' Copeland score of each architecture of the population.
        labelled: shape (k,), which of `Knowledge.architectures` were labelled.
        labels: shape (k,), their metric: micro-trained on the source, or that and then fine-tuned to a target.
    """

    votes: FloatArray
    labelled: NDArray[np.int64]
    labels: FloatArray

    def with_labels(self, labelled: NDArray[np.int64], labels: FloatArray) -> TaskKnowledge:
        """The same with more labels; those of architectures that already have one are passed over."""
        new = ~np.isin(labelled, self.labelled)
        return TaskKnowledge(self.votes, np.append(self.labelled, labelled[new]), np.append(self.labels, labels[new]))


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
    """The fitted predictor with what it was fitted to.

    Attributes:
        architectures: the random population, then architectures whose labels were bought later.
        population_size: how many of them are the population.
        embeddings: task title to shape (d,), source and library.
        tasks: task title to votes and labels, the source first.
        simulated: simulated targets.
        model: the predictor fitted to all of ``tasks``.
        to_metric: utility on the source to micro-trained metric, isotonic.
    """

    plan: Plan
    architectures: tuple[Genotype, ...]
    population_size: int
    embeddings: Mapping[str, FloatArray]
    tasks: Mapping[str, TaskKnowledge]
    simulated: SimulatedTargets
    model: Predictor
    to_metric: IsotonicRegression

    @property
    def population(self) -> tuple[Genotype, ...]:
        """The random architectures that the search began with."""
        return self.architectures[: self.population_size]

    def predict(self, genotypes: Sequence[Genotype]) -> Prediction:
        """Source and transfer scores of any genotypes."""
        features = self.plan.space.traits(genotypes)
        caution = self.plan.settings.engine.uncertainty
        mean, deviation = self.model.score(features, self._source_embedding)
        transfer = []
        for embedding, _ in self._targets:
            utility, spread = self.model.score(features, embedding)
            transfer.append(utility + caution * spread)
        weights = [weight for _, weight in self._targets]
        return Prediction(
            np.asarray(self.to_metric.predict(mean - caution * deviation), dtype=np.float64),
            np.average(transfer, axis=0, weights=weights),
            np.max(transfer, axis=0),
        )

    @property
    def _targets(self) -> list[tuple[FloatArray, float]]:
        """Embeddings that stand for unknown targets, and their weights: library tasks, or as published simulations."""
        if is_published(self.plan):
            return [(embedding, 1.0) for embedding in self.simulated.embeddings]
        return [(self.embeddings[title], weight) for title, weight in self.simulated.weights.items()]

    @property
    def source(self) -> str:
        """Title of the source task."""
        return self.plan.settings.source.task.title

    def labels(self, title: str) -> dict[Genotype, float]:
        """Label of every architecture that has one on a task."""
        known = self.tasks[title]
        return {self.architectures[row]: float(label) for row, label in zip(known.labelled, known.labels, strict=True)}

    @property
    def best_source_label(self) -> float:
        """Source metric that the best labelled architectures reach, by the fitted curve: free of the winner's luck."""
        labelled = self.tasks[self.source].labelled
        features = self.plan.space.traits([self.architectures[row] for row in labelled])
        mean, _ = self.model.score(features, self._source_embedding)
        return float(np.max(self.to_metric.predict(mean)))

    def evidence(self) -> tuple[TaskEvidence, ...]:
        """All votes and labels, as the relation model takes them."""
        return tuple(item for title, known in self.tasks.items() for item in _evidence(self.embeddings[title], known))

    @property
    def _source_embedding(self) -> FloatArray:
        return self.embeddings[self.source]


def learn(laboratory: Laboratory, population: Sequence[Genotype]) -> Knowledge:
    """Embed the tasks, score and label the population, and fit the predictor.

    Args:
        laboratory: where labels are bought.
        population: distinct random architectures; the first ones are labelled.
    """
    plan = laboratory.plan
    source, library = plan.settings.source.task, plan.settings.targets.search
    embeddings = widened(plan, laboratory.embed((source, *library)))
    simulated = _simulate(plan, embeddings[source.title], {task.title: embeddings[task.title] for task in library})
    counts = plan.settings.labels
    labelled = population[: counts.architectures]
    source_labels = laboratory.micro_train(labelled, SOURCE_STAGE)
    tasks = {source.title: _study(laboratory, population, source, source_labels)}
    for task in library:
        labels = laboratory.micro_attack(labelled[: counts.target_architectures], task, TARGET_STAGE)
        tasks[task.title] = _study(laboratory, population, task, labels)
    return _fit(plan, tuple(population), len(population), embeddings, tasks, simulated)


def deepen(laboratory: Laboratory, knowledge: Knowledge, genotypes: Sequence[Genotype]) -> Knowledge:
    """Buy labels of some architectures on the source and on every library task, and fit the predictor anew."""
    plan, known = laboratory.plan, knowledge.architectures
    architectures = known + tuple(genotype for genotype in genotypes if genotype not in known)
    rows = np.array([architectures.index(genotype) for genotype in genotypes], dtype=np.int64)
    tasks = dict(knowledge.tasks)
    source = plan.settings.source.task.title
    tasks[source] = tasks[source].with_labels(rows, laboratory.micro_train(genotypes, SOURCE_STAGE))
    for task in plan.settings.targets.search:
        labels = laboratory.micro_attack(genotypes, task, TARGET_STAGE)
        tasks[task.title] = tasks[task.title].with_labels(rows, labels)
    simulated = knowledge.simulated
    return _fit(plan, architectures, knowledge.population_size, knowledge.embeddings, tasks, simulated)


def _fit(
    plan: Plan,
    architectures: tuple[Genotype, ...],
    population_size: int,
    embeddings: Mapping[str, FloatArray],
    tasks: Mapping[str, TaskKnowledge],
    simulated: SimulatedTargets,
) -> Knowledge:
    evidence = [item for title, known in tasks.items() for item in _evidence(embeddings[title], known)]
    features = plan.space.traits(architectures)
    if is_published(plan):
        evidence = _published_votes(embeddings[plan.settings.source.task.title], embeddings, tasks, simulated)
    model = fit_predictor(plan, features, evidence)
    source = plan.settings.source.task.title
    mean, _ = model.score(features[tasks[source].labelled], embeddings[source])
    to_metric = IsotonicRegression(out_of_bounds="clip").fit(mean, tasks[source].labels)
    return Knowledge(plan, architectures, population_size, embeddings, tasks, simulated, model, to_metric)


def _published_votes(
    source: FloatArray,
    embeddings: Mapping[str, FloatArray],
    tasks: Mapping[str, TaskKnowledge],
    simulated: SimulatedTargets,
) -> list[TaskEvidence]:
    """Votes on the source, then on each simulated target by the proxies of the library task that it is nearest to."""
    own, *library = tasks
    chosen = nearest(simulated.embeddings, np.stack([embeddings[title] for title in library]))
    voted = [
        (source, tasks[own]),
        *((one, tasks[library[at]]) for one, at in zip(simulated.embeddings, chosen, strict=True)),
    ]
    return [TaskEvidence(one, np.arange(len(known.votes)), known.votes, "vote") for one, known in voted]


def _simulate(plan: Plan, source: FloatArray, library: Mapping[str, FloatArray]) -> SimulatedTargets:
    targets = plan.settings.targets
    rng = numpy_generator(plan.settings.seed, "simulated targets")
    embeddings = simulate_targets(source, targets.simulated, targets.cosine, rng)
    chosen = nearest(embeddings, np.stack(list(library.values())))
    counts = np.bincount(chosen, minlength=len(library)) / len(embeddings)
    return SimulatedTargets(embeddings, dict(zip(library, map(float, counts), strict=True)))


def _study(
    laboratory: Laboratory, population: Sequence[Genotype], task: TaskSettings, labels: FloatArray
) -> TaskKnowledge:
    """Votes on the whole population beside the labels of its first architectures."""
    batches: dict[str, ScoreBatch] = laboratory.score_proxies(population, task)
    return TaskKnowledge(vote(batches), np.arange(len(labels)), labels)


def _evidence(embedding: FloatArray, known: TaskKnowledge) -> list[TaskEvidence]:
    found = [TaskEvidence(embedding, np.arange(len(known.votes)), known.votes, "vote")]
    if len(known.labels) > 1:
        found.append(TaskEvidence(embedding, known.labelled, known.labels, "label"))
    return found
