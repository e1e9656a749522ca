"""Letter-like glyphs: needs the layout of thin strokes, and where up is. Coarse pixels merge the strokes."""

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
    pixel_grid,
)
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task

LETTERS = {
    "A": "80 02 02 84 41 43",
    "E": "00 80 00 04 40 43 80 84",
    "F": "00 80 00 04 40 43",
    "H": "00 80 04 84 40 44",
    "K": "00 80 40 04 40 84",
    "L": "00 80 80 84",
    "M": "80 00 00 42 42 04 04 84",
    "N": "80 00 00 84 84 04",
    "T": "00 04 02 82",
    "V": "00 82 82 04",
    "X": "00 84 04 80",
    "Z": "00 04 04 80 80 84",
}
"""Strokes as pairs of points; a point is its row (0 top to 8) and column (0 left to 4)."""

STROKES = max(len(points.split()) // 2 for points in LETTERS.values())


def glyphs(settings: TaskSettings) -> Task:
    """One of twelve letters made of straight strokes, each corner moved a little, the whole slightly turned and scaled.

    Difficulty moves corners further, turns and shrinks more, varies the contrast and adds noise. Grey, 24x24.
    """
    return classified(settings, tuple(LETTERS), draw_glyphs, "generated letters of straight strokes, 24x24 grey")


def draw_glyphs(rng: np.random.Generator, labels: Labels, difficulty: float) -> Array:
    """Pictures (n, 1, 24, 24) of the letters in ``labels``."""
    count = len(labels)
    ends = stroke_ends()[labels]
    ends = ends + rng.normal(0, blend(0.02, 0.24, difficulty), ends.shape)
    turn = between(rng, -1, 1, count) * blend(0.02, 0.16, difficulty)
    size = between(rng, blend(8.0, 4.5, difficulty), blend(9.0, 6.5, difficulty), count)
    place = between(rng, -1, 1, count, 1, 1, 2) * blend(1.0, 6.0, difficulty)
    rotation = np.stack([np.stack([np.cos(turn), -np.sin(turn)], -1), np.stack([np.sin(turn), np.cos(turn)], -1)], -2)
    ends = np.einsum("nsep,nqp->nseq", ends, rotation) * size[:, None, None, None] + place
    ink = coverage(stroke_distance(ends) - column(between(rng, 0.4, 0.8, count)))
    contrast = between(rng, blend(0.9, 0.4, difficulty), 1.0, count) * rng.choice([-1.0, 1.0], count)
    return grainy(rng, 0.5 + 0.5 * (ink * column(contrast))[:, None], blend(0.02, 0.24, difficulty))


def stroke_ends() -> Array:
    """Ends of every stroke of every letter, shape (letters, strokes, 2, 2), x and y in [-1, 1].

    Letters with fewer strokes than the others repeat their first one.
    """
    letters = []
    for text in LETTERS.values():
        points = [((int(point[1]) - 2) / 3, (int(point[0]) - 4) / 4) for point in text.split()]
        strokes = list(zip(points[::2], points[1::2], strict=True))
        letters.append(strokes + strokes[:1] * (STROKES - len(strokes)))
    return np.array(letters, dtype=np.float64)


def stroke_distance(ends: Array) -> Array:
    """Distance (n, 24, 24) of every pixel to the nearest of some strokes (n, strokes, 2, 2), in pixels."""
    pixels = np.stack(pixel_grid(), axis=-1)
    nearest = np.full((len(ends), SIZE, SIZE), np.inf)
    for stroke in range(ends.shape[1]):
        start, end = ends[:, stroke, 0, None, None], ends[:, stroke, 1, None, None]
        along = end - start
        share = ((pixels - start) * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-9)
        gap = pixels - start - np.clip(share, 0, 1)[..., None] * along
        np.minimum(nearest, np.hypot(gap[..., 0], gap[..., 1]), out=nearest)
    return nearest
