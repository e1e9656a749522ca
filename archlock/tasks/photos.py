"""Patches of the two sample photographs that ship with scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from archlock.errors import TaskError
from archlock.seeding import numpy_generator
from archlock.tasks.samples import FOLDS, FloatImages, Indices, Parts, Samples, make_task
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task, TaskKind

PHOTOGRAPHS = ("china", "flower")
MAGNIFICATIONS = (1, 2, 4)
PATCH = 24
HEIGHT, WIDTH = 427, 640
ROWS, COLUMNS = 4, 5
CLASSES = tuple(f"{photograph} 1:{scale}" for photograph in PHOTOGRAPHS for scale in MAGNIFICATIONS)
CANDIDATES = 6
"""Windows looked at for one patch; the one with the most contrast is cut, since bare sky has no scale."""


@dataclass(frozen=True)
class Windows:
    """Where each patch was cut: class, block and the corner in the photograph's pixels; each of shape (n,)."""

    label: Indices
    block: Indices
    top: Indices
    left: Indices


def photo_patches(settings: TaskSettings) -> Task:
    """From which photograph a 24x24 patch is, and how much it was reduced: 1, 2 or 4 times; six classes, colour.

    Each photograph (427x640) is cut into 4x5 blocks; whole blocks go to train (12), validation (4) and test (4), so
    no pixel of a test patch is in another part. The fold turns which blocks those are. Patches of one part may overlap.
    The difficulty has no effect.
    """
    photographs = [_photograph(name) for name in PHOTOGRAPHS]
    count = settings.sample_count()
    rng = numpy_generator(settings.seed, settings.name, settings.fold, count)
    sizes = [count - 2 * round(count / 6), round(count / 6), round(count / 6)]
    groups = [choose_windows(rng, photographs, size, blocks_of(part, settings.fold)) for part, size in enumerate(sizes)]
    inputs = np.concatenate([cut(photographs, group) for group in groups])
    labels = np.concatenate([group.label for group in groups])
    edges = np.cumsum([0, *sizes])
    parts = Parts(*(np.arange(start, stop) for start, stop in pairwise(edges)))
    note = "patches of two photographs (scikit-learn's china and flower), 24x24 colour, parts from disjoint blocks"
    return make_task(Samples(inputs, labels, TaskKind.CLASSIFICATION, CLASSES, note), settings, parts)


def blocks_of(part: int, fold: int) -> Indices:
    """Blocks (0 to 19, row by row) of train (0), validation (1) or test (2); each group is spread over the picture."""
    block = np.arange(ROWS * COLUMNS)
    group = (block % COLUMNS + 2 * (block // COLUMNS) - fold) % FOLDS
    return np.flatnonzero((group >= 2, group == 1, group == 0)[part])


def choose_windows(
    rng: np.random.Generator, photographs: list[NDArray[np.uint8]], count: int, blocks: Indices
) -> Windows:
    """Balanced classes, random blocks, and of some random windows in each block the one with the most contrast."""
    label = rng.permutation(np.arange(count) % len(CLASSES))
    drawn = [draw_windows(rng, label, rng.choice(blocks, count)) for _ in range(CANDIDATES)]
    best = np.argmax([cut(photographs, windows).std(axis=(1, 2, 3)) for windows in drawn], axis=0)

    def pick(values: list[Indices]) -> Indices:
        return np.asarray(np.stack(values)[best, np.arange(count)])

    return Windows(label, *(pick([getattr(one, key) for one in drawn]) for key in ("block", "top", "left")))


def draw_windows(rng: np.random.Generator, label: Indices, block: Indices) -> Windows:
    """A random corner for each patch such that its window stays inside its block."""
    side = PATCH * np.array(MAGNIFICATIONS)[label % len(MAGNIFICATIONS)]
    block_height, block_width = HEIGHT // ROWS, WIDTH // COLUMNS
    top = block // COLUMNS * block_height + rng.integers(0, block_height - side + 1)
    left = block % COLUMNS * block_width + rng.integers(0, block_width - side + 1)
    return Windows(label, block, top, left)


def cut(photographs: list[NDArray[np.uint8]], windows: Windows) -> FloatImages:
    """The patches (n, 3, 24, 24) in [0, 1], reduced by averaging squares of pixels."""
    patches = np.empty((len(windows.label), 3, PATCH, PATCH), dtype=np.float32)
    for index, (label, top, left) in enumerate(zip(windows.label, windows.top, windows.left, strict=True)):
        scale = MAGNIFICATIONS[label % len(MAGNIFICATIONS)]
        side = PATCH * scale
        window = photographs[label // len(MAGNIFICATIONS)][top : top + side, left : left + side]
        squares = window.reshape(PATCH, scale, PATCH, scale, 3).mean(axis=(1, 3))
        patches[index] = np.moveaxis(squares, -1, 0) / 255
    return patches


def _photograph(name: str) -> NDArray[np.uint8]:
    """One sample photograph, (427, 640, 3)."""
    from sklearn.datasets import load_sample_image

    try:
        return np.asarray(load_sample_image(f"{name}.jpg"), dtype=np.uint8)
    except ImportError:
        raise TaskError("photo-patches: reading photographs needs Pillow: pip install 'pillow>=10'") from None
