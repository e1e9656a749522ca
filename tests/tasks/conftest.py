from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

Arrays = dict[str, np.ndarray]


@pytest.fixture
def arrays() -> Arrays:
    """A small valid .npz task of three classes."""
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (60, 9, 7, 3), dtype=np.uint8),
        "y_train": np.arange(60) % 3,
        "x_test": rng.integers(0, 256, (15, 9, 7, 3), dtype=np.uint8),
        "y_test": np.arange(15) % 3,
        "classes": np.array(["cat", "dog", "owl"]),
    }


@pytest.fixture
def save(tmp_path: Path) -> Callable[[Arrays], str]:
    """Write arrays to a file and give the task's name."""

    def write(arrays: Arrays, name: str = "task.npz") -> str:
        np.savez(tmp_path / name, **arrays)
        return f"npz:{tmp_path / name}"

    return write
