"""Patches of the two sample photographs that ship with scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archlock.seeding import numpy_generator
from archlock.tasks.samples import FOLDS, FloatImages, Indices, Parts, Samples, make_task
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task, TaskKind

PHOTOGRAPHS = ("china", "flower")
MAGNIFICATIONS = (1, 2, 4)
PATCH = 24
ROWS, COLUMNS = 4, 5
CLASSES = tuple(f"{photograph} 1:{scale}" for photograph in PHOTOGRAPHS for scale in MAGNIFICATIONS)
SHARES = (4 / 6, 1 / 6, 1 / 6)


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
    height, width = photographs[0].shape[:2]
    count = settings.sample_count()
    rng = numpy_generator(settings.seed, settings.name, settings.fold, count)
    sizes = [count - 2 * round(count / 6), round(count / 6), round(count / 6)]
    windows = [
        draw_windows(rng, size, blocks_of(part, settings.fold), height, width) for part, size in enumerate(sizes)
    ]
    inputs = np.concatenate([cut(photographs, group) for group in windows])
    labels = np.concatenate([group.label for group in windows])
    edges = np.cumsum([0, *sizes])
    parts = Parts(*(np.arange(start, stop) for start, stop in zip(edges, edges[1:], strict=False)))
    note = "patches of two photographs (scikit-learn's china and flower), 24x24 colour, parts from disjoint blocks"
    return make_task(Samples(inputs, labels, TaskKind.CLASSIFICATION, CLASSES, note), settings, parts)


def blocks_of(part: int, fold: int) -> Indices:
    """Blocks (0 to 19, row by row) of train (0), validation (1) or test (2); each group is spread over the picture."""
    block = np.arange(ROWS * COLUMNS)
    group = (block % COLUMNS + 2 * (block // COLUMNS) - fold) % FOLDS
    return block[{0: group >= 2, 1: group == 1, 2: group == 0}[part]]


def draw_windows(rng: np.random.Generator, count: int, blocks: Indices, height: int, width: int) -> Windows:
    """Balanced classes, random blocks, and a corner such that the window stays inside its block."""
    label = rng.permutation(np.arange(count) % len(CLASSES))
    block = rng.choice(blocks, count)
    side = PATCH * np.array(MAGNIFICATIONS)[label % len(MAGNIFICATIONS)]
    block_height, block_width = height // ROWS, width // COLUMNS
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

    return np.asarray(load_sample_image(f"{name}.jpg"), dtype=np.uint8)
