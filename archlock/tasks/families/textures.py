"""Textures: needs orientation and high spatial frequency, and nothing else. A small input or a coarse stem loses it."""

from __future__ import annotations

import numpy as np

from archlock.tasks.families.canvas import SIZE, Array, Labels, between, blend, classified, column, grainy, pixel_grid
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task

ORIENTATIONS_DEG = (0, 60, 120)
COARSE_CYCLES = (2.8, 3.8)
FINE_CYCLES = (5.0, 6.8)
CLASSES = (
    *(f"{angle} deg {band}" for band in ("coarse", "fine") for angle in ORIENTATIONS_DEG),
    "coarse noise",
    "fine noise",
)


def textures(settings: TaskSettings) -> Task:
    """Gratings of three orientations and two frequency bands, and noise without orientation in the same two bands.

    Difficulty adds pixel noise, lowers contrast and lets orientations stray. Grey, 24x24; the fine band is above
    the Nyquist limit of an 8x8 input.
    """
    return classified(settings, CLASSES, draw_textures, "generated gratings and band-pass noise, 24x24 grey")


def draw_textures(rng: np.random.Generator, labels: Labels, difficulty: float) -> Array:
    """Pictures (n, 1, 24, 24) of the classes in ``labels``."""
    count = len(labels)
    noisy = labels >= 2 * len(ORIENTATIONS_DEG)
    fine = np.where(noisy, labels == len(CLASSES) - 1, labels // len(ORIENTATIONS_DEG) == 1)
    cycles = np.where(fine, between(rng, *FINE_CYCLES, count), between(rng, *COARSE_CYCLES, count))
    angles = np.deg2rad(np.array(ORIENTATIONS_DEG)[labels % len(ORIENTATIONS_DEG)])
    angles = angles + rng.normal(0, np.deg2rad(blend(3, 15, difficulty)), count)
    waves = np.where(noisy[:, None, None], band_noise(rng, cycles), gratings(rng, cycles, angles))
    contrast = between(rng, blend(0.8, 0.4, difficulty), 1.0, count)
    return grainy(rng, (column(contrast) * waves)[:, None], blend(0.4, 3.2, difficulty))


def gratings(rng: np.random.Generator, cycles: Array, angles: Array) -> Array:
    """Sine gratings (n, 24, 24) of spread 1 at random phase; ``cycles`` per picture."""
    x, y = pixel_grid()
    along = x * column(np.cos(angles)) + y * column(np.sin(angles))
    phase = between(rng, 0, 2 * np.pi, len(cycles))
    return np.asarray(np.sqrt(2) * np.sin(2 * np.pi * column(cycles) * along / SIZE + column(phase)))


def band_noise(rng: np.random.Generator, cycles: Array, bandwidth: float = 0.7) -> Array:
    """Isotropic noise (n, 24, 24) of spread 1 around a frequency in cycles per picture."""
    axis = np.fft.fftfreq(SIZE, d=1 / SIZE)
    radius = np.hypot(*np.meshgrid(axis, axis))
    ring = np.exp(-(((radius - column(cycles)) / bandwidth) ** 2))
    field = np.fft.ifft2(np.fft.fft2(rng.normal(size=(len(cycles), SIZE, SIZE))) * ring).real
    return np.asarray(field / field.std(axis=(1, 2), keepdims=True))
