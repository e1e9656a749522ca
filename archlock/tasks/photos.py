"""Patches of the two sample photographs that ship with scikit-learn."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from scipy.ndimage import gaussian_filter

from archlock.seeding import numpy_generator
from archlock.tasks.samples import FOLDS, FloatImages, Indices, Parts, Samples, make_task
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task, TaskKind

PHOTOGRAPHS = ("china", "flower")
ALTERATIONS = ("as taken", "blurred", "turned", "red and blue exchanged")
CLASSES = tuple(f"{photograph}, {alteration}" for photograph in PHOTOGRAPHS for alteration in ALTERATIONS)
REDUCTION = 2
HEIGHT, WIDTH = 213, 320
"""Rows and columns of a photograph reduced by two."""
ROWS, COLUMNS = 4, 5
PATCH = 24
CANDIDATES = 6
"""Windows looked at for one patch; the one with the most contrast is cut, since bare sky shows no alteration."""
BLUR_PX = 1.2


def photo_patches(settings: TaskSettings) -> Task:
    """From which photograph a 24x24 colour patch is, and whether it was blurred, turned or had red and blue exchanged.

    The photographs (427x640) are reduced by two before patches are cut. Each is parted into 4x5 blocks; whole blocks
    go to train (12), validation (4) and test (4), so no pixel of a test patch is in another part. The fold turns
    which blocks those are. Patches of one part may overlap. The difficulty has no effect.
    """
    photographs = np.stack([_photograph(name) for name in PHOTOGRAPHS])
    count = settings.sample_count()
    test = count // FOLDS
    sizes = (count - test - test * 2 // 3, test * 2 // 3, test)
    rng = numpy_generator(settings.seed, settings.name, settings.fold, count)
    labels = [rng.permutation(np.arange(size) % len(CLASSES)) for size in sizes]
    inputs = [
        altered(cut(photographs, label, choose_corners(rng, photographs, label, blocks_of(part, settings.fold))), label)
        for part, label in enumerate(labels)
    ]
    parts = Parts(*(np.arange(start, stop) for start, stop in pairwise(np.cumsum([0, *sizes]))))
    note = "patches of two photographs (scikit-learn's china and flower), 24x24 colour, parts from disjoint blocks"
    samples = Samples(np.concatenate(inputs), np.concatenate(labels), TaskKind.CLASSIFICATION, CLASSES, note)
    return replace(make_task(samples, settings, parts), overlapping=True)


def blocks_of(part: int, fold: int) -> Indices:
    """Blocks (0 to 19, row by row) of train (0), validation (1) or test (2); each group is spread over the picture."""
    block = np.arange(ROWS * COLUMNS)
    group = (block % COLUMNS + 2 * (block // COLUMNS) - fold) % FOLDS
    return np.flatnonzero((group >= 2, group == 1, group == 0)[part])


def choose_corners(rng: np.random.Generator, photographs: FloatImages, label: Indices, blocks: Indices) -> Indices:
    """Top and left (n, 2) of a window inside one of the blocks for each patch: the most contrast of a few."""
    drawn = np.stack([draw_corners(rng, rng.choice(blocks, len(label))) for _ in range(CANDIDATES)])
    contrast = [cut(photographs, label, corners).std(axis=(1, 2, 3)) for corners in drawn]
    return np.asarray(drawn[np.argmax(contrast, axis=0), np.arange(len(label))])


def draw_corners(rng: np.random.Generator, block: Indices) -> Indices:
    """A random top and left (n, 2) for each block (n,), such that the window stays inside it."""
    height, width = HEIGHT // ROWS, WIDTH // COLUMNS
    top = block // COLUMNS * height + rng.integers(0, height - PATCH + 1, len(block))
    left = block % COLUMNS * width + rng.integers(0, width - PATCH + 1, len(block))
    return np.stack([top, left], axis=1)


def cut(photographs: FloatImages, label: Indices, corners: Indices) -> FloatImages:
    """The patches (n, 3, 24, 24), unaltered, from photographs (2, 213, 320, 3)."""
    offset = np.arange(PATCH)
    rows, columns = corners[:, 0, None] + offset, corners[:, 1, None] + offset
    which = label // len(ALTERATIONS)
    return np.moveaxis(photographs[which[:, None, None], rows[:, :, None], columns[:, None, :]], -1, 1)


def altered(patches: FloatImages, label: Indices) -> FloatImages:
    """The patches with the alteration of each one's class."""
    result = patches.copy()
    blurred, turned, exchanged = (label % len(ALTERATIONS) == which for which in (1, 2, 3))
    result[blurred] = gaussian_filter(patches[blurred], sigma=(0, 0, BLUR_PX, BLUR_PX), mode="nearest")
    result[turned] = np.rot90(patches[turned], axes=(2, 3))
    result[exchanged] = patches[exchanged][:, ::-1]
    return result


def _photograph(name: str) -> FloatImages:
    """One sample photograph in [0, 1], reduced by averaging squares of pixels: (213, 320, 3)."""
    from sklearn.datasets import load_sample_image

    pixels = load_sample_image(f"{name}.jpg")[: HEIGHT * REDUCTION, : WIDTH * REDUCTION]
    squares = pixels.reshape(HEIGHT, REDUCTION, WIDTH, REDUCTION, 3)
    return np.asarray(squares.mean(axis=(1, 3)) / 255, dtype=np.float32)
