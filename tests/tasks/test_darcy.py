"""The Darcy solve against what is known of the equation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archlock.tasks.families.darcy import SLAB_RMS, finite_volume_matrix, solve_darcy, two_phase_fields


def poisson_series(size: int, terms: int = 80) -> np.ndarray:
    """Exact solution of -laplace u = 1 on the unit square, at cell centres (double sine series)."""
    x = (np.arange(size) + 0.5) / size
    odd = np.arange(1, 2 * terms, 2)
    sines = np.sin(np.pi * odd[:, None] * x)
    weights = 16 / (np.pi**4 * odd[:, None] * odd[None] * (odd[:, None] ** 2 + odd[None] ** 2))
    return np.einsum("mn,mi,nj->ij", weights, sines, sines)


def test_constant_permeability_is_the_poisson_problem() -> None:
    solved = solve_darcy(np.ones((1, 24, 24)))[0]
    assert np.abs(solved - poisson_series(24)).max() < 0.005 * solved.max()
    assert float(np.sqrt((solved**2).mean())) == pytest.approx(SLAB_RMS, rel=1e-2)


def test_error_falls_with_the_square_of_the_cell_size() -> None:
    errors = [np.abs(solve_darcy(np.ones((1, size, size)))[0] - poisson_series(size)).max() for size in (8, 16, 32)]
    assert errors[0] / errors[1] > 3
    assert errors[1] / errors[2] > 3


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), factor=st.floats(0.1, 50), difficulty=st.floats(0, 1))
def test_pressure_is_positive_and_scales_inversely_with_permeability(
    seed: int, factor: float, difficulty: float
) -> None:
    field = two_phase_fields(np.random.default_rng(seed), 2, difficulty)
    pressure = solve_darcy(field)
    assert pressure.min() > 0
    assert np.allclose(solve_darcy(factor * field), pressure / factor, rtol=1e-8)
    assert np.allclose(solve_darcy(field.transpose(0, 2, 1)), pressure.transpose(0, 2, 1), rtol=1e-8)


def test_solutions_do_not_depend_on_their_neighbours_in_the_batch() -> None:
    field = two_phase_fields(np.random.default_rng(0), 30, 0.5)
    assert np.allclose(solve_darcy(field)[27], solve_darcy(field[27:28])[0], rtol=1e-9)


def test_the_system_is_symmetric_and_what_flows_in_flows_out() -> None:
    field = two_phase_fields(np.random.default_rng(1), 1, 0.5)
    matrix = finite_volume_matrix(field)
    assert abs(matrix - matrix.T).max() < 1e-12
    edge = solve_darcy(field)[0] * 2 * field[0]
    outflow = edge[0].sum() + edge[-1].sum() + edge[:, 0].sum() + edge[:, -1].sum()
    assert outflow == pytest.approx(1.0, rel=1e-9)
