"""Counting: needs small separate objects to stay apart, and to be summed over the whole picture."""

from __future__ import annotations

import numpy as np

from archlock.tasks.families.canvas import (
    SIZE,
    Array,
    Labels,
    between,
    blend,
    classified,
    column,
    coverage,
    grainy,
    paint,
    pixel_grid,
)
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task

MOST = 6
CELLS = 5
CELL_PX = SIZE / CELLS
COUNTED = np.array([0.9, 0.45, 0.15])
PASSED_OVER = np.array([0.2, 0.55, 0.85])


def counting(settings: TaskSettings) -> Task:
    """How many warm dots are in the picture, one to six; cool dots of the same lightness do not count.

    All dots of a picture share a size that differs between pictures, so that the area of ink does not tell the
    number. Difficulty adds cool dots, makes dots smaller and adds noise. Colour, 24x24.
    """
    classes = tuple(str(number) for number in range(1, MOST + 1))
    return classified(settings, classes, draw_counting, "generated warm dots among cool ones, 24x24 colour")


def draw_counting(rng: np.random.Generator, labels: Labels, difficulty: float) -> Array:
    """Pictures (n, 3, 24, 24) with ``labels + 1`` warm dots."""
    count = len(labels)
    warm = labels + 1
    cool = rng.integers(0, round(blend(0, 6, difficulty)) + 1, count)
    radius = between(rng, blend(1.8, 1.2, difficulty), 2.2, count)
    ground = between(rng, 0.0, blend(0.2, 0.4, difficulty), count, 3)
    centres = cell_centres(rng, count, blend(0.15, 0.2, difficulty))
    picture = np.broadcast_to(column(ground), (count, 3, SIZE, SIZE))
    for dot in range(MOST + int(cool.max(initial=0))):
        colour = np.where((dot < warm)[:, None], COUNTED, PASSED_OVER) + rng.normal(0, 0.06, (count, 3))
        mask = dots(centres[:, dot], radius) * column((dot < warm + cool).astype(np.float64))
        picture = paint(picture, colour, mask)
    return grainy(rng, picture, blend(0.02, 0.12, difficulty))


def cell_centres(rng: np.random.Generator, count: int, stray: float) -> Array:
    """Centres (count, 25, 2) in pixels from the middle: all cells of a 5x5 lattice in random order, each displaced."""
    steps = (np.arange(CELLS) - (CELLS - 1) / 2) * CELL_PX
    lattice = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    order = rng.permuted(np.tile(np.arange(len(lattice)), (count, 1)), axis=1)
    return np.asarray(lattice[order] + between(rng, -stray, stray, count, len(lattice), 2) * CELL_PX)


def dots(centre: Array, radius: Array) -> Array:
    """Coverage (n, 24, 24) of one disc per picture; centre (n, 2) and radius (n,) in pixels."""
    x, y = pixel_grid()
    return coverage(np.hypot(x - column(centre[:, 0]), y - column(centre[:, 1])) - column(radius))
