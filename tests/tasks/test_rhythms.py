"""The signals behind the rhythm task, and both ways to see them."""

from __future__ import annotations

import numpy as np
import pytest

from archlock.tasks.families.rhythms import (
    CLASSES,
    LENGTH,
    RATE_HZ,
    SCALES_HZ,
    beat_times,
    draw_rhythms,
    scalogram,
)
from archlock.tasks.registry import load_task
from archlock.tasks.settings import TaskSettings


def times_of(name: str, count: int = 200, difficulty: float = 0.0) -> np.ndarray:
    labels = np.full(count, CLASSES.index(name))
    return beat_times(np.random.default_rng(0), labels, difficulty)


def intervals(name: str) -> list[np.ndarray]:
    return [np.diff(np.sort(row[(row > 0) & (row < LENGTH / RATE_HZ)])) for row in times_of(name)]


def test_fast_is_faster_than_regular_is_faster_than_slow() -> None:
    fast, regular, slow = (np.concatenate(intervals(name)) for name in ("fast", "regular", "slow"))
    assert fast.max() < regular.min()
    assert regular.max() < slow.min() + 0.15
    assert np.mean(slow) > 1.1


def test_irregular_intervals_vary_and_regular_ones_do_not() -> None:
    def variation(name: str) -> float:
        return float(np.mean([gaps.std() / gaps.mean() for gaps in intervals(name)]))

    assert variation("regular") < 0.03 < 0.2 < variation("irregular")


def test_a_dropped_beat_leaves_one_gap_of_two_intervals() -> None:
    ratios = np.array([gaps.max() / np.median(gaps) for gaps in intervals("dropped beat")])
    assert np.all(np.abs(ratios - 2) < 0.15)


def test_an_early_beat_leaves_one_short_and_one_long_interval() -> None:
    for gaps in intervals("early beat"):
        assert gaps.min() < 0.75 * np.median(gaps)
        assert gaps.max() > 1.25 * np.median(gaps)


def test_every_signal_has_its_peaks_at_its_beats() -> None:
    labels = np.full(20, CLASSES.index("regular"))
    signals = draw_rhythms(np.random.default_rng(3), labels, 0.0)
    times = beat_times(np.random.default_rng(3), labels, 0.0)
    for signal, row in zip(signals, times, strict=True):
        inside = np.rint(row[(row > 0.1) & (row < 7.9)] * RATE_HZ).astype(int)
        assert signal[inside].min() > 0.5


def test_a_pure_tone_lights_up_its_own_row() -> None:
    clock = np.arange(LENGTH) / RATE_HZ
    for row in (10, 20, 28):
        picture = scalogram(np.sin(2 * np.pi * SCALES_HZ[row] * clock)[None])[0]
        assert int(picture.mean(axis=1).argmax()) == row
        assert picture[row].mean() == pytest.approx(1.0, abs=0.1)


def test_the_setting_says_how_a_signal_is_seen() -> None:
    picture = load_task(TaskSettings(name="rhythms", samples=60))
    row = load_task(TaskSettings(name="rhythms", samples=60, view="row"))
    assert picture.io.input_shape == (1, 32, 32)
    assert row.io.input_shape == (1, 1, LENGTH)
    assert "scalogram" in picture.note
    assert "(C, 1, L)" in row.note
    assert picture.name != row.name
    assert load_task(TaskSettings(name="rhythms", samples=60, view="row"), input_shape=(3, 1, 128)).io.width == 128
