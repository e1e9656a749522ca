"""Darcy flow: a dense regression from a permeability field to the pressure that solves the flow equation through it."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve

from archlock.seeding import numpy_generator
from archlock.tasks.families.canvas import SIZE, Array, between, blend
from archlock.tasks.samples import Samples, make_task
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task, TaskKind

AT_ONCE = 25
"""Systems that are solved as one block-diagonal matrix: fewer calls, still a small factorisation."""


def darcy(settings: TaskSettings) -> Task:
    """Permeability a to pressure u of steady flow through a square: -div(a grad u) = 1, u = 0 on the border.

    The field has two phases, as in Li et al. (Fourier Neural Operator, ICLR 2021), split along a smooth random field.
    Difficulty raises the ratio of the phases from 3 to 30 and shortens their correlation length. The input is the
    logarithm of a, 1x24x24; the target is u at the cell centres in units of the root mean square of the solution for
    a = 1, a constant, so that the scale says nothing of the test part.
    """
    count = settings.sample_count()
    rng = numpy_generator(settings.seed, settings.name, settings.difficulty, count)
    field = two_phase_fields(rng, count, settings.difficulty)
    pressure = solve_darcy(field) / SLAB_RMS
    note = "generated permeability and its finite-volume pressure, 24x24, two phases"
    inputs, targets = np.log(field)[:, None].astype(np.float32), pressure[:, None].astype(np.float32)
    return make_task(Samples(inputs, targets, TaskKind.DENSE, (), note), settings)


def two_phase_fields(rng: np.random.Generator, count: int, difficulty: float) -> Array:
    """Permeabilities (count, 24, 24): 1 in one phase, the ratio in the other, geometric mean near 1."""
    length = blend(0.22, 0.08, difficulty)
    axis = np.fft.fftfreq(2 * SIZE, d=1 / (2 * SIZE)) / 2
    radius = np.hypot(*np.meshgrid(axis, axis))
    spectrum = np.exp(-((np.pi * radius * length) ** 2))
    white = rng.normal(size=(count, 2 * SIZE, 2 * SIZE))
    smooth = np.fft.ifft2(np.fft.fft2(white) * spectrum).real[:, :SIZE, :SIZE]
    ratio = blend(3.0, 30.0, difficulty) * between(rng, 0.8, 1.25, count, 1, 1)
    return np.where(smooth > 0, np.sqrt(ratio), 1 / np.sqrt(ratio))


def solve_darcy(permeability: Array) -> Array:
    """Pressure at cell centres of -div(a grad u) = 1 on the unit square with u = 0 on its border.

    Two-point flux finite volumes on a square grid: the conductance between two cells is the harmonic mean of their
    permeabilities, and 2a to the border, half a cell away.

    Args:
        permeability: shape (n, size, size), positive.

    Returns:
        shape (n, size, size).

    Source: LeVeque, Finite Volume Methods for Hyperbolic Problems, and any text on reservoir simulation (TPFA).
    """
    parts = [permeability[start : start + AT_ONCE] for start in range(0, len(permeability), AT_ONCE)]
    return np.concatenate([_solve_together(part) for part in parts])


def _solve_together(permeability: Array) -> Array:
    matrix = finite_volume_matrix(permeability)
    size = permeability.shape[-1]
    source = np.full(matrix.shape[0], 1 / size**2)
    return np.asarray(spsolve(matrix, source)).reshape(permeability.shape)


def finite_volume_matrix(permeability: Array) -> sparse.csc_matrix:
    """The block-diagonal, symmetric positive definite system of `solve_darcy`, one block per sample."""
    cells = np.arange(permeability.size).reshape(permeability.shape)
    diagonal = np.zeros(permeability.shape)
    rows, columns, values = [], [], []
    for axis in (1, 2):
        first, second = np.delete(permeability, -1, axis), np.delete(permeability, 0, axis)
        link = 2 * first * second / (first + second)
        here, there = np.delete(cells, -1, axis).ravel(), np.delete(cells, 0, axis).ravel()
        rows += [here, there]
        columns += [there, here]
        values += [-link.ravel(), -link.ravel()]
        border = [(0, 0)] * 3
        border[axis] = (1, 1)
        padded = np.pad(link, border)
        diagonal += np.delete(padded, -1, axis) + np.delete(padded, 0, axis)
        edge = np.zeros(permeability.shape[axis])
        edge[[0, -1]] = 2
        diagonal += permeability * np.expand_dims(edge, 2 - axis)
    rows.append(cells.ravel())
    columns.append(cells.ravel())
    values.append(diagonal.ravel())
    triplets = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.coo_matrix(triplets, shape=(cells.size, cells.size)).tocsc()


SLAB_RMS = 0.0414
"""Root mean square of the solution for permeability 1, the unit in which pressures are given."""
