"""Units of work of a search: each a function of one small job, run in this process or another.

A job names its task and space instead of carrying them; a worker loads each once. What a unit draws at random comes
from its job's seed alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from archlock.attacks import AttackBudget, Release, attack, train_reference
from archlock.errors import RunFailedError
from archlock.hwcost import Hardware, estimate, load_hardware, trace
from archlock.iospec import IOSpec
from archlock.predictors import PanelRanking, TaskEvidence, evaluate_voter, offline_embedder
from archlock.predictors.quality import evaluate as evaluate_predictor
from archlock.proxies import score_network
from archlock.runs import Produced
from archlock.scores import FloatArray, Score, ScoreFailed
from archlock.seeding import derive_seed, numpy_generator, torch_generator
from archlock.spaces.network import Network
from archlock.spaces.protocol import Genotype
from archlock.spaces.registry import load_space
from archlock.tasks.registry import load_task
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task
from archlock.training.fit import Schedule, evaluate, fit

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class TaskJob:
    """A task at an input shape (channels, height, width), and the seed of what is done with it."""

    task: TaskSettings
    shape: tuple[int, int, int]
    seed: int

    def load(self) -> Task:
        """The task, from this process's cache after the first time."""
        return load_task(self.task, input_shape=self.shape)


@dataclass(frozen=True)
class Blueprint:
    """An architecture: a space by name, and a genotype of it."""

    space: str
    genotype: Genotype

    def build(self, io: IOSpec, seed: int) -> Network:
        """The network, freshly initialised from a seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return load_space(self.space).build(self.genotype, io)


@dataclass(frozen=True)
class EmbedJob(TaskJob):
    """Embed a task; the probe network is trained from a fixed seed, so that embeddings of all runs compare."""


def embed(job: EmbedJob) -> list[float]:
    """Fisher embedding of a task's training part."""
    task = job.load()
    generator = torch_generator(job.seed, "embed", task.name)
    kind = task.io.output.value
    embedding = offline_embedder().embed(task.train.inputs, task.train.targets, kind, task.io.outputs, generator)
    return [float(value) for value in embedding]


@dataclass(frozen=True)
class CostJob:
    """Trace a network and cost it on hardware; nothing is trained or run."""

    blueprint: Blueprint
    io: IOSpec
    profile: str
    schema: str


def cost(job: CostJob) -> dict[str, float]:
    """Latency in seconds, energy in joules, parameters, and multiply-adds of one input."""
    network = job.blueprint.build(job.io, seed=0)
    workload = trace(network, (1, *job.io.input_shape))
    figures = estimate(workload, _hardware(job.profile), job.schema)
    return {
        "latency_s": figures.latency_s,
        "energy_j": figures.energy_j,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "macs": workload.macs,
    }


@lru_cache(maxsize=8)
def _hardware(profile: str) -> Hardware:
    """A profile, read once per process: reading its YAML takes longer than costing a network."""
    return load_hardware(profile)


@dataclass(frozen=True)
class ProxyJob(TaskJob):
    """Score an untrained network on one batch of a task."""

    blueprint: Blueprint
    names: tuple[str, ...]
    batch: int


def score_proxies(job: ProxyJob) -> dict[str, float | None]:
    """Proxy name to value; None where the score failed."""
    task = job.load()
    chosen = torch.randperm(len(task.train), generator=torch_generator(job.seed, "proxy batch", task.name))
    batch = task.train.take(chosen[: job.batch])
    network = job.blueprint.build(task.io, derive_seed(job.seed, "proxy", job.blueprint.genotype))
    scores = score_network(network, batch.inputs, batch.targets, task.loss, job.names)
    return {name: score.value if isinstance(score, Score) else None for name, score in scores.items()}


