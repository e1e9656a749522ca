"""Fitting the predictor outside a search: random architectures of a space, micro-trained on any tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from archlock.locking import units
from archlock.predictors import RelationModel, TaskEvidence
from archlock.predictors.threads import one_thread
from archlock.scores import FloatArray
from archlock.seeding import numpy_generator
from archlock.spaces.protocol import Genotype
from archlock.spaces.registry import load_space
from archlock.spaces.text import format_genotype
from archlock.tasks.ledger import Ledger
from archlock.tasks.registry import load_task
from archlock.tasks.settings import TaskSettings
from archlock.training.fit import Schedule

SHAPE = (3, 16, 16)


@dataclass(frozen=True)
class Study:
    """A fitted predictor with what it was fitted to.

    Attributes:
        features: shape (n, traits), of the architectures.
        evidence: labels, one entry per task.
        model: fitted to all of them.
        ledger: every label that was read.
    """

    features: FloatArray
    evidence: tuple[TaskEvidence, ...]
    model: RelationModel
    ledger: Ledger


def study_tasks(
    space_name: str,
    tasks: Sequence[TaskSettings],
    architectures: int,
    schedule: Schedule,
    seed: int,
    tell: Callable[[str], None] = lambda _: None,
) -> Study:
    """Micro-train random architectures on every task and fit the relation model.

    Args:
        space_name: registered space.
        tasks: distinct tasks, brought to 3x16x16.
        architectures: how many, the same on every task.
        schedule: of one label.
        seed: of architectures and training.
        tell: is given one line per task.

    Raises:
        SpaceError: no such space.
        TaskError: a task that is not known or cannot be loaded, before anything is trained.
    """
    for task in tasks:
        load_task(task, input_shape=SHAPE)
    space, ledger = load_space(space_name), Ledger()
    rng = numpy_generator(seed, "predictor train", space_name)
    genotypes = [space.sample(rng) for _ in range(architectures)]
    evidence = []
    for task in tasks:
        tell(f"{task.title}: {architectures} labels of {schedule.steps} steps")
        evidence.append(_label(task, space_name, genotypes, schedule, seed, ledger))
    features = space.traits(genotypes)
    return Study(features, tuple(evidence), RelationModel.fit(features, evidence), ledger)


def _label(
    task: TaskSettings, space: str, genotypes: Sequence[Genotype], schedule: Schedule, seed: int, ledger: Ledger
) -> TaskEvidence:
    """Embedding and micro-trained validation metrics of one task, read through the ledger."""
    embed = units.EmbedJob(task, SHAPE, seed)
    embedding = ledger.read(task.title, "training samples", "embed tasks", partial(units.embed, embed))
    values = []
    for genotype in genotypes:
        job = units.TrainJob(task, SHAPE, seed, units.Blueprint(space, genotype), schedule)
        with one_thread():  # networks this small train slower on several
            label = partial(units.micro_train, job)
            values.append(ledger.read(task.title, format_genotype(genotype), "micro-training", label))
    return TaskEvidence(np.array(embedding), np.arange(len(values)), np.array(values), "label")
