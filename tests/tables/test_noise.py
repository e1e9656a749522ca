"""The noise floor that twins show."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlock.tables.noise import noise_floor


def test_a_known_noise_is_found_in_the_upper_half():
    rng = np.random.default_rng(0)
    classes = np.repeat(np.arange(2000), 2)
    values = np.arange(2000)[classes] / 100 + np.where(classes >= 1000, 0.3, 5.0) * rng.standard_normal(4000)
    quality = np.arange(2000)[classes] + 0.0
    floor = noise_floor(np.where(classes >= 1000, values, quality / 100 - 10), classes)
    assert floor is not None
    assert floor.raw == pytest.approx(0.3, rel=0.1)
    assert 900 <= floor.classes <= 1000


@given(st.floats(0.1, 10), st.floats(-100, 100))
def test_points_do_not_depend_on_the_unit(scale, shift):
    rng = np.random.default_rng(1)
    classes, values = np.unique(rng.integers(0, 40, 100), return_inverse=True)[1], rng.normal(size=100)
    one, other = noise_floor(values, classes), noise_floor(scale * values + shift, classes)
    assert one
    assert other
    assert other.points == pytest.approx(one.points)
    assert other.raw == pytest.approx(scale * one.raw, rel=1e-6)


def test_equal_twins_have_no_noise_and_a_table_without_twins_no_floor():
    classes = np.repeat(np.arange(10), 3)
    equal = noise_floor(classes.astype(float), classes)
    assert equal is not None
    assert (equal.raw, equal.points) == pytest.approx((0, 0), abs=1e-9)
    assert noise_floor(np.arange(10.0), np.arange(10)) is None
