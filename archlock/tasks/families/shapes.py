"""Shapes under rotation and scale, alone or together: needs outlines as wholes, wherever and however large they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from archlock.seeding import numpy_generator
from archlock.tasks.families.canvas import (
    SIZE,
    Array,
    Labels,
    between,
    blend,
    classified,
    column,
    contrasting_colours,
    coverage,
    grainy,
    paint,
    pixel_grid,
)
from archlock.tasks.samples import Samples, make_task
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task, TaskKind


def shapes(settings: TaskSettings) -> Task:
    """One of six shapes of random colour, size, place and rotation on a ground of random colour.

    Difficulty makes shapes smaller, their contrast lower and the picture noisier. Colour, 24x24.
    """
    return classified(settings, tuple(OUTLINES), draw_shapes, "generated shapes, rotated and scaled, 24x24 colour")


def presence(settings: TaskSettings) -> Task:
    """Which of four shapes are in the picture (multi-label): one to three shapes, each in its own quarter.

    Difficulty as in `shapes`. Colour, 24x24.
    """
    count = settings.sample_count()
    rng = numpy_generator(settings.seed, settings.name, settings.difficulty, count)
    names = PRESENT
    pictures, present = draw_presence(rng, count, settings.difficulty)
    note = "generated pictures of one to three shapes, labelled by which are present, 24x24 colour"
    return make_task(Samples(pictures.astype(np.float32), present, TaskKind.MULTILABEL, names, note), settings)


def draw_shapes(rng: np.random.Generator, labels: Labels, difficulty: float) -> Array:
    """Pictures (n, 3, 24, 24) of the shapes in ``labels``."""
    count = len(labels)
    radius = between(rng, blend(8.5, 5.5, difficulty), blend(10.0, 9.0, difficulty), count)
    room = np.maximum(SIZE / 2 - radius, 0)
    centre = between(rng, -1, 1, 2, count) * room
    ground, colour = contrasting_colours(rng, count, blend(0.7, 0.35, difficulty))
    picture = np.broadcast_to(column(ground), (count, 3, SIZE, SIZE))
    picture = paint(picture, colour, shape_masks(rng, labels, centre, radius))
    return grainy(rng, picture, blend(0.01, 0.1, difficulty))


def draw_presence(rng: np.random.Generator, count: int, difficulty: float) -> tuple[Array, Array]:
    """Pictures (count, 3, 24, 24) and the 0/1 labels (count, 4) of what they hold."""
    picture = np.broadcast_to(column(between(rng, 0.3, 0.7, count, 3)), (count, 3, SIZE, SIZE))
    filled = rng.permuted(np.arange(4) < rng.integers(1, 4, (count, 1)), axis=1)
    what = rng.integers(0, len(PRESENT), (count, 4))
    outlines = np.array([tuple(OUTLINES).index(name) for name in PRESENT])[what]
    present = np.zeros((count, len(PRESENT)))
    for quarter in range(4):
        middle = np.array([[quarter % 2], [quarter // 2]]) * SIZE / 2 - SIZE / 4
        centre = middle + between(rng, -1, 1, 2, count)
        radius = between(rng, blend(5.0, 4.0, difficulty), 5.5, count)
        reach = blend(0.6, 0.3, difficulty)
        colour = picture[:, :, 0, 0] + reach * rng.choice([-1, 1], (count, 3)) * between(rng, 0.5, 1, count, 3)
        mask = shape_masks(rng, outlines[:, quarter], centre, radius) * column(filled[:, quarter])
        picture = paint(picture, colour, mask)
        np.maximum.at(present, (np.arange(count), what[:, quarter]), filled[:, quarter])
    return grainy(rng, picture, blend(0.01, 0.07, difficulty)), present


def shape_masks(rng: np.random.Generator, labels: Labels, centre: Array, radius: Array) -> Array:
    """Coverage (n, 24, 24) of one shape per picture at a random rotation.

    Args:
        rng: draws the rotations.
        labels: shape (n,), index into ``OUTLINES``.
        centre: shape (2, n), x and y in pixels from the middle.
        radius: shape (n,), pixels from the centre to the outermost point.
    """
    x, y = pixel_grid()
    x, y = (x - column(centre[0])) / column(radius), (y - column(centre[1])) / column(radius)
    turn = column(between(rng, 0, 2 * np.pi, len(labels)))
    x, y = x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)
    distance = np.empty_like(x)
    for index, outline in enumerate(OUTLINES.values()):
        chosen = labels == index
        distance[chosen] = outline(x[chosen], y[chosen])
    return coverage(distance * column(radius))


def _disc(x: Array, y: Array) -> Array:
    return np.hypot(x, y) - 0.85


def _polygon(corners: int) -> Callable[[Array, Array], Array]:
    def outline(x: Array, y: Array) -> Array:
        sector = 2 * np.pi / corners
        angle = np.mod(np.arctan2(y, x), sector) - sector / 2
        return np.asarray(np.hypot(x, y) * np.cos(angle) - np.cos(sector / 2))

    return outline


def _star(x: Array, y: Array) -> Array:
    sector = 2 * np.pi / 5
    fold = np.abs(np.mod(np.arctan2(y, x), sector) / sector - 0.5) * 2
    return np.asarray((np.hypot(x, y) - (0.4 + 0.6 * fold)) * 0.7)


def _cross(x: Array, y: Array) -> Array:
    near, far = np.minimum(np.abs(x), np.abs(y)), np.maximum(np.abs(x), np.abs(y))
    return np.maximum(near - 0.28, far - 0.95)


def _ring(x: Array, y: Array) -> Array:
    return np.abs(np.hypot(x, y) - 0.65) - 0.22


OUTLINES: dict[str, Callable[[Array, Array], Array]] = {
    "disc": _disc,
    "triangle": _polygon(3),
    "square": _polygon(4),
    "star": _star,
    "cross": _cross,
    "ring": _ring,
}
"""Signed distance-like functions in units of the outer radius, negative inside."""

PRESENT = ("disc", "triangle", "cross", "ring")
"""Shapes of `presence`: those that a few pixels can still tell apart."""
