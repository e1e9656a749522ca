"""Bringing tasks to other shapes, and that nothing of validation or test leaks into what training sees."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from archlock.errors import TaskError
from archlock.tasks.registry import load_task
from archlock.tasks.resample import fit_to, map_channels, map_size, normalised
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Split, Task, TaskKind

SHAPES = st.tuples(st.sampled_from([1, 3, 5]), st.integers(1, 33), st.integers(1, 33))
NAMES = ("digits", "colours", "darcy", "presence")


def small(name: str) -> Task:
    if name != "digits":
        return load_task(TaskSettings(name=name, samples=60))
    return load_task(name).fraction(0.05, torch.Generator().manual_seed(0))


def spoiled(task: Task, part: str) -> Task:
    """The task with other data in one of its parts."""
    split: Split = getattr(task, part)
    return replace(task, **{part: Split(split.inputs * 50 - 7, split.targets)})


@settings(max_examples=20, deadline=None)
@given(name=st.sampled_from(NAMES), shape=SHAPES)
def test_any_task_reaches_any_shape(name: str, shape: tuple[int, int, int]) -> None:
    task = fit_to(small(name), shape)
    assert task.io.input_shape == shape
    assert tuple(task.test.inputs.shape[1:]) == shape
    assert task.io.outputs == small(name).io.outputs
    if task.kind is TaskKind.DENSE:
        assert tuple(task.train.targets.shape[1:]) == (1, *shape[1:])


@settings(max_examples=20, deadline=None)
@given(name=st.sampled_from(NAMES), shape=SHAPES, part=st.sampled_from(["validation", "test"]))
def test_other_parts_change_nothing_of_train_or_of_the_scale(name: str, shape: tuple[int, int, int], part: str) -> None:
    task = small(name)
    clean, other = fit_to(task, shape), fit_to(spoiled(task, part), shape)
    kept = {"validation": "test", "test": "validation"}[part]
    assert torch.equal(clean.train.inputs, other.train.inputs)
    assert torch.equal(getattr(clean, kept).inputs, getattr(other, kept).inputs)
    assert torch.equal(clean.train.targets, other.train.targets)


def test_the_leak_test_can_fail() -> None:
    task = small("colours")
    assert not torch.equal(fit_to(task, (3, 8, 8)).test.inputs, fit_to(spoiled(task, "train"), (3, 8, 8)).test.inputs)


def test_test_inputs_are_scaled_with_the_training_mean_and_spread() -> None:
    task = load_task("digits")
    raw = replace(task, **{part: _affine(getattr(task, part)) for part in ("train", "validation", "test")})
    again = normalised(raw)
    mean, spread = raw.train.inputs.mean(), raw.train.inputs.std(correction=0)
    assert torch.allclose(again.test.inputs, (raw.test.inputs - mean) / spread, atol=1e-5)
    assert torch.allclose(again.train.inputs, task.train.inputs, atol=1e-4)


def _affine(split: Split) -> Split:
    return Split(split.inputs * 3 + 11, split.targets)


def test_colours_keep_their_proportions() -> None:
    task = small("colours")
    pixels, grey = task.train.inputs, fit_to(task, (1, 24, 24)).train.inputs
    luma = map_channels(pixels, 1)
    assert torch.allclose(grey, (luma - luma.mean()) / luma.std(correction=0), atol=1e-5)
    assert torch.allclose(map_channels(torch.ones(2, 3, 4, 4), 1), torch.ones(2, 1, 4, 4))


def test_grey_to_colour_repeats_and_other_channels_are_averaged() -> None:
    grey = torch.rand(2, 1, 4, 4)
    assert torch.equal(map_channels(grey, 3), grey.repeat(1, 3, 1, 1))
    many = torch.rand(2, 5, 4, 4)
    assert torch.allclose(map_channels(many, 3)[:, 2], many.mean(dim=1))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.floats(-5, 5))
def test_a_constant_picture_stays_constant(height: int, width: int, value: float) -> None:
    assert torch.allclose(map_size(torch.full((1, 2, 12, 9), value), height, width), torch.tensor(value), atol=1e-5)


def test_shrinking_averages_areas() -> None:
    picture = torch.rand(3, 1, 16, 16)
    assert torch.allclose(map_size(picture, 8, 8), torch.nn.functional.avg_pool2d(picture, 2), atol=1e-6)


def test_a_bad_shape_is_refused_and_the_note_tells_the_change() -> None:
    with pytest.raises(TaskError, match="at least 1"):
        fit_to(small("digits"), (3, 0, 8))
    assert "brought from 1x8x8 to 3x16x16" in fit_to(small("digits"), (3, 16, 16)).note
    assert fit_to(load_task("digits"), (1, 8, 8)) is load_task("digits")
