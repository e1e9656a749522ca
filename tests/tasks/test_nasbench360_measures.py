"""The published measures against scikit-learn and against their definitions written out."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score
from torch import nn

from archlock.errors import TaskError
from archlock.tasks.nasbench360.measures import (
    MACRO_F1,
    MAE8,
    MEAN_AUROC,
    MEAN_AVERAGE_PRECISION,
    PIXEL_AUROC,
    RELATIVE_L2,
    masked_cross_entropy,
)
from archlock.tasks.registry import load_task
from archlock.tasks.task import Measure, Split
from archlock.training.fit import evaluate

SEEDS = st.integers(0, 10_000)


def drawn(seed: int, count: int, labels: int, ties: bool) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    outputs = torch.randn(count, labels, generator=generator, dtype=torch.float64)
    targets = (torch.rand(count, labels, generator=generator) > 0.6).float()
    targets[0], targets[1] = 1, 0
    return (outputs.round() if ties else outputs), targets


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS, ties=st.booleans())
def test_ranking_measures_agree_with_scikit_learn(seed: int, ties: bool) -> None:
    outputs, targets = drawn(seed, 30, 4, ties)
    expected = average_precision_score(targets.numpy(), outputs.numpy(), average="macro")
    assert MEAN_AVERAGE_PRECISION.metric(outputs, targets, None) == pytest.approx(expected)
    expected = roc_auc_score(targets.numpy(), outputs.numpy(), average="macro")
    assert MEAN_AUROC.metric(outputs, targets, None) == pytest.approx(expected)


@settings(deadline=None, max_examples=40)
@given(SEEDS)
def test_clips_are_judged_by_the_mean_of_their_chunks(seed: int) -> None:
    outputs, targets = drawn(seed, 20, 3, ties=False)
    chunks, clip = torch.cat([outputs + 1, outputs - 1, outputs]), torch.arange(20).repeat(3)
    whole = MEAN_AVERAGE_PRECISION.metric(outputs, targets, None)
    assert MEAN_AVERAGE_PRECISION.metric(chunks, targets.repeat(3, 1), clip * 7) == pytest.approx(whole)


@settings(deadline=None, max_examples=40)
@given(SEEDS)
def test_recordings_are_judged_by_a_vote_of_their_windows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    recording = np.repeat(np.arange(12), 5)
    truth, predicted = np.arange(12) % 4, rng.integers(0, 4, 60)
    # Counter takes the first of a tie; sorted windows make that the lowest class, as ours does.
    votes = [Counter(sorted(predicted[recording == one])).most_common(1)[0][0] for one in range(12)]
    outputs = nn.functional.one_hot(torch.from_numpy(predicted), 4).double()
    mixed = torch.from_numpy(rng.permutation(60))
    score = MACRO_F1.metric(
        outputs[mixed], torch.from_numpy(truth[recording])[mixed], torch.from_numpy(recording)[mixed]
    )
    assert score == pytest.approx(f1_score(truth, votes, average="macro"))


def test_labels_without_both_values_are_left_out_or_named() -> None:
    outputs, targets = drawn(0, 10, 3, ties=False)
    targets[:, 1] = 0
    pair = [0, 2]
    assert MEAN_AUROC.metric(outputs, targets, None) == MEAN_AUROC.metric(outputs[:, pair], targets[:, pair], None)
    for measure in (MEAN_AUROC, MEAN_AVERAGE_PRECISION, PIXEL_AUROC):
        with pytest.raises(TaskError, match="take more samples"):
            measure.metric(outputs, torch.zeros_like(targets), None)


def test_ignored_pixels_count_neither_in_the_loss_nor_in_the_metric() -> None:
    outputs, targets = drawn(1, 6, 40, ties=False)
    expected = nn.functional.binary_cross_entropy_with_logits(outputs, targets.double())
    assert float(masked_cross_entropy(outputs, targets)) == pytest.approx(float(expected))
    score = PIXEL_AUROC.metric(outputs, targets, None)
    assert score == pytest.approx(roc_auc_score(targets.flatten().numpy(), outputs.flatten().numpy()))
    more = torch.cat([outputs, torch.full_like(outputs, 9)], dim=1)
    ignored = torch.cat([targets, torch.full_like(targets, -1)], dim=1)
    assert float(masked_cross_entropy(more, ignored)) == pytest.approx(float(expected))
    assert PIXEL_AUROC.metric(more, ignored, None) == score


@settings(deadline=None, max_examples=30)
@given(seed=SEEDS, scale=st.floats(0.01, 100))
def test_relative_l2_does_not_depend_on_the_unit(seed: int, scale: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    outputs, targets = torch.randn(2, 5, 1, 6, 6, generator=generator, dtype=torch.float64)
    error = [((o - t) ** 2).sum().sqrt() / (t**2).sum().sqrt() for o, t in zip(outputs, targets, strict=True)]
    score = RELATIVE_L2.metric(outputs * scale, targets * scale, None)
    assert score == pytest.approx(1 - float(torch.stack(error).mean()))
    assert RELATIVE_L2.loss is not None
    assert float(RELATIVE_L2.loss(outputs, targets)) == pytest.approx(1 - score)


def published_mae8(maps: list[np.ndarray], truths: list[np.ndarray]) -> float:
    """PDNET's loop, on whole maps: pairs up to 8 angstrom, both triangles averaged, mean per protein."""
    errors = []
    for predicted, truth in zip(maps, truths, strict=True):
        found = [
            abs(max((predicted[p, q] + predicted[q, p]) / 2, 0.01) - truth[p, q])
            for p in range(len(truth))
            for q in range(p + 24, len(truth))
            if truth[p, q] <= 8
        ]
        if found:
            errors.append(np.mean(found))
    return float(np.mean(errors))


