"""What the families draw with: pixel grids, soft edges, noise, colours, balanced labels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from archlock.seeding import numpy_generator
from archlock.tasks.samples import Samples, make_task
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task, TaskKind

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
Draw = Callable[[np.random.Generator, Labels, float], Array]
"""(generator, labels (n,), difficulty) to pictures (n, channels, height, width)."""

SIZE = 24
"""Rows and columns of a generated picture, pixels."""


def pixel_grid(size: int = SIZE) -> tuple[Array, Array]:
    """X and y of pixel centres, measured in pixels from the middle; each of shape (size, size)."""
    axis = np.arange(size) - (size - 1) / 2
    x, y = np.meshgrid(axis, axis)
    return x, y


def column(values: Array) -> Array:
    """(n, ...) to (n, ..., 1, 1), to broadcast over pixels."""
    return values[..., None, None]


def between(rng: np.random.Generator, low: float, high: float, *shape: int) -> Array:
    """Uniform numbers."""
    return rng.uniform(low, high, shape)


def blend(low: float, high: float, difficulty: float) -> float:
    """What a parameter is at a difficulty: ``low`` at 0, ``high`` at 1."""
    return low + (high - low) * difficulty


def coverage(distance_px: Array) -> Array:
    """Share of a pixel inside an edge, from the signed distance of its centre (negative inside)."""
    return np.clip(0.5 - distance_px, 0.0, 1.0)


def paint(ground: Array, colour: Array, mask: Array) -> Array:
    """Colour (n, channels) laid over ground (n, channels, h, w) where mask (n, h, w) is 1."""
    cover = mask[:, None]
    return ground * (1 - cover) + column(colour) * cover


def grainy(rng: np.random.Generator, pictures: Array, sigma: float) -> Array:
    """Pictures with Gaussian noise added to every pixel and channel."""
    return pictures + rng.normal(0, sigma, pictures.shape)


def contrasting_colours(rng: np.random.Generator, count: int, least: float) -> tuple[Array, Array]:
    """Pairs of colours (count, 3) in [0, 1] whose distance is at least about ``least``."""
    ground = between(rng, 0.15, 0.85, count, 3)
    direction = rng.normal(size=(count, 3))
    direction *= np.where(direction * (0.5 - ground) < 0, -0.5, 1.0)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    reach = least * between(rng, 1.0, 1.6, count, 1)
    return ground, np.clip(ground + reach * direction, 0, 1)


def balanced_labels(rng: np.random.Generator, count: int, classes: int) -> Labels:
    """Shuffled class indices (count,), each class as often as the others but for one."""
    return rng.permutation(np.arange(count, dtype=np.int64) % classes)


def classified(settings: TaskSettings, classes: tuple[str, ...], draw: Draw, note: str) -> Task:
    """A classification task of a family; its data depends on the seed, the difficulty and the number of samples."""
    count = settings.sample_count()
    rng = numpy_generator(settings.seed, settings.name, settings.difficulty, count)
    labels = balanced_labels(rng, count, len(classes))
    pictures = draw(rng, labels, settings.difficulty).astype(np.float32)
    return make_task(Samples(pictures, labels, TaskKind.CLASSIFICATION, classes, note), settings)
