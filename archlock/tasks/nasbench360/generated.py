"""Darcy flow and Spherical without a download: the same equation and the same projection on data made here."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from archlock.errors import TaskError
from archlock.seeding import numpy_generator
from archlock.tasks.families.canvas import Array
from archlock.tasks.families.darcy import solve_darcy
from archlock.tasks.nasbench360.darcy import CHECK, FIT, SIZE, TEST, darcy_task
from archlock.tasks.nasbench360.official import Part, Published, chosen, official_task
from archlock.tasks.nasbench360.sphere import on_sphere, random_rotations
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Split, Task, TaskKind

PHASES = (12.0, 3.0)
"""Permeability where the Gaussian field is positive, and elsewhere (Li et al., ICLR 2021, appendix A.3)."""
INVERSE_LENGTH, SMOOTHNESS = 3.0, 2.0
"""Of the field's covariance (-laplace + 9)^-2."""
DIGITS = "digits"


def darcy_generated(settings: TaskSettings) -> Task:
    """Darcy flow solved here at the published resolution, 1x85x85, from the published random fields.

    Permeabilities are 12 and 3 on the two sides of a Gaussian field; pressures are solved at 85x85 by finite volumes
    (`archlock.tasks.families.darcy`), where the official file holds every fifth point of a 421x421 solution.
    Difficulty raises the ratio of the phases from 2 to 8, 4 as published at 0.5. ``samples``: 1,100 as published.
    """
    count = settings.sample_count(FIT + CHECK + TEST)
    rng = numpy_generator(settings.seed, settings.name, settings.difficulty, count)
    permeability = published_fields(rng, count, SIZE, 2.0 ** (1 + 2 * settings.difficulty))
    pressure = solve_darcy(permeability)
    held = round(count * CHECK / (FIT + CHECK + TEST))
    stops = (0, count - 2 * held, count - held, count)
    spans = [slice(start, stop) for start, stop in pairwise(stops)]
    parts = [(permeability[span].astype(np.float32), pressure[span]) for span in spans]
    return darcy_task(parts, "Darcy flow solved at 85x85 from generated two-phase fields", settings)


def published_fields(rng: np.random.Generator, count: int, size: int, ratio: float) -> Array:
    """Two-phase permeabilities (count, size, size), from a Gaussian field with Neumann borders.

    The field is N(0, (-laplace + 9)^-2) without its mean, as a cosine series over cell centres; ``ratio`` is that of
    the phases, whose geometric mean stays that of 12 and 3.

    Source: Li et al., Fourier Neural Operator, ICLR 2021, appendix A.3.
    """
    from scipy import fft

    waves = np.arange(size)
    laplace = np.pi**2 * (waves[:, None] ** 2 + waves[None] ** 2)
    deviation = (laplace + INVERSE_LENGTH**2) ** (-SMOOTHNESS / 2)
    deviation[0, 0] = 0
    field: Array = fft.idctn(deviation * rng.normal(size=(count, size, size)), axes=(1, 2), norm="ortho")
    middle = np.sqrt(PHASES[0] * PHASES[1])
    return np.asarray(np.where(field >= 0, middle * np.sqrt(ratio), middle / np.sqrt(ratio)))


def spherical_generated(settings: TaskSettings) -> Task:
    """Labelled pictures projected on a randomly turned sphere, 60x60: digits, or the task named after a further colon.

    ``nb360:spherical-generated:npz:PATH`` projects the pictures of a file. Every picture is turned by a rotation of
    its own. Difficulty: up to 0.5, the share of its way that each rotation goes, doubled; from 0.5 on all rotations
    are equally likely, as published. Parts are those of the projected task.

    Raises:
        TaskError: the projected task is not a classification, or cannot be loaded.
    """
    # Late, since the registry finds this function by name.
    from archlock.tasks.registry import load_task

    source = settings.argument.partition(":")[2] or DIGITS
    task = load_task(TaskSettings(name=source, fold=settings.fold))
    if task.kind is not TaskKind.CLASSIFICATION:
        raise TaskError(f"{settings.name}: {source} is a {task.kind} task; pictures of classes are projected")
    splits = (task.train, task.validation, task.test)
    # Black is the darkest pixel of the training part: inputs come scaled, and black is what lies outside a picture.
    black = float(task.train.inputs.min())
    rng = numpy_generator(settings.seed, settings.name, settings.difficulty)
    share = min(1.0, 2 * settings.difficulty)
    picked = chosen([len(split) for split in splits], settings)
    parts = [_projected(split, keep, black, rng, share) for split, keep in zip(splits, picked, strict=True)]
    note = f"{source}, projected on a randomly turned sphere"
    return official_task(parts, Published(TaskKind.CLASSIFICATION, note, task.classes), settings)


def _projected(split: Split, keep: np.ndarray, black: float, rng: np.random.Generator, share: float) -> Part:
    rotations = random_rotations(rng, len(keep), share)
    pictures = (split.inputs[keep] - black).clamp_min(0)
    return Part(on_sphere(pictures, rotations).numpy(), split.targets[keep].numpy())
