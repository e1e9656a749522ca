"""The stated scaling turns raw values into what the network sees."""

from __future__ import annotations

import pytest
import torch

from archlock.tasks.registry import load_task
from archlock.tasks.resample import map_channels, map_size


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 16), (1, 4, 4)])
def test_raw_digits_scaled_as_stated_are_the_inputs(shape: tuple[int, int, int]) -> None:
    native, brought = load_task("digits"), load_task("digits", input_shape=shape)
    assert native.scaling is not None
    assert brought.scaling is not None
    raw = native.test.inputs * native.scaling[1] + native.scaling[0]
    assert float(raw.min()) == pytest.approx(0, abs=1e-5)
    assert float(raw.max()) == pytest.approx(1, abs=1e-5)
    mean, spread = brought.scaling
    seen = (map_size(map_channels(raw, shape[0]), *shape[1:]) - mean) / spread
    assert torch.allclose(seen, brought.test.inputs, atol=1e-4)
