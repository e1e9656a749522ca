"""The published losses and metrics that are not the usual ones of a kind, each oriented higher is better."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from archlock.errors import TaskError
from archlock.tasks.task import Measure

NEAR_ANGSTROM = 8.0
"""Distances up to this are judged on PSICOV, and the unit of its score."""
LEAST_ANGSTROM = 0.01


def relative_l2(outputs: Tensor, targets: Tensor) -> Tensor:
    """Mean over samples of |output - target| / |target|, L2 norms. Source: LpLoss of Li et al., ICLR 2021."""
    error: Tensor = (outputs - targets).flatten(1).norm(dim=1) / targets.flatten(1).norm(dim=1).clamp_min(1e-8)
    return error.mean()


def _one_minus_relative_l2(outputs: Tensor, targets: Tensor, groups: Tensor | None) -> float:
    return 1 - float(relative_l2(outputs, targets))


def mean_by_group(outputs: Tensor, targets: Tensor, groups: Tensor | None) -> tuple[Tensor, Tensor]:
    """Mean logits of the samples of each group, and the targets of its first sample; (groups, outputs) each."""
    if groups is None:
        return outputs, targets
    _, place, count = groups.unique(return_inverse=True, return_counts=True)
    mean = torch.zeros(len(count), outputs.shape[1], dtype=outputs.dtype).index_add_(0, place, outputs)
    shared = torch.zeros(len(count), targets.shape[1], dtype=targets.dtype).index_add_(0, place, targets)
    per_group = count.unsqueeze(1)
    return mean / per_group, shared / per_group


def average_precision(scores: NDArray[np.float64], actual: NDArray[np.bool_]) -> float:
    """Area under precision over recall, by steps, tied scores taken together; ``actual`` holds both values.

    Source: the definition of scikit-learn's average_precision_score, sum of (R_n - R_(n-1)) P_n.
    """
    order = np.argsort(-scores, kind="stable")
    hits, ends = np.cumsum(actual[order]), np.append(np.diff(scores[order]) != 0, True)
    found, seen = hits[ends], np.flatnonzero(ends) + 1
    return float(np.sum(np.diff(found, prepend=0) * found / seen) / found[-1])


def area_under_roc(scores: NDArray[np.float64], actual: NDArray[np.bool_]) -> float:
    """Share of (positive, negative) pairs in the right order, ties half; ``actual`` holds both values."""
    positives = int(actual.sum())
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place][actual].sum()
    return float((ranks - positives * (positives + 1) / 2) / (positives * (len(actual) - positives)))


def _mean_average_precision(outputs: Tensor, targets: Tensor, groups: Tensor | None) -> float:
    scores, actual = _columns(*mean_by_group(outputs, targets, groups))
    judged = actual.any(axis=0)
    if not judged.any():
        raise TaskError("mean average precision needs a label that occurs; take more samples")
    return float(np.mean([average_precision(scores[:, label], actual[:, label]) for label in np.flatnonzero(judged)]))


def _mean_auroc(outputs: Tensor, targets: Tensor, groups: Tensor | None) -> float:
    scores, actual = _columns(outputs, targets)
    judged = actual.any(axis=0) & ~actual.all(axis=0)
    if not judged.any():
        raise TaskError("AUROC needs a label that is both present and absent; take more samples")
    return float(np.mean([area_under_roc(scores[:, label], actual[:, label]) for label in np.flatnonzero(judged)]))


def _columns(outputs: Tensor, targets: Tensor) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    return outputs.double().numpy(), (targets > 0.5).numpy()


def _macro_f1_of_votes(outputs: Tensor, targets: Tensor, groups: Tensor | None) -> float:
    """F1 averaged over classes, each group voting with its samples; a tie goes to the lower class."""
    classes = outputs.shape[1]
    predicted, actual = outputs.argmax(dim=1), targets
    if groups is not None:
        _, place = groups.unique(return_inverse=True)
        predicted, actual = (_votes(values, place, classes) for values in (predicted, actual))
    table = torch.bincount(actual * classes + predicted, minlength=classes**2).view(classes, classes).double()
    hits, total = table.diagonal(), table.sum(dim=0) + table.sum(dim=1)
    return float(torch.where(total > 0, 2 * hits / total.clamp_min(1), 0.0)[total > 0].mean())


def _votes(values: Tensor, place: Tensor, classes: int) -> Tensor:
    count = int(place.max()) + 1
    return torch.bincount(place * classes + values, minlength=count * classes).view(count, classes).argmax(dim=1)


def masked_cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Binary cross-entropy with logits over pixels whose target is not negative (a negative one is ignored)."""
    judged = (targets >= 0).to(outputs.dtype)
    entropy = functional.binary_cross_entropy_with_logits(outputs, targets.clamp_min(0), reduction="none")
    return (entropy * judged).sum() / judged.sum().clamp_min(1)


def _pixel_auroc(outputs: Tensor, targets: Tensor, groups: Tensor | None) -> float:
    judged = targets >= 0
    actual = targets[judged] > 0.5
    if not bool(actual.any()) or bool(actual.all()):
        raise TaskError("pixel AUROC needs pixels that are hit and pixels that are not; take more samples")
    return area_under_roc(outputs[judged].double().numpy(), actual.numpy())


def _one_minus_mae8(outputs: Tensor, targets: Tensor, groups: Tensor | None) -> float:
    """1 - MAE / 8 angstrom over true distances up to 8, averaged per protein; both triangles of a map are averaged.

    ``groups`` (n, 3) holds protein, row and column of each window; pixels that are not judged have far targets.
    """
    alone = torch.arange(len(outputs)).unsqueeze(1) * torch.tensor([1, 0, 0])
    window = {tuple(place): index for index, place in enumerate((alone if groups is None else groups).tolist())}
    errors: dict[int, list[Tensor]] = {}
    for (protein, row, column), index in window.items():
        other = window.get((protein, column, row))
        predicted = outputs[index] if other is None else (outputs[index] + outputs[other].transpose(-1, -2)) / 2
        predicted = predicted.clamp_min(LEAST_ANGSTROM)
        near = targets[index] <= NEAR_ANGSTROM
        errors.setdefault(protein, []).append((predicted - targets[index])[near].abs())
    means = [joined.mean() for joined in map(torch.cat, errors.values()) if len(joined)]
    if not means:
        raise TaskError("MAE8 needs a pair of residues that are near and far apart in the chain; take more proteins")
    return 1 - float(torch.stack(means).mean()) / NEAR_ANGSTROM


RELATIVE_L2 = Measure("1 - relative L2 error", _one_minus_relative_l2, relative_l2)
MEAN_AVERAGE_PRECISION = Measure("mAP", _mean_average_precision)
MEAN_AUROC = Measure("AUROC", _mean_auroc)
PIXEL_AUROC = Measure("pixel AUROC", _pixel_auroc, masked_cross_entropy)
MACRO_F1 = Measure("macro F1", _macro_f1_of_votes)
MAE8 = Measure("1 - MAE8 / 8 angstrom", _one_minus_mae8)