@settings(deadline=None, max_examples=20)
@given(SEEDS)
def test_mae8_of_windows_is_that_of_whole_maps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    maps, truths, windows, targets, groups = [], [], [], [], []
    separation = np.abs(np.arange(60)[:, None] - np.arange(60))
    for protein in range(3):
        half = np.triu(rng.uniform(2, 16, (60, 60)))
        truth, predicted = half + half.T - np.diag(np.diag(half)), rng.uniform(-1, 16, (60, 60))
        judged = np.where(separation < 24, 16, truth)
        maps.append(predicted)
        truths.append(truth)
        for row, column in np.ndindex(2, 2):
            cut = np.s_[row * 30 : row * 30 + 30, column * 30 : column * 30 + 30]
            windows.append(predicted[cut])
            targets.append(judged[cut])
            groups.append((protein, row, column))
    mixed = rng.permutation(12)
    arrays = (np.stack(part)[mixed] for part in (windows, targets, np.array(groups)))
    outputs, truth_windows, places = map(torch.from_numpy, arrays)
    score = MAE8.metric(outputs[:, None], truth_windows[:, None], places)
    assert score == pytest.approx(1 - published_mae8(maps, truths) / 8)


def test_a_map_without_judged_pairs_is_named() -> None:
    with pytest.raises(TaskError, match="more proteins"):
        MAE8.metric(torch.zeros(2, 1, 4, 4), torch.full((2, 1, 4, 4), 16.0), None)


def test_a_tasks_own_measure_is_used_with_its_groups_and_survives_resizing() -> None:
    def metric(outputs: torch.Tensor, targets: torch.Tensor, groups: torch.Tensor | None) -> float:
        return -1.0 if groups is None else float(groups.sum())

    digits = load_task("digits")
    task = replace(
        digits, measure=Measure("sum", metric), test=replace(digits.test, groups=torch.arange(len(digits.test)))
    )
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    total = sum(range(len(digits.test)))
    assert task.metric_name == "sum"
    assert evaluate(network, task, task.test) == total
    assert evaluate(network, task, task.test.take(torch.tensor([2, 5]))) == 7
    assert evaluate(network, task, task.validation) == -1
    outputs, targets = network(task.test.inputs), task.test.targets
    assert torch.equal(task.loss(outputs, targets), digits.loss(outputs, targets))
    assert Split(task.test.inputs, targets).groups is None