@dataclass(frozen=True)
class TrainJob(TaskJob):
    """Train an architecture on a task from scratch.

    Attributes:
        blueprint: the architecture.
        schedule: how long and how fast.
        turn: above 0, other samples of the training part validate, and weights and batches are drawn anew.
    """

    blueprint: Blueprint
    schedule: Schedule
    turn: int = 0

    def train(self) -> tuple[Network, float]:
        """The trained network and its validation metric."""
        task, seed = self.load(), self.seed
        if self.turn:
            seed = derive_seed(seed, "turn", self.turn)
            task = task.revalidated(torch_generator(seed, "validation", task.name))
        network = self.blueprint.build(task.io, derive_seed(seed, "weights", self.blueprint.genotype))
        fitted = fit(network, task, self.schedule, torch_generator(seed, "train", task.name))
        return network, fitted.validation


def micro_train(job: TrainJob) -> float:
    """Validation metric after a short training: a label."""
    return job.train()[1]


def train(job: TrainJob) -> Produced:
    """Validation metric, with the weights."""
    network, validation = job.train()
    return Produced(validation, {name: value.detach() for name, value in network.state_dict().items()})


@dataclass(frozen=True)
class ModelJob(TaskJob):
    """Something done with a trained model on a task; its weights travel as plain arrays."""

    blueprint: Blueprint
    weights: Arrays = field(repr=False)

    def release(self) -> Release:
        """The model as a thief holds it."""
        weights = {name: torch.from_numpy(np.array(value)) for name, value in self.weights.items()}
        return Release(load_space(self.blueprint.space), self.blueprint.genotype, weights)


def test(job: ModelJob) -> float:
    """The model's metric on the test part of the task it was trained for."""
    task = job.load()
    network = job.blueprint.build(task.io, seed=0)
    network.load_state_dict(dict(job.release().weights))
    return evaluate(network, task, task.test)


@dataclass(frozen=True)
class AttackJob(ModelJob):
    """Attack a model on a target."""

    attack: str
    budget: AttackBudget


def run_attack(job: AttackJob) -> dict[str, Any]:
    """The attack's result; empty where the attack has nothing to change."""
    result = attack(job.release(), job.attack, job.load(), job.budget, job.seed)
    return {} if result is None else asdict(result)


def transfer_label(job: AttackJob) -> float:
    """Validation metric that an attack reaches: a label of how well a model transfers."""
    result = attack(job.release(), job.attack, job.load(), job.budget, job.seed)
    if result is None:
        raise RunFailedError(f"{job.attack} has nothing to change: it cannot label {job.blueprint.genotype}")
    return result.best.validation


@dataclass(frozen=True)
class QualityJob:
    """Judge the predictor; ``features`` and ``evidence`` as for `archlock.predictors.RelationModel.fit`.

    A ``voter`` learnt from votes alone and is judged as it is; without one the relation model is cross-validated.
    """

    features: FloatArray
    evidence: tuple[TaskEvidence, ...]
    seed: int
    voter: PanelRanking | None = None


def judge_predictor(job: QualityJob) -> list[dict[str, Any]]:
    """Pair accuracy, Kendall tau and calibration on held-out architectures and on held-out tasks, where they exist."""
    if job.voter is not None:
        splits = {"labels": evaluate_voter(job.voter, job.features, job.evidence)}
    else:
        rng = numpy_generator(job.seed, "predictor folds")
        quality = evaluate_predictor(job.features, job.evidence, rng, folds=2)
        splits = {"architectures": quality.held_out_architectures, "tasks": quality.held_out_tasks}
    found = []
    for name, report in splits.items():
        if isinstance(report.model, ScoreFailed):
            continue
        vote = None if isinstance(report.vote, ScoreFailed) else report.vote.pair_accuracy
        found.append(
            {
                "split": f"held-out {name}",
                "pair_accuracy": report.model.pair_accuracy,
                "kendall_tau": report.model.kendall_tau,
                "calibration_error": report.model.calibration_error,
                "pairs": report.model.pairs,
                "baseline_pair_accuracy": vote,
            }
        )
    return found


@dataclass(frozen=True)
class ReferenceJob(TaskJob):
    """Train a public architecture from scratch on a target, as an attacker without the release would."""

    reference: str
    budget: AttackBudget


def run_reference(job: ReferenceJob) -> dict[str, Any]:
    """The reference's result."""
    return asdict(train_reference(job.reference, job.load(), job.budget, job.seed))
