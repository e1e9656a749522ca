"""A user's table on disk, made by the test."""

from __future__ import annotations

import numpy as np
import pytest

from archlock.testing import arrays_of, small_table


@pytest.fixture(scope="session")
def arrays():
    """Arrays of a user's file: 4,096 cells, one row in eight a twin."""
    return arrays_of(small_table(rows=4096, tasks=3))


@pytest.fixture(scope="session")
def table_file(arrays, tmp_path_factory):
    """The file."""
    path = tmp_path_factory.mktemp("table") / "mine.npz"
    np.savez(path, **arrays)
    return path
