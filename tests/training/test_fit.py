"""The training loop: it learns, it repeats, and it leaves alone what it must not touch."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from archlock.iospec import IOSpec, OutputKind
from archlock.seeding import torch_generator
from archlock.tasks.registry import load_task
from archlock.tasks.task import Split
from archlock.training.fit import (
    EVALUATION_BATCH,
    EVALUATION_PIXELS,
    Schedule,
    evaluate,
    fit,
    in_batches,
    one_cycle,
    predict,
)

DIGITS = load_task("digits", input_shape=(1, 8, 8))


def small_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 12, 3, 2, 1), nn.BatchNorm2d(12), nn.ReLU(), nn.Flatten(), nn.Linear(12 * 16, 10))


def test_learns_digits() -> None:
    network = small_network()
    fitted = fit(network, DIGITS, Schedule(120, 32, 0.01), torch_generator(0))
    assert fitted.validation > 0.85
    assert fitted.losses[-1] < fitted.losses[0]
    assert not fitted.diverged
    assert fitted.validation == evaluate(network, DIGITS, DIGITS.validation)


def test_same_generator_same_weights() -> None:
    states = []
    for _ in range(2):
        network = small_network()
        fit(network, DIGITS, Schedule(15), torch_generator(7))
        states.append(network.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_only_trainable_parameters_move() -> None:
    network = small_network()
    first = network[0]
    for parameter in first.parameters():
        parameter.requires_grad_(False)
    before = {name: value.clone() for name, value in first.state_dict().items()}
    fit(network, DIGITS, Schedule(10), torch_generator(0))
    assert all(torch.equal(value, first.state_dict()[name]) for name, value in before.items())


def test_test_data_is_never_read() -> None:
    poisoned = dataclasses.replace(DIGITS)
    object.__setattr__(poisoned, "test", None)
    fitted = fit(small_network(), poisoned, Schedule(5), torch_generator(0))
    assert len(fitted.losses) == 5


def test_divergence_is_told_and_predictions_stay_finite() -> None:
    network = small_network()
    with torch.no_grad():
        network[4].weight.fill_(float("inf"))
    fitted = fit(network, DIGITS, Schedule(5), torch_generator(0))
    assert fitted.diverged
    assert torch.isfinite(predict(network, DIGITS.test.inputs)).all()


@pytest.mark.parametrize("samples", [3, 31, 33])
def test_every_size_of_data_gives_all_steps(samples: int) -> None:
    some = dataclasses.replace(DIGITS, train=DIGITS.train.take(torch.arange(samples)))
    assert len(fit(small_network(), some, Schedule(7, batch=32), torch_generator(0)).losses) == 7


@given(st.floats(0, 1))
def test_one_cycle_stays_within_the_peak(progress: float) -> None:
    assert 0 <= one_cycle(progress) <= 1


def test_dense_regression_learns() -> None:
    generator = torch_generator(1)
    inputs = torch.randn(120, 1, 8, 8, generator=generator)
    parts = [Split(inputs[s], 2 * inputs[s] + 1) for s in (slice(0, 80), slice(80, 100), slice(100, 120))]
    task = dataclasses.replace(
        DIGITS,
        name="affine",
        kind=type(DIGITS.kind)("dense"),
        io=IOSpec(1, 8, 8, OutputKind.DENSE, 1),
        train=parts[0],
        validation=parts[1],
        test=parts[2],
    )
    network = nn.Conv2d(1, 1, 1)
    fit(network, task, Schedule(300, 16, 0.05), torch_generator(0))
    assert evaluate(network, task, task.test) > 0.95


@given(st.integers(1, 600), st.sampled_from([(1, 1), (16, 16), (64, 64), (224, 224), (2000, 2000)]))
def test_large_pictures_are_asked_about_in_small_batches(samples: int, size: tuple[int, int]) -> None:
    inputs = torch.zeros(1, 1, 1, 1).expand(samples, 1, *size)
    parts = in_batches(inputs)
    assert sum(map(len, parts)) == samples
    assert all(len(part) == 1 or len(part) * size[0] * size[1] <= EVALUATION_PIXELS for part in parts)
    assert max(map(len, parts)) <= EVALUATION_BATCH
    if size[0] <= 32:
        assert len(parts) == -(-samples // EVALUATION_BATCH)
